"""What a bundle says of itself: the one contract between training, export and live."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from .errors import ConfigError, ModelError

SCHEMA: Final = "actrec.bundle/1"
MAX_SPEC_BYTES = 1 << 20
MAX_STATE_BYTES = 64 << 20

Precision = Literal["fp32", "fp16", "int8"]
Resize = Literal["squash", "letterbox", "crop"]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$")]
Probability = Annotated[float, Field(ge=0.0, le=1.0)]
Seconds = Annotated[float, Field(ge=0.0, le=3600.0)]
_ENCODER_FIELDS = {
    "schema_version", "fps", "size", "resize", "features", "encoder_state", "backbone", "backbone_licence",
}  # fmt: skip
_ITEM_BYTES = {"float32": 4, "uint8": 1}


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, protected_namespaces=())


class StateSpec(_Value):
    """A state array that a graph takes as `name` and gives back as `next_<name>`; zeros start a stream."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
    shape: Annotated[tuple[Annotated[int, Field(ge=1, le=1 << 20)], ...], Field(min_length=1, max_length=5)]
    """Shape of one stream's slice; the graph's array has the batch axis in front."""
    dtype: Literal["float32", "uint8"] = "float32"

    @model_validator(mode="after")
    def _bounded(self) -> StateSpec:
        size = _ITEM_BYTES[self.dtype]
        for axis in self.shape:
            size *= axis
        if size > MAX_STATE_BYTES:
            raise ValueError(f"state {self.name} takes {size} bytes a stream, at most {MAX_STATE_BYTES}")
        return self


class EventRule(_Value):
    """When a label's probability becomes an event: hysteresis, then durations in seconds of media time."""

    enter: Probability = 0.6
    leave: Probability = 0.4
    min_duration_s: Seconds = 0.4
    min_gap_s: Seconds = 0.5
    pad_s: Seconds = 0.0

    @model_validator(mode="after")
    def _hysteresis(self) -> EventRule:
        if self.leave > self.enter:
            raise ValueError(f"leave {self.leave} is above enter {self.enter}")
        return self


