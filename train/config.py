"""Everything that a training run was told: read from flags or `run.yaml`, written back in full."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..models import ConfigError, Resize

LossPlace = Literal["all", "late", "last"]
Precision = Literal["auto", "32-true", "16-mixed", "bf16-mixed"]
InputName = Literal["motion", "compensated", "rgb"]
CONFIG_FILE = "run.yaml"
Share = Annotated[float, Field(ge=0.0, lt=1.0)]
Count = Annotated[int, Field(ge=1)]


class TrainConfig(BaseModel):
    """A training run. Times are in seconds; `None` means that the run chooses and writes down what it chose."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    # What to learn from.
    data: Path
    """A folder of classes, a manifest or another list (see docs/train.md)."""
    out: Path
    videos: Path | None = None
    """Where the files that a list names lie; by default beside the list."""
    where: dict[str, str] = Field(default_factory=dict)
    """Keep the rows of a manifest whose column has this value."""
    labels: tuple[str, ...] = ()
    """Keep these labels only, in this order; empty keeps all, sorted."""
    val_groups: tuple[str, ...] = ()
    test_groups: tuple[str, ...] = ()
    val_share: Share = 0.2
    test_share: Share = 0.0
    background: str = "auto"
    """`auto` adds the label `background` (or takes the one of that name), `off` refuses it, else an own label."""
    about: str = ""
    """The training data in words, for the model card."""

    # What the network is.
    init: str | None = None
    """A bundle or run whose encoder is kept; only a head is trained."""
    backbone: str = "efficientnet_lite0:5+6.1"
    input: InputName = "motion"
    size: Annotated[int, Field(ge=16, le=1024)] = 128
    resize: Resize = "squash"
    fps: Annotated[float, Field(gt=0.0, le=120.0)] = 10.0
    cell: Literal["gru", "lstm"] = "gru"
    layers: Count = 1
    hidden: Count = 256
    embedding: Count = 256
    dropout: Share = 0.0
    shift: Annotated[int, Field(ge=0)] = 0
    """How many of the backbone's last residual blocks see the frame before; only of use if they learn."""
    finetune: Annotated[int, Field(ge=0)] = 0
    """How many of the backbone's last blocks learn; the batch-norm statistics stay as they are."""
    finetune_epochs: Count = 8

    # How it learns.
    epochs: Annotated[int, Field(ge=0)] = 30
    passes: Annotated[int, Field(ge=0)] = 6
    """Augmented views of each training clip, beside the plain one."""
    flip: bool = True
    """Mirror views; switch off where left and right are different labels."""
    swap: Share = 0.0
    """Share of the augmented views in which another background stands behind what moves (static cameras)."""
    streams: Count = 16
    """Streams side by side in a batch."""
    chunk: Count = 64
    """Frames that gradients flow back through; the state is carried on to the next chunk."""
    restart: Share = 0.25
    """Share of chunks that begin a new stream, from a state of zeros."""
    longest_s: Annotated[float, Field(gt=0.0)] = 60.0
    """Longest stretch of one activity in a stream; the lengths are log-uniform from 1 s."""
    background_share: Share = 0.3
    """Share of stretches in which nothing happens."""
    from_frame: bool = True
    """Begin as the single-frame layer, to which the recurrent part adds nothing yet; else with random weights."""
    loss: LossPlace = "late"
    """Which frames are judged: all, those `late_s` after a change, or the last of each chunk (MiniROAD)."""
    late_s: Annotated[float, Field(ge=0.0)] = 0.5
    balance: Annotated[float, Field(ge=0.0, le=1.0)] = 1.0
    """1: labels are drawn equally often; 0: as often as they have clips; between: by a power of their clips."""
    smoothing: Share = 0.1
    """Label smoothing."""
    rate: Annotated[float, Field(gt=0.0)] = 1e-3
    decay: Annotated[float, Field(ge=0.0)] = 0.05
    """Weight decay (AdamW)."""
    warmup: Share = 0.1
    """Share of the steps in which the rate rises; after it falls along a cosine."""
    ema: Share = 0.99
    """Decay of the averaged weights that are judged and saved; 0 saves the last step's."""
    accumulate: Count = 1
    patience: Annotated[int, Field(ge=0)] = 10
    """Stop after so many epochs without a better validation score; 0 never stops early."""
    false_alarms: Annotated[float, Field(gt=0.0)] = 2.0
    """False alarms an hour that the thresholds of the labels may cost on validation."""
    seed: int = 0

    # Where it runs.
    device: str = "auto"
    devices: Count = 1
    nodes: Count = 1
    precision: Precision = "auto"
    """`auto` is mixed with float16 on a GPU, float32 on a CPU."""
    workers: Annotated[int, Field(ge=0)] | None = None
    """Processes that decode; None takes one for each CPU but one."""
    threads: Count | None = None
    cache: Path | None = None
    """Where prepared features are kept; None is `$ACTREC_CACHE` or `~/.cache/actrec`."""

    @property
    def cache_folder(self) -> Path:
        """Return the cache's folder."""
        return self.cache or Path(os.environ.get("ACTREC_CACHE") or Path.home() / ".cache" / "actrec")


def make_config(values: dict[str, Any], where: str = "options") -> TrainConfig:
    """Check values and return the config. Raises ConfigError naming the first that does not fit."""
    try:
        return TrainConfig.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"]) or "config"
        got = "" if first["type"] in ("missing", "extra_forbidden") else f" got {str(first['input'])[:60]!r};"
        raise ConfigError(f"{where}: {name}:{got} {first['msg']}; see actrec-train --help") from None


def read_config(path: Path) -> dict[str, Any]:
    """Read the values of a `run.yaml`. Raises ConfigError."""
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; give the run.yaml of a run folder") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path}: not YAML ({str(error).splitlines()[0]}); give the run.yaml of a run"
        ) from None
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: got a {type(values).__name__}, want a mapping of options")
    return values


def write_config(config: TrainConfig, path: Path) -> None:
    """Write every option, those left at their defaults too."""
    text = yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    path.write_text(text, encoding="utf-8")
