"""Claims about the events and starts of streams, about quiet, and about thresholds; all by hand."""

from __future__ import annotations

import numpy as np
import pytest

from actrec.models import EventRule, ModelSpec, StateSpec
from actrec.realtime.events import EventMachine
from actrec.realtime.results import Prediction
from actrec.train.evaluation.play import collect_detections
from actrec.train.evaluation.quiet import count_alarms, count_flips
from actrec.train.evaluation.replay import replay_events
from actrec.train.evaluation.spans import (
    Detection,
    Span,
    Tally,
    detection_delays,
    join_touching,
    tally_events,
    tiou,
)
from actrec.train.evaluation.starts import Start, announced_starts, point_ap
from actrec.train.evaluation.thresholds import HIGHEST, choose_rules_for_scores

WAVE, LATER, JUMP = Span(10, 20, "wave"), Span(40, 50, "wave"), Span(20, 30, "jump")


def found(start_s: float, end_s: float, label: str, score: float = 0.9, wait_s: float = 0.4) -> Detection:
    return Detection(Span(start_s, end_s, label), start_s + wait_s, score)


def test_tiou_is_shared_time_over_all_time() -> None:
    assert tiou(WAVE, Span(15, 25, "wave")) == pytest.approx(5 / 15)
    assert tiou(WAVE, JUMP) == 0.0
    assert tiou(Span(3, 3, "a"), Span(3, 3, "a")) == 0.0


def test_spans_of_one_label_that_touch_are_one() -> None:
    assert join_touching([Span(5, 9, "a"), Span(0, 5, "a"), Span(2, 3, "b"), Span(9.5, 10, "a")]) == (
        Span(0, 9, "a"),
        Span(2, 3, "b"),
        Span(9.5, 10, "a"),
    )


def test_an_event_that_fits_less_than_asked_is_false_and_its_span_missed() -> None:
    events = [found(10, 16, "wave"), found(44, 60, "wave"), found(21, 29, "wave")]
    # tIoU 0.6; 6 / 20 = 0.3; and an event at another label's time.
    assert tally_events(events, [WAVE, LATER, JUMP], 0.3) == {"jump": Tally(0, 1, 0), "wave": Tally(2, 0, 1)}
    assert tally_events(events, [WAVE, LATER, JUMP], 0.5)["wave"] == Tally(1, 1, 2)
    assert Tally(2, 1, 1).f1 == pytest.approx(2 / 3)
    assert Tally().f1 == 0.0


def test_a_second_event_of_one_happening_is_false() -> None:
    twice = [found(10, 15.5, "wave", 0.8), found(10, 20, "wave", 0.7)]
    # The better score is served first, though the other fits better.
    assert tally_events(twice, [WAVE], 0.5) == {"wave": Tally(1, 0, 1)}


def test_delay_counts_from_the_true_start_to_the_announcement() -> None:
    events = [found(11, 13, "wave"), found(8, 12, "wave", wait_s=1.0), found(41, 45, "jump")]
    assert detection_delays(events[:1], [WAVE]) == [pytest.approx(1.4)]
    assert detection_delays(events, [WAVE, LATER]) == [0.0, None]


def test_alarms_are_sorted_by_what_was_true() -> None:
    events = [
        found(11, 13, "wave"),  # right
        found(22, 24, "wave"),  # while someone jumps
        found(32, 33, "wave"),  # nothing happened
        found(35, 35, "jump"),  # nothing happened, one step long
        found(61, 62, "jump"),  # not judged
    ]
    alarms = count_alarms(events, [WAVE, JUMP], 3600.0, ignored=[Span(60, 120, "other")])
    assert (alarms.right, alarms.confused, alarms.on_background) == (1, 1, 2)
    assert alarms.labelled_h == pytest.approx(20 / 3600)
    assert alarms.per_hour == pytest.approx(2 / ((3600 - 80) / 3600))


@pytest.mark.parametrize(
    ("truth", "said", "flips"),
    [
        ("aaaa", "aaaa", 0),
        ("aaaa", "bbaa", 0),  # the one change that is needed
        ("aaaa", "abaa", 2),  # away and back
        ("aaaa", "bcaa", 1),
        ("aaaa", "bcbc", 3),  # the right label never comes: every change is a flip
        ("aabb", "aabb", 0),
        ("aabb", "aaab", 0),
        ("aaabbb", "abaabb", 2),
    ],
)
def test_a_flip_is_a_change_that_no_truth_asked_for(truth: str, said: str, flips: int) -> None:
    assert count_flips(list(truth), list(said)) == flips


