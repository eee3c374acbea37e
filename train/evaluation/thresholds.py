"""Thresholds chosen on held-out streams for a stated number of false alarms an hour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ...models import EventRule, ModelSpec, StateSpec
from .play import Played
from .replay import replay_events
from .spans import Span, detection_delays, meets

LOWEST, HIGHEST, STEP = 0.5, 0.95, 0.025
"""Thresholds that are tried: below a half two labels could be open at once, above the scores lack resolution."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A label's rule and what it costs and gives on the streams that it was chosen on."""

    rule: EventRule
    false_alarms: int
    hours: float
    found: int
    truth: int
    kept: bool
    """False: not even the highest threshold keeps to the budget."""


def choose_rules(
    streams: Sequence[tuple[Played, Sequence[Span]]], spec: ModelSpec, *, per_hour: float
) -> dict[str, Choice]:
    """Return, for each label but the background, the lowest threshold that keeps within its share of a budget.

    streams: what was said of each, and what was true; held out from training. per_hour: false alarms an hour
    over all labels, of which each has an equal share. A false alarm is an event that shares no time with a
    true span of its label. Durations, and the ratio of `leave` to `enter`, stay those of the label's rule in
    `spec`. The threshold chosen keeps the budget and so
    does each higher one.
    """
    hours = sum(played.length_s for played, _ in streams) / 3600
    active = [label for label in spec.labels if label != spec.background]
    budget = per_hour * hours / max(1, len(active))
    return {label: _choose(streams, spec, label, hours, budget) for label in active}


def choose_rules_for_scores(
    scores: NDArray[np.float32],
    truth: NDArray[np.int64],
    labels: Sequence[str],
    background: str | None,
    *,
    fps: float,
    per_hour: float,
    rule: EventRule | None = None,
) -> dict[str, EventRule]:
    """Return `choose_rules` of arrays: smoothed, calibrated scores [B, T, C] and true labels [B, T] of streams.

    rule: gives the durations and the ratio of `leave` to `enter`; by default those of `EventRule`.
    """
    spec = ModelSpec(
        name="thresholds", labels=tuple(labels), background=background, fps=fps, size=16, resize="squash",
        features=1, head_state=(StateSpec(name="state", shape=(1, 1)),), cell="gru", layers=1, hidden=1,
        rule=rule or EventRule(), backbone="", backbone_licence="", training_data="",
    )  # fmt: skip
    times = np.arange(scores.shape[1]) / fps
    streams = [
        (Played(f"stream {number}", times, rows, (), 0), _runs(true, labels, background, fps))
        for number, (rows, true) in enumerate(zip(scores, truth, strict=True))
    ]
    chosen = choose_rules(streams, spec, per_hour=per_hour)
    return {label: choice.rule for label, choice in chosen.items()}


def _runs(truth: NDArray[np.int64], labels: Sequence[str], background: str | None, fps: float) -> list[Span]:
    edges = [0, *(np.flatnonzero(np.diff(truth)) + 1).tolist(), len(truth)]
    spans = [Span(a / fps, b / fps, labels[int(truth[a])]) for a, b in pairwise(edges)]
    return [span for span in spans if span.label != background]


def _choose(
    streams: Sequence[tuple[Played, Sequence[Span]]], spec: ModelSpec, label: str, hours: float, budget: float
) -> Choice:
    index = spec.labels.index(label)
    chosen: Choice | None = None
    for threshold in np.arange(HIGHEST, LOWEST - 1e-9, -STEP):
        rule = spec.with_threshold(round(float(threshold), 4)).rule_for(label)
        false, hits, total = 0, 0, 0
        for played, truth in streams:
            own = [span for span in truth if span.label == label]
            said = replay_events(played.times, played.probabilities[:, index], label, rule)
            false += sum(not any(meets(event.span, span) for span in own) for event in said)
            hits += sum(delay is not None for delay in detection_delays(said, own))
            total += len(own)
        kept = false <= budget
        if kept or chosen is None:
            chosen = Choice(rule, false, hours, hits, total, kept)
        if not kept:
            break
    assert chosen is not None
    return chosen
