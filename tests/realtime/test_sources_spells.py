"""Claims about faults that come in spells: when one begins, how long it shows, how often it is logged."""

from __future__ import annotations

import logging

import pytest

from actrec.realtime.sources.spells import QUIET_S, SHOWN_S, SPELL_S, Spells


def test_faults_close_together_are_one_spell() -> None:
    spells = Spells("cam")
    assert [spells.begins("corrupt picture", now) for now in (0.0, 0.1, 0.9, 1.8)] == [
        True,
        False,
        False,
        False,
    ]
    assert spells.begins("corrupt picture", 1.8 + SPELL_S + 0.1)


def test_another_kind_of_fault_is_another_spell() -> None:
    spells = Spells("cam")
    assert spells.begins("corrupt picture", 0.0)
    assert spells.begins("timestamp repeats", 0.1)


def test_a_fault_shows_for_a_while() -> None:
    spells = Spells("cam")
    assert spells.shown(0.0) == ""
    spells.begins("corrupt picture", 10.0)
    assert spells.shown(10.0 + SHOWN_S / 2) == "corrupt picture"
    assert spells.shown(10.1 + SHOWN_S) == ""


def test_a_fault_that_lasts_is_logged_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    spells = Spells("cam")
    with caplog.at_level(logging.WARNING):
        for number in range(int(2.5 * QUIET_S)):
            spells.begins("corrupt picture", float(number))
    assert [record.message for record in caplog.records] == ["cam: corrupt picture"] * 3