def test_a_start_is_announced_once_its_label_has_stayed() -> None:
    times = np.arange(10) / 10
    wave = np.array([0, 0, 0.6, 0.8, 0.8, 0.8, 0.1, 0.9, 0.1, 0.1])
    rows = np.stack([1 - wave, wave], axis=1).astype(np.float32)
    starts = announced_starts("door", times, rows, ("idle", "wave"), "idle", hold_s=0.2)
    assert starts == [Start("door", pytest.approx(0.4), "wave", pytest.approx((0.6 + 0.8 + 0.8) / 3))]  # type: ignore[arg-type]


def test_point_ap_ranks_by_score_and_serves_each_true_start_once() -> None:
    truth = [Start("s", 10, "wave"), Start("s", 50, "wave"), Start("s", 20, "jump")]
    said = [
        Start("s", 11.5, "wave", 0.9),
        Start("s", 12.0, "wave", 0.8),  # the same start again
        Start("s", 46.0, "wave", 0.7),
        Start("t", 20.0, "jump", 0.9),  # another stream
    ]
    mean, each = point_ap(said, truth, 1.0)
    assert (mean, each) == (0.0, {"jump": 0.0, "wave": 0.0})
    assert point_ap(said, truth, 2.0)[1]["wave"] == pytest.approx(1 / 2)
    assert point_ap(said, truth, 4.0)[1]["wave"] == pytest.approx((1 + 2 / 3) / 2)


@pytest.mark.parametrize("seed", range(20))
def test_events_replayed_are_those_of_the_event_machine(seed: int) -> None:
    rng = np.random.default_rng(seed)
    times = np.cumsum(rng.choice([0.08, 0.1, 0.12, 0.3], 600))
    width = int(rng.integers(3, 12))
    wander = 0.5 + np.convolve(rng.normal(0, 0.35 * width**0.5, 600), np.ones(width) / width, mode="same")
    scores = np.clip(wander, 0, 1).astype(np.float32)
    rule = EventRule(enter=0.7, leave=0.45, min_duration_s=0.4, min_gap_s=0.5, pad_s=0.1 * (seed % 2))
    labels = ("idle", "wave")
    spec = ModelSpec(
        name="hand", labels=labels, background="idle", fps=10.0, size=16, resize="squash", features=1,
        head_state=(StateSpec(name="state", shape=(1, 1)),), cell="gru", layers=1, hidden=1, rule=rule,
        backbone="none", backbone_licence="none", training_data="none",
    )  # fmt: skip
    machine = EventMachine(spec, live=False)
    events = []
    for step, (time_s, score) in enumerate(zip(times.tolist(), scores, strict=True)):
        row = np.array([1 - score, score], np.float32)
        events += machine.update(Prediction("s", step, time_s, time_s, 0.0, labels, row, "hand@0"))
    wanted = collect_detections([*events, *machine.finish()])
    replayed = replay_events(times, scores, "wave", rule)
    assert len(wanted) > 5
    assert [(d.span, d.said_s) for d in replayed] == [(d.span, d.said_s) for d in wanted]
    assert [d.score for d in replayed] == pytest.approx([d.score for d in wanted])


def test_a_threshold_is_the_lowest_that_keeps_the_budget() -> None:
    # One hour at 1 fps: a wave at 0.9, three alarms that reach 0.61, 0.71 and 0.81, ten seconds each.
    wave = np.zeros((1, 3600), np.float32)
    truth = np.zeros((1, 3600), np.int64)
    truth[0, 100:200], wave[0, 100:200] = 1, 0.9
    for number, score in enumerate((0.61, 0.71, 0.81)):
        wave[0, 1000 * (number + 1) : 1000 * (number + 1) + 10] = score
    scores = np.stack([1 - wave, wave], axis=2)
    labels = ("idle", "wave")

    def enter(per_hour: float) -> float:
        return choose_rules_for_scores(scores, truth, labels, "idle", fps=1.0, per_hour=per_hour)[
            "wave"
        ].enter

    assert [enter(budget) for budget in (0.5, 1.0, 2.0, 3.0)] == [
        pytest.approx(threshold) for threshold in (0.825, 0.725, 0.625, 0.5)
    ]
    rule = choose_rules_for_scores(
        scores, truth, labels, "idle", fps=1.0, per_hour=1.0, rule=EventRule(enter=0.8, leave=0.4)
    )["wave"]
    assert rule.leave == pytest.approx(rule.enter / 2)


def test_a_label_that_is_always_wrong_gets_the_highest_threshold() -> None:
    scores = np.stack([np.zeros((1, 600)), np.ones((1, 600))], axis=2).astype(np.float32)
    truth = np.zeros((1, 600), np.int64)
    rules = choose_rules_for_scores(scores, truth, ("idle", "wave"), "idle", fps=1.0, per_hour=1.0)
    assert rules["wave"].enter == HIGHEST
