"""A machine that is ten times too slow: do the labels stay fresh and the memory flat?

    python benchmarks/slow_model.py --minutes 10

Four live demo cameras, in real time, and a recogniser that takes ten times as long as it does. Ages are those
of the labels; the first minute does not count.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import psutil
from rich.console import Console
from rich.table import Table

from actrec import Frame
from actrec.realtime.pipeline import Pipeline
from actrec.realtime.recognizer import Recognition, Recognizer
from actrec.realtime.results import Step
from actrec.realtime.sources import FeedStatus, SourceOptions, open_feeds, parse_source
from actrec.realtime.watch import DEFAULT_MODEL


class SlowRecognizer(Recognizer):
    """Takes `factor` times as long for every batch, by doing nothing for the rest."""

    factor = 10.0

    def update_batch(self, frames: Sequence[Frame]) -> list[Recognition]:
        """Recognise, then wait."""
        began = time.monotonic()
        results = super().update_batch(frames)
        time.sleep((time.monotonic() - began) * (self.factor - 1.0))
        return results


def run(model: str, cameras: int, minutes: float, *, adapt: bool) -> dict[str, object]:
    """Run and return the figures."""
    feeds = open_feeds([parse_source(f"cam{n}=demo:seed={n}") for n in range(cameras)], SourceOptions())
    recognizer = SlowRecognizer(model, threads=1)
    pipeline = Pipeline(feeds, [recognizer], duration_s=minutes * 60.0, adapt=adapt)
    process = psutil.Process()
    warm_s = min(60.0, minutes * 20.0)
    began = time.monotonic()
    ages: list[float] = []
    memory: list[float] = []
    for item in pipeline.steps():
        now = time.monotonic()
        if now - began < warm_s:
            continue
        if isinstance(item, Step):
            ages.append(now - item.frame.captured)
        if now - began > warm_s + len(memory) * 10.0:
            memory.append(process.memory_info().rss / 2**20)
    statuses: Mapping[str, FeedStatus] = pipeline.statuses()
    p50, p95, p99 = np.percentile(np.array(ages) * 1000.0, [50, 95, 99])
    return {
        "cameras": cameras,
        "minutes": minutes,
        "adapt": adapt,
        "rate_share": round(pipeline.rate_share, 2),
        "age_ms_p50": round(float(p50), 1),
        "age_ms_p95": round(float(p95), 1),
        "age_ms_p99": round(float(p99), 1),
        "labels": len(ages),
        "due": sum(status.sampled for status in statuses.values()),
        "dropped": sum(status.dropped for status in statuses.values()),
        "rss_mb_after_first_minute": round(memory[0], 1),
        "rss_mb_end": round(memory[-1], 1),
        "rss_growth_percent": round((memory[-1] / memory[0] - 1.0) * 100.0, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--cameras", type=int, default=4)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--adapt", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    figures = run(options.model, options.cameras, options.minutes, adapt=options.adapt)
    table = Table("figure", "value", title="ten times too slow")
    for name, value in figures.items():
        table.add_row(name, str(value))
    Console().print(table)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