class ModelSpec(_Value):
    """Everything that a runtime has to know to run a bundle; also embedded in each graph file.

    `files` maps each file of the bundle, `spec.json` itself left out, to its SHA-256; `seal` is the
    SHA-256 of this spec with an empty seal. `embedded_text` is the copy inside each graph.
    """

    schema_version: Literal["actrec.bundle/1"] = SCHEMA
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
    labels: Annotated[tuple[str, ...], Field(min_length=2, max_length=1000)]
    background: str | None = None
    """The label that never makes an event; one of `labels`, or None."""
    multi_label: bool = False
    """True: each label has its own sigmoid; False: one softmax over all."""

    fps: Annotated[float, Field(gt=0.0, le=120.0)]
    """Sampling rate in frames a second that the head was trained at."""
    size: Annotated[int, Field(ge=16, le=1024)]
    resize: Resize
    features: Annotated[int, Field(ge=1, le=65536)]
    encoder_state: tuple[StateSpec, ...] = ()
    head_state: Annotated[tuple[StateSpec, ...], Field(min_length=1)]
    cell: Literal["gru", "lstm"]
    layers: Annotated[int, Field(ge=1, le=16)]
    hidden: Annotated[int, Field(ge=1, le=8192)]

    temperature: Annotated[float, Field(gt=0.0, le=100.0)] = 1.0
    smoothing_s: Seconds = 0.3
    """Time constant of the exponential smoothing of probabilities."""
    horizon_s: Seconds = 5.0
    """Seconds of the past that the head was trained to use; the ring keeps at least so much."""
    rule: EventRule = EventRule()
    """For every label that has no rule of its own in `rules`."""
    rules: Mapping[str, EventRule] = Field(default_factory=dict)

    precision: Precision = "fp32"
    """The encoder that runs when the user does not choose."""
    backbone: str
    backbone_licence: str
    training_data: str
    metrics: Mapping[str, float] = Field(default_factory=dict)

    files: Mapping[FileName, Sha256] = Field(default_factory=dict)
    seal: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""

    @model_validator(mode="after")
    def _consistent(self) -> ModelSpec:
        if len(set(self.labels)) != len(self.labels):
            raise ValueError("labels repeat")
        if any(not label or len(label) > 100 or not label.isprintable() for label in self.labels):
            raise ValueError("a label is empty, longer than 100 characters or not printable")
        if self.background is not None and self.background not in self.labels:
            raise ValueError(f"background {self.background!r} is not one of the labels")
        unknown = sorted(set(self.rules) - set(self.labels))
        if unknown:
            raise ValueError(f"rules for unknown labels {unknown}")
        parts = self.layers * (2 if self.cell == "lstm" else 1)
        wanted = (StateSpec(name="state", shape=(parts, self.hidden)),)
        if self.head_state != wanted:
            raise ValueError(
                f"head_state {self.head_state} does not fit {self.layers} x {self.cell} of {self.hidden}"
            )
        return self

    def rule_for(self, label: str) -> EventRule:
        """Return the event rule of a label."""
        return self.rules.get(label, self.rule)

    def with_threshold(self, enter: float) -> ModelSpec:
        """Return this spec with another `enter` threshold for every label; `leave` keeps its ratio to it.

        Raises ConfigError unless the threshold is above 0 and at most 1.
        """
        if not 0.0 < enter <= 1.0:
            raise ConfigError(f"threshold {enter}: want a probability above 0 and at most 1, such as 0.6")

        def moved(rule: EventRule) -> EventRule:
            ratio = rule.leave / rule.enter if rule.enter > 0.0 else 1.0
            return rule.model_copy(update={"enter": enter, "leave": enter * ratio})

        rules = {label: moved(rule) for label, rule in self.rules.items()}
        return self.model_copy(update={"rule": moved(self.rule), "rules": rules})

    def embedded_text(self, part: Literal["encoder", "model"]) -> str:
        """Return the text that is written into a graph file under the key `actrec.spec`.

        `model` (head, fused step): the whole spec without files and seal, because a file cannot hold its own
        hash. `encoder`: only what concerns the encoder, so that models on one encoder carry the same file
        and can share one pass over a frame.
        """
        concerns = _ENCODER_FIELDS if part == "encoder" else None
        values = self.model_dump(mode="json", include=concerns, exclude={"files", "seal"})
        return json.dumps({"part": part, **values}, indent=2, ensure_ascii=False)

    def sealed(self, files: Mapping[str, str]) -> ModelSpec:
        """Return this spec with the files' hashes and the seal over everything."""
        bare = self.model_copy(update={"files": dict(sorted(files.items())), "seal": ""})
        return bare.model_copy(update={"seal": _digest(bare)})

    def to_json(self) -> str:
        """Return the one canonical text of this spec (UTF-8, two spaces, a newline at the end)."""
        return json.dumps(self.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes, where: str) -> ModelSpec:
        """Parse a spec; `where` names the file in the error. Raises ModelError."""
        if len(text) > MAX_SPEC_BYTES:
            raise ModelError(
                f"{where}: {len(text)} bytes, a spec has at most {MAX_SPEC_BYTES}; export the model again"
            )
        try:
            raw = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ModelError(
                f"{where}: not JSON ({error}); restore the file or export the model again"
            ) from None
        if not isinstance(raw, dict):
            raise ModelError(
                f"{where}: got a JSON {type(raw).__name__}, want an object; export the model again"
            )
        version = raw.get("schema_version")
        if version != SCHEMA:
            raise ModelError(
                f"{where}: schema {str(version)[:60]!r}, this actrec reads {SCHEMA!r}; export the model again"
            )
        try:
            return cls.model_validate(raw)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"]) or "spec"
            reason = first["msg"].removeprefix("Value error, ")
            raise ModelError(
                f"{where}: {place}: {reason}; restore the file or export the model again"
            ) from None

    @classmethod
    def from_sealed(cls, data: bytes, where: str) -> ModelSpec:
        """Parse a `spec.json` and check that no byte of it has changed since export. Raises ModelError."""
        spec = cls.from_json(data, where)
        bare = spec.model_copy(update={"seal": ""})
        if spec.seal != _digest(bare) or spec.to_json().encode() != data:
            raise ModelError(
                f"{where}: the seal does not fit the text, so it was changed after export; export it again"
            )
        return spec


def _digest(spec: ModelSpec) -> str:
    return hashlib.sha256(spec.to_json().encode()).hexdigest()
