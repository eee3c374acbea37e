"""A day of stream in minutes: are the events right, the times true and the memory flat at the end of it?

    python benchmarks/long_stream.py --hours 24

Small frames at 10 a second of stream time go through the real pipeline, a clip ring and event files included, with
the hand-made model of tests/light_model.py, which knows bright from dark: 50 s of dark, 10 s of bright, and so on.
Each minute has to give exactly one event of 10 s, at the right second, until the last minute.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from actrec import Frame, Recognizer
from actrec.realtime.pipeline import Pipeline
from actrec.realtime.results import Step
from actrec.realtime.sources import FeedStatus

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from light_model import save_light_model

FPS, DARK_S, BRIGHT_S = 10, 50, 10
STEP_S = 1.0 / FPS
DARK, BRIGHT = np.full((36, 64, 3), 20, np.uint8), np.full((36, 64, 3), 235, np.uint8)


class DayFeed:
    """Frames of `seconds` of stream, as fast as they are asked for."""

    live, after, error = False, None, None

    def __init__(self, name: str, seconds: int) -> None:
        self.name = name
        self._total = seconds * FPS
        self._index = 0

    def start(self, due: Callable[[float], bool], wake: threading.Event) -> None:
        """Nothing to do: frames are made when they are asked for."""
        del due, wake

    def poll(self) -> Frame | None:
        """Return the next frame."""
        if self._index >= self._total:
            return None
        time_s = self._index * STEP_S
        image = BRIGHT if time_s % (DARK_S + BRIGHT_S) >= DARK_S else DARK
        self._index += 1
        return Frame(image, self.name, self._index - 1, time_s, time_s, time.monotonic())

    @property
    def done(self) -> bool:
        """True after the last frame."""
        return self._index >= self._total

    def status(self) -> FeedStatus:
        """Return the count."""
        return FeedStatus(state="running", frames_in=self._index, sampled=self._index)

    def halt(self) -> None:
        """See `Feed.halt`."""

    def stop(self) -> None:
        """End early."""
        self._index = self._total


def run(hours: float, folder: Path, *, quiet: bool = False) -> dict[str, float]:
    """Run a stream of `hours` and return the figures."""
    seconds = int(hours * 3600)
    recognizer = Recognizer(save_light_model(folder / "light"))
    pipeline = Pipeline([DayFeed("day", seconds)], [recognizer])
    process = psutil.Process()
    starts: list[float] = []
    ends: list[float] = []
    memory: list[float] = []
    steps = 0
    began = time.monotonic()
    part = seconds * FPS // 24
    with Progress(console=Console(stderr=True), disable=quiet) as progress:
        task = progress.add_task("stream", total=seconds * FPS)
        for item in pipeline.steps():
            for event in item.events if isinstance(item, Step) else item:
                if event.type == "new":
                    starts.append(event.media_start)
                elif event.type == "end":
                    assert event.media_end is not None
                    ends.append(event.media_end)
            if isinstance(item, Step):
                steps += 1
                if steps % part == 0:
                    memory.append(process.memory_info().rss / 2**20)
                    progress.update(task, completed=steps)
    wanted = [minute * 60.0 + DARK_S for minute in range(seconds // 60)]
    drift = [abs(start - want) for start, want in zip(starts, wanted, strict=False)]
    lasted = [end - start for start, end in zip(starts, ends, strict=False)]
    return {
        "stream_hours": hours,
        "steps": steps,
        "events": len(starts),
        "events_wanted": len(wanted),
        "ends": len(ends),
        "start_error_s_worst": round(max(drift), 3),
        "start_error_s_last": round(drift[-1], 3),
        "length_s_least": round(min(lasted), 2),
        "length_s_most": round(max(lasted), 2),
        "rss_mb_after_first_24th": round(memory[0], 1),
        "rss_mb_end": round(memory[-1], 1),
        "times_real_time": round(seconds / (time.monotonic() - began)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = run(options.hours, Path(folder))
    table = Table("figure", "value", title="a long stream")
    for name, value in figures.items():
        table.add_row(name, str(value))
    Console().print(table)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
