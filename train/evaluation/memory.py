"""How long another activity is remembered: the time to switch label after a second, a minute, an hour of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...realtime.backends import Backend, State
from ...realtime.smoother import probabilities, smooth

AGES_S = (1.0, 60.0, 600.0, 3600.0)
LONGEST_S = 10.0
"""A label that has not come by then counts as this."""
HOLD_S = 0.4
_CHUNK_VALUES = 1 << 23
"""Features that go through the head in one call: bounded memory, whatever the number of stretches."""

Labelled = tuple[int, NDArray[np.float32]]
"""A label's index and the features [T, F] of a stretch of it, to be repeated for as long as is needed."""


@dataclass(frozen=True, slots=True)
class Switch:
    """Switch times in s after one age of the activity before, over all pairs that were tried."""

    age_s: float
    mean_s: float
    median_s: float
    p90_s: float
    never: int
    """Pairs that had not switched after 10 s; they count as 10 s."""
    pairs: int


def switch_times(
    before: Sequence[Labelled], after: Sequence[Labelled], backend: Backend, ages_s: Sequence[float] = AGES_S
) -> list[Switch]:
    """Return how long the label of `after` needs to come when `before` went on for each age first.

    The head and the smoother are the live ones; the features of `before` are repeated, the state carried on.
    A label has come at the first step of `HOLD_S` seconds in which it is the top one throughout. A stretch of
    `after` that is not recognised from a fresh state either tells nothing about memory and is left out.
    """
    fresh = _times_to(after, backend.head_start(1), None, backend)
    known = [stretch for stretch, time_s in zip(after, fresh, strict=True) if time_s is not None]
    times: dict[float, list[float | None]] = {age: [] for age in ages_s}
    for age_s, states, smoothed in _age(before, backend, sorted(ages_s)):
        for row, (old, _) in enumerate(before):
            state = {name: array[row : row + 1] for name, array in states.items()}
            others = [(label, rows) for label, rows in known if label != old]
            times[age_s] += _times_to(others, state, smoothed[row], backend)
    return [_sum_up(age_s, times[age_s]) for age_s in ages_s]


def repeated(features: NDArray[np.float32], first: int, count: int) -> NDArray[np.float32]:
    """Return steps `first` ... `first + count - 1` of an endless repetition of features [T, F]."""
    return features[(first + np.arange(count)) % len(features)]


def first_held(top: NDArray[np.bool_], steps: int) -> int | None:
    """Return the first index of `steps` Trues in a row, or None."""
    run = 0
    for index, is_top in enumerate(top):
        run = run + 1 if is_top else 0
        if run >= steps:
            return index - steps + 1
    return None


def _age(
    before: Sequence[Labelled], backend: Backend, ages_s: Sequence[float]
) -> list[tuple[float, State, NDArray[np.float32]]]:
    """Run all stretches side by side to the oldest age; return state and smoothed probabilities at each."""
    spec = backend.spec
    state = backend.head_start(len(before))
    smoothed: NDArray[np.float32] | None = None
    found, step = [], 0
    chunk = max(16, _CHUNK_VALUES // (len(before) * spec.features))
    for age_s in ages_s:
        end = max(1, round(age_s * spec.fps))
        while step < end:
            count = min(chunk, end - step)
            rows = np.stack([repeated(features, step, count) for _, features in before])
            logits, state = backend.step(rows, state)
            for row in np.moveaxis(probabilities(logits, spec), 1, 0):
                smoothed = smooth(smoothed, row, 1.0 / spec.fps, spec.smoothing_s)
            step += count
        assert smoothed is not None
        found.append((age_s, state, smoothed))
    return found


def _times_to(
    stretches: Sequence[Labelled], state: State, smoothed: NDArray[np.float32] | None, backend: Backend
) -> list[float | None]:
    """Return how long each stretch needs, all side by side from one state [1, ...] and smoothed row [C]."""
    if not stretches:
        return []
    spec, count = backend.spec, len(stretches)
    steps = round(LONGEST_S * spec.fps)
    states = {name: np.repeat(array, count, axis=0) for name, array in state.items()}
    logits, _ = backend.step(np.stack([repeated(rows, 0, steps) for _, rows in stretches]), states)
    labels = np.array([label for label, _ in stretches])
    now = None if smoothed is None else np.repeat(smoothed[None], count, axis=0)
    top = np.zeros((count, steps), np.bool_)
    for step, rows in enumerate(np.moveaxis(probabilities(logits, spec), 1, 0)):
        now = smooth(now, rows, 1.0 / spec.fps, spec.smoothing_s)
        top[:, step] = now.argmax(axis=1) == labels
    held = max(1, round(HOLD_S * spec.fps))
    found = [first_held(row, held) for row in top]
    return [None if index is None else (index + 1) / spec.fps for index in found]


def _sum_up(age_s: float, times: Sequence[float | None]) -> Switch:
    filled = np.array([LONGEST_S if time_s is None else time_s for time_s in times])
    if not len(filled):
        return Switch(age_s, float("nan"), float("nan"), float("nan"), 0, 0)
    never = sum(time_s is None for time_s in times)
    return Switch(
        age_s,
        float(filled.mean()),
        float(np.median(filled)),
        float(np.quantile(filled, 0.9)),
        never,
        len(filled),
    )
