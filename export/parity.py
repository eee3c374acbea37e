"""Proof that two runtimes say the same of a stream: logits, state and events, over many chained steps.

The state of each is fed back to itself, never exchanged, so that a difference that feeds on itself would show.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from ..models import Bundle, ModelError, ModelSpec, Precision
from ..realtime.backends import State, open_step
from ..realtime.events import EventMachine
from ..realtime.results import Event, Prediction
from ..realtime.smoother import probabilities, smooth
from ..train.network import Network

LIMIT = 1e-4
"""Largest difference of logits and final state that fp32 may have."""
AGREEMENT = 0.98
"""Smallest share of frames on which int8 and fp16 must name the same label."""
ODD_CHUNKS = (1, 2, 3, 5, 7, 11)
_GROWTH = 4.0
_NOISE = 2e-5
"""Differences below this are rounding, whose size means nothing."""


class Runner(Protocol):
    """What a Backend offers; the PyTorch network offers it too, as `TorchRunner`."""

    @property
    def spec(self) -> ModelSpec:
        """The spec of the bundle."""

    def encode(
        self, frames: NDArray[np.uint8], state: Mapping[str, NDArray[Any]]
    ) -> tuple[NDArray[np.float32], State]:
        """Frames [N, S, S, 3] and state -> features [N, F] and next state."""

    def step(
        self, features: NDArray[np.float32], state: Mapping[str, NDArray[Any]]
    ) -> tuple[NDArray[np.float32], State]:
        """Features [B, T, F] and state -> logits [B, T, C] and next state."""

    def encoder_start(self, streams: int) -> State:
        """Zeros."""

    def head_start(self, streams: int) -> State:
        """Zeros."""


class TorchRunner:
    """The network as it was trained, called like a Backend: the reference of every comparison."""

    def __init__(self, network: Network, spec: ModelSpec) -> None:
        self.spec = spec
        self._network = network.eval()

    def encode(
        self, frames: NDArray[np.uint8], state: Mapping[str, NDArray[Any]]
    ) -> tuple[NDArray[np.float32], State]:
        """Run the encoder."""
        given = [torch.from_numpy(np.ascontiguousarray(state[spec.name])) for spec in self.spec.encoder_state]
        with torch.inference_mode():
            features, *after = self._network.encoder(torch.from_numpy(np.ascontiguousarray(frames)), *given)
        return features.numpy(), {
            s.name: a.numpy() for s, a in zip(self.spec.encoder_state, after, strict=True)
        }

    def step(
        self, features: NDArray[np.float32], state: Mapping[str, NDArray[Any]]
    ) -> tuple[NDArray[np.float32], State]:
        """Run the head."""
        given = torch.from_numpy(np.ascontiguousarray(state["state"]))
        with torch.inference_mode():
            logits, after = self._network.head(torch.from_numpy(np.ascontiguousarray(features)), given)
        return logits.numpy(), {"state": after.numpy()}

    def encoder_start(self, streams: int) -> State:
        """Zeros."""
        zeros = self._network.encoder.start(streams)
        return {spec.name: array.numpy() for spec, array in zip(self.spec.encoder_state, zeros, strict=True)}

    def head_start(self, streams: int) -> State:
        """Zeros."""
        return {"state": self._network.head.start(streams).numpy()}


@dataclass(frozen=True, eq=False)
class Chain:
    """What a runner gave for a stream, step by step: features [T, F], logits [T, C], and where the states ended."""

    features: NDArray[np.float32]
    logits: NDArray[np.float32]
    encoder_state: State
    head_state: State


def run_chain(runner: Runner, frames: NDArray[np.uint8], advance: Callable[[], None] = lambda: None) -> Chain:
    """Run one stream, frames uint8 [T, S, S, 3], frame by frame, each state fed back."""
    seen, said = [], []
    encoder_state, head_state = runner.encoder_start(1), runner.head_start(1)
    for frame in frames:
        features, encoder_state = runner.encode(frame[None], encoder_state)
        logits, head_state = runner.step(features[:, None], head_state)
        seen.append(features[0])
        said.append(logits[0, 0])
        advance()
    return Chain(np.stack(seen), np.stack(said), encoder_state, head_state)


@dataclass(frozen=True)
class Parity:
    """How far a runner is from the reference. Differences are the largest absolute ones."""

    steps: int
    exact: bool
    """True: judged as fp32, by differences; False: as int8 or fp16, by labels and events."""
    logits: float
    state: float
    """Of the encoder's and the head's state after the last step (uint8 states in 0..255)."""
    growth: float
    """Largest difference of logits in the last quarter of the steps, over that in the first quarter."""
    chunks: float
    """Of logits and state: a clip at once and in odd chunks, against frame by frame."""
    batch: float
    """Of logits: streams side by side, against each alone."""
    agreement: float
    """Share of the steps on which both name the same label."""
    events: int
    """How many the reference made."""
    events_same: bool
    events_moved_s: float
    """How far the start or end of an event moved; inf if one has no partner."""
    interval_s: float
    """One sampling interval."""

    def fault(self) -> str | None:
        """Return what does not hold, with the figure, or None."""
        if self.exact:
            for what, figure in (
                ("logits", self.logits), ("final state", self.state), ("odd chunks", self.chunks),
                ("batch", self.batch),
            ):  # fmt: skip
                if not figure <= LIMIT:
                    return f"{what} differ by {figure:.3g} over {self.steps} steps, at most {LIMIT:g}"
            if self.logits > _NOISE and self.growth > _GROWTH:
                return f"differences grow {self.growth:.1f}-fold over {self.steps} steps, at most {_GROWTH:g}"
            if not self.events_same:
                return f"the events differ (the reference made {self.events}), want the same"
        if self.agreement < AGREEMENT:
            return f"the same label on {self.agreement:.1%} of {self.steps} steps, want {AGREEMENT:.0%}"
        if self.events_moved_s > self.interval_s + 1e-6:
            moved = (
                "one has no partner"
                if np.isinf(self.events_moved_s)
                else f"moved by {self.events_moved_s:.2f} s"
            )
            return f"events: {moved}, at most one sampling interval ({self.interval_s:.2f} s)"
        return None

    def require(self, what: str) -> None:
        """Raise ModelError with the figure unless the parity holds."""
        fault = self.fault()
        if fault is not None:
            raise ModelError(f"{what}: {fault}; nothing was written, export without it or report this")


def compare(
    reference: Chain, chain: Chain, runner: Runner, frames: NDArray[np.uint8], *, exact: bool
) -> Parity:
    """Compare a runner, and its chain over `frames` (uint8 [T, S, S, 3]), with the reference's chain over them."""
    spec = runner.spec
    apart = np.abs(reference.logits - chain.logits).max(axis=1)
    quarter = max(1, len(apart) // 4)
    before, after = events_of(reference.logits, spec), events_of(chain.logits, spec)
    return Parity(
        steps=len(frames),
        exact=exact,
        logits=float(apart.max()),
        state=max(
            _apart(reference.encoder_state, chain.encoder_state),
            _apart(reference.head_state, chain.head_state),
        ),
        growth=float(apart[-quarter:].max() / max(float(apart[:quarter].max()), 1e-12)),
        chunks=_chunks_apart(runner, chain),
        batch=_batch_apart(runner, frames),
        agreement=float((reference.logits.argmax(axis=1) == chain.logits.argmax(axis=1)).mean()),
        events=sum(event.type == "end" for event in before),
        events_same=_lines(before) == _lines(after),
        events_moved_s=_moved(before, after),
        interval_s=1.0 / spec.fps,
    )


def events_of(logits: NDArray[np.float32], spec: ModelSpec) -> tuple[Event, ...]:
    """Return the events that the live loop makes of a stream's logits [T, C], sampled at the spec's rate."""
    machine = EventMachine(spec, live=False)
    smoothed: NDArray[np.float32] | None = None
    said: list[Event] = []
    for index, current in enumerate(probabilities(logits, spec)):
        smoothed = smooth(smoothed, current, 1.0 / spec.fps, spec.smoothing_s)
        time = index / spec.fps
        said += machine.update(
            Prediction("stream", index, time, time, time, spec.labels, smoothed, spec.name)
        )
    return (*said, *machine.finish())


def step_apart(bundle: Bundle, precision: Precision, chain: Chain, frames: NDArray[np.uint8]) -> float:
    """Return how far the logits of the fused step graph are from those of encoder and head."""
    graph = open_step(bundle, precision)
    spec = bundle.spec
    states = {
        state.name: np.zeros((1, *state.shape), state.dtype)
        for state in (*spec.encoder_state, *spec.head_state)
    }
    said = []
    for frame in frames:
        outputs = graph.run({"frame": frame[None], **states})
        states = {name: outputs[f"next_{name}"] for name in states}
        said.append(outputs["logits"][0])
    return float(np.abs(np.stack(said) - chain.logits).max())


def _lines(events: tuple[Event, ...]) -> list[tuple[object, ...]]:
    return [(event.type, event.id, event.label, event.media_start, event.media_end) for event in events]


def _moved(before: tuple[Event, ...], after: tuple[Event, ...]) -> float:
    """Return how far events moved, each paired with the nearest unpaired one of its label."""
    rest = [event for event in after if event.type == "end"]
    farthest = 0.0
    for event in (event for event in before if event.type == "end"):
        partners = [(_shift(event, other), other) for other in rest if other.label == event.label]
        if not partners:
            return float("inf")
        shift, partner = min(partners, key=lambda pair: pair[0])
        rest.remove(partner)
        farthest = max(farthest, shift)
    return float("inf") if rest else farthest


def _shift(one: Event, other: Event) -> float:
    ends = abs((one.media_end or 0.0) - (other.media_end or 0.0))
    return max(abs(one.media_start - other.media_start), ends)


def _chunks_apart(runner: Runner, chain: Chain) -> float:
    count = len(chain.features)
    odd: list[int] = []
    total = 0
    while total < count:
        odd.append(min(ODD_CHUNKS[len(odd) % len(ODD_CHUNKS)], count - total))
        total += odd[-1]
    worst = 0.0
    for sizes in ([count], odd):
        state, said = runner.head_start(1), []
        for part in np.split(chain.features, np.cumsum(sizes)[:-1]):
            logits, state = runner.step(part[None], state)
            said.append(logits[0])
        worst = max(
            worst, _apart({"l": np.concatenate(said)}, {"l": chain.logits}), _apart(state, chain.head_state)
        )
    return worst


def _batch_apart(runner: Runner, frames: NDArray[np.uint8], streams: int = 3, steps: int = 12) -> float:
    steps = max(1, min(steps, len(frames) // streams))
    lanes = frames[: steps * streams].reshape(streams, steps, *frames.shape[1:])
    alone = np.stack([run_chain(runner, lane).logits for lane in lanes], axis=1)
    encoder_state, head_state, together = runner.encoder_start(streams), runner.head_start(streams), []
    for step in range(steps):
        features, encoder_state = runner.encode(lanes[:, step], encoder_state)
        logits, head_state = runner.step(features[:, None], head_state)
        together.append(logits[:, 0])
    return float(np.abs(alone - np.stack(together)).max())


def _apart(one: Mapping[str, NDArray[Any]], other: Mapping[str, NDArray[Any]]) -> float:
    return max(
        (float(np.abs(one[name].astype(np.float64) - other[name].astype(np.float64)).max()) for name in one),
        default=0.0,
    )
