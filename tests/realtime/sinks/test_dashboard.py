"""Claims about the terminal dashboard: what stands on the screen, and that the terminal comes back."""

from __future__ import annotations

import io
import logging
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from actrec.realtime.command import stderr
from actrec.realtime.sinks.dashboard import Dashboard
from actrec.realtime.sources.feed import FeedStatus

if TYPE_CHECKING:
    from .conftest import Maker


def text_of(dashboard: Dashboard, width: int, height: int) -> str:
    console = Console(file=io.StringIO(), width=width, height=height, record=True)
    dashboard._console = console
    console.print(dashboard._render())
    return console.export_text()


@pytest.mark.parametrize(("width", "height"), [(140, 40), (110, 30), (80, 24), (60, 10)])
def test_a_row_says_everything_about_its_source(make: Maker, width: int, height: int) -> None:
    terminal = Console(file=io.StringIO(), force_terminal=True, width=width, height=height)
    dashboard = Dashboard(["door", "yard"], quiet=frozenset({"nothing"}), console=terminal)
    try:
        begun = make.event("new", 1.0, now=1.4, source="door")
        dashboard.step(make.step(0, 1.4, source="door", wall=1.7e9, events=(begun,), active=(begun,)))
        dashboard.statuses(
            {
                "door": FeedStatus("running", "", (120, 160), 29.9, 40, 13, 7),
                "yard": FeedStatus("reconnecting", "connection refused, again in 4 s", reconnects=3),
            }
        )
        text = text_of(dashboard, width, height)
    finally:
        dashboard.close()
    rows = {
        name: next(line for line in text.splitlines() if line.startswith(name)) for name in ("door", "yard")
    }
    assert max(map(len, text.splitlines())) <= width
    assert len(text.splitlines()) <= height
    if width >= 80:
        for word in ("too slow", "29.9", " ms", "waving", "70 %", "7"):
            assert word in rows["door"]
        assert "reconn" in rows["yard"]
        assert rows["yard"].split()[-2:] == ["3", "0"]
    if height >= 30:
        assert "▶ waving  door  0.80" in text


def test_many_sources_fit_into_a_small_terminal() -> None:
    terminal = Console(file=io.StringIO(), force_terminal=True, width=80, height=24)
    names = [f"camera {number}" for number in range(40)]
    dashboard = Dashboard(names, console=terminal)
    dashboard.statuses(dict.fromkeys(names, FeedStatus("running")))
    text = text_of(dashboard, 80, 24)
    dashboard.close()
    assert len(text.splitlines()) <= 24
    assert "more" in text


def test_log_lines_and_reports_go_to_the_foot_and_are_said_again_at_the_end(
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = (list(logging.getLogger().handlers), stderr.file)
    dashboard = Dashboard(
        ["cam"], console=Console(file=io.StringIO(), force_terminal=True, width=120, height=40)
    )
    logging.getLogger("actrec.test").warning("cam: no frame for 2.1 s")
    stderr.print("[yellow]too slow: 3 frames dropped[/]")
    text = text_of(dashboard, 120, 40)
    assert "cam: no frame for 2.1 s" in text
    assert "too slow: 3 frames dropped" in text
    assert capsys.readouterr().err == ""
    dashboard.close()
    dashboard.close()
    assert (list(logging.getLogger().handlers), stderr.file) == before
    assert capsys.readouterr().err.splitlines() == ["cam: no frame for 2.1 s", "too slow: 3 frames dropped"]


def test_in_a_real_terminal_it_takes_the_screen_and_gives_it_back(
    need_tool: Callable[[str, str], str], tmp_path: Path
) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import time\n"
        "from actrec.realtime.sinks.dashboard import Dashboard\n"
        "from actrec.realtime.sources.feed import FeedStatus\n"
        "dashboard = Dashboard(['door'])\n"
        "dashboard.statuses({'door': FeedStatus('running', fps_in=25.0)})\n"
        "input()\n"
        "dashboard.close()\n"
        "print('all', 'done')\n"
        "input()\n"
    )
    tmux = [need_tool("tmux", "tmux"), "-S", str(tmp_path / "socket")]

    def screen(wanted: str) -> str:
        end = time.monotonic() + 20
        while wanted not in (
            text := subprocess.check_output([*tmux, "capture-pane", "-p", "-t", "t"], text=True)
        ):
            assert time.monotonic() < end, text
            time.sleep(0.1)
        return text

    command = f"echo before; {sys.executable} {program}"
    subprocess.run([*tmux, "new-session", "-d", "-s", "t", "-x", "100", "-y", "30", command], check=True)
    try:
        text = screen("25.0")
        assert "● running" in text
        assert "before" not in text
        subprocess.run([*tmux, "send-keys", "-t", "t", "Enter"], check=True)
        text = screen("all done")
        assert "before" in text
        assert "● running" not in text
    finally:
        subprocess.run([*tmux, "kill-server"], check=True)
