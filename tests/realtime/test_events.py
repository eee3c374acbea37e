"""Claims about events, with hand-made probabilities at 10 steps a second."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from actrec.models import EventRule, ModelSpec, StateSpec
from actrec.realtime.events import EventMachine
from actrec.realtime.results import Event, Prediction

RULE = EventRule(enter=0.6, leave=0.4, min_duration_s=0.3, min_gap_s=0.5)


def make_spec(rule: EventRule = RULE, labels: tuple[str, ...] = ("idle", "wave", "jump")) -> ModelSpec:
    return ModelSpec(
        name="hand",
        labels=labels,
        background="idle",
        fps=10.0,
        size=32,
        resize="squash",
        features=4,
        head_state=(StateSpec(name="state", shape=(1, 8)),),
        cell="gru",
        layers=1,
        hidden=8,
        rule=rule,
        backbone="none",
        backbone_licence="none",
        training_data="none",
    )


def play(
    machine: EventMachine, wave: Sequence[float], *, start_s: float = 0.0, wall: float = 1000.0
) -> list[Event]:
    said: list[Event] = []
    for number, score in enumerate(wave):
        time_s = start_s + number / 10
        prediction = Prediction(
            source="door",
            index=number,
            media_time=time_s,
            wall_time=wall + time_s,
            captured=50.0 + time_s,
            labels=("idle", "wave", "jump"),
            probabilities=np.array([1.0 - score, score, 0.0], np.float32),
            model="hand@00000000",
        )
        said.extend(machine.update(prediction, now=50.0 + time_s + 0.02))
    return said


def test_an_event_starts_at_its_first_step_and_is_said_once_it_has_lasted() -> None:
    said = play(EventMachine(make_spec(), live=True), [0.1, 0.7, 0.7, 0.7, 0.7, 0.7])
    assert [event.type for event in said] == ["new"]
    assert said[0].label == "wave"
    assert said[0].media_start == pytest.approx(0.1)
    assert said[0].start_time == pytest.approx(1000.1)
    assert said[0].frame_time == pytest.approx(1000.4)
    assert said[0].latency_ms == pytest.approx(20.0)


def test_a_flash_shorter_than_the_minimum_duration_is_no_event() -> None:
    machine = EventMachine(make_spec(), live=True)
    assert play(machine, [0.1, 0.9, 0.9, 0.9, 0.1, 0.1, 0.9, 0.1]) == []
    assert machine.finish() == ()


def test_between_enter_and_leave_an_event_goes_on_but_none_begins() -> None:
    machine = EventMachine(make_spec(), live=True)
    assert play(machine, [0.5] * 20) == []
    said = play(machine, [0.7] * 5 + [0.5] * 20, start_s=2.0)
    assert [event.type for event in said] == ["new", "update", "update"]


def test_a_dip_shorter_than_the_gap_does_not_split_an_event() -> None:
    said = play(EventMachine(make_spec(), live=True), [0.7] * 5 + [0.1] * 4 + [0.7] * 2 + [0.1] * 10)
    assert [event.type for event in said if event.type != "update"] == ["new", "end"]
    end = said[-1]
    assert end.media_end == pytest.approx(1.0), "it ends at the last step at or above leave"
    assert end.id == said[0].id


def test_updates_come_once_a_second_with_the_best_score_so_far() -> None:
    said = play(EventMachine(make_spec(), live=True), [0.7, 0.9] + [0.65] * 30)
    assert [event.type for event in said] == ["new", "update", "update"]
    assert said[1].top_score == pytest.approx(0.9)
    assert said[1].score == pytest.approx(0.65)


def test_finish_ends_each_open_event_exactly_once() -> None:
    machine = EventMachine(make_spec(), live=True)
    play(machine, [0.8] * 6)
    assert [event.type for event in machine.finish()] == ["end"]
    assert machine.finish() == ()
    assert machine.active == ()


def test_the_background_never_makes_an_event() -> None:
    assert play(EventMachine(make_spec(), live=True), [0.0] * 50) == []


def test_padding_widens_an_event_on_both_sides() -> None:
    rule = RULE.model_copy(update={"pad_s": 0.25})
    said = play(EventMachine(make_spec(rule), live=True), [0.1] * 5 + [0.8] * 5 + [0.1] * 10)
    assert said[0].media_start == pytest.approx(0.25)
    assert said[-1].media_end == pytest.approx(1.15)


def test_a_file_has_no_latency_and_its_ids_repeat() -> None:
    first = play(EventMachine(make_spec(), live=False), [0.8] * 6, wall=0.0)
    second = play(EventMachine(make_spec(), live=False), [0.8] * 6, wall=0.0)
    assert [event.to_dict() for event in first] == [event.to_dict() for event in second]
    assert first[0].latency_ms is None
    assert first[0].id.startswith("0.000-")


def test_the_same_label_later_has_another_id() -> None:
    said = play(EventMachine(make_spec(), live=True), ([0.8] * 6 + [0.0] * 8) * 2)
    ids = [event.id for event in said if event.type == "new"]
    assert len(set(ids)) == 2
