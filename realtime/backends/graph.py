"""One graph of a bundle as the live engine sees it: named arrays in, named arrays out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ...models import ModelError, ModelSpec, StateSpec

SPEC_KEY = "actrec.spec"
"""Under this key each graph file carries a copy of its spec."""

Arrays = Mapping[str, NDArray[Any]]


class Graph(Protocol):
    """A loaded graph; `run` may be called again and again, from one thread."""

    device: str

    def run(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        """Return every output by name for every input by name."""


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output: its name, dtype, and dims with None where any length is taken."""

    name: str
    dtype: str
    dims: tuple[int | None, ...]

    def __str__(self) -> str:
        return (
            f"{self.name} {self.dtype} [{', '.join('any' if dim is None else str(dim) for dim in self.dims)}]"
        )


@dataclass(frozen=True, slots=True)
class Signature:
    """What a graph takes and gives."""

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]

    def check(self, where: str, inputs: Sequence[Port], outputs: Sequence[Port]) -> None:
        """Raise ModelError unless the ports found are exactly these, in any order."""
        for kind, wanted, found in (("input", self.inputs, inputs), ("output", self.outputs, outputs)):
            have = {port.name: port for port in found}
            for port in wanted:
                if have.get(port.name) != port:
                    got = have.get(port.name) or f"only {', '.join(sorted(have)) or 'none'}"
                    raise ModelError(
                        f"{where}: {kind} is {got}, the spec says {port}; export the model again"
                    )
            if len(found) != len(wanted):
                extra = sorted(set(have) - {port.name for port in wanted}) or ["a name twice"]
                raise ModelError(
                    f"{where}: {kind} {', '.join(extra)} is not in the spec; export the model again"
                )


def encoder_signature(spec: ModelSpec) -> Signature:
    """Return what the encoder of a spec takes and gives."""
    return Signature(
        (Port("frames", "uint8", (None, spec.size, spec.size, 3)), *_state_ports(spec.encoder_state)),
        (Port("features", "float32", (None, spec.features)), *_state_ports(spec.encoder_state, "next_")),
    )


def head_signature(spec: ModelSpec) -> Signature:
    """Return what the head of a spec takes and gives."""
    return Signature(
        (Port("features", "float32", (None, None, spec.features)), *_state_ports(spec.head_state)),
        (Port("logits", "float32", (None, None, len(spec.labels))), *_state_ports(spec.head_state, "next_")),
    )


def step_signature(spec: ModelSpec) -> Signature:
    """Return what the fused graph of a spec, encoder and one step of the head, takes and gives."""
    encoder, head = encoder_signature(spec), head_signature(spec)
    frame = Port("frame", "uint8", encoder.inputs[0].dims)
    logits = Port("logits", "float32", (None, len(spec.labels)))
    return Signature(
        (frame, *encoder.inputs[1:], *head.inputs[1:]), (logits, *encoder.outputs[1:], *head.outputs[1:])
    )


def check_spec(where: str, embedded: str | None, wanted: str) -> None:
    """Raise ModelError unless a graph file carries the spec that it is used with."""
    if embedded is None:
        raise ModelError(
            f"{where}: no {SPEC_KEY} in it, so it is not a graph of actrec; export the model again"
        )
    if embedded != wanted:
        raise ModelError(f"{where}: the spec inside differs from the bundle's; export the model again")


def _state_ports(states: Sequence[StateSpec], prefix: str = "") -> tuple[Port, ...]:
    return tuple(Port(prefix + state.name, state.dtype, (None, *state.shape)) for state in states)


def zeros(states: Sequence[StateSpec], streams: int) -> dict[str, NDArray[Any]]:
    """Return the state of `streams` new streams."""
    return {state.name: np.zeros((streams, *state.shape), state.dtype) for state in states}
