"""How soon a camera is back after its server was killed, frozen or restarted with another size.

    python benchmarks/reconnect.py --times 20 --json reconnect.json

Starts real RTSP servers on loopback (GStreamer, the system's Python) and watches two sources: one that is
disturbed, one that must not notice. Recovery counts from the moment at which the server can serve again to the
first new frame that is handed to the recogniser. The outages last up to three seconds after they were noticed.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

from rich.console import Console
from rich.table import Table

from actrec.realtime.sampler import Sampler
from actrec.realtime.sources import Feed, SourceOptions, open_feeds, parse_source

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "realtime"))
from stream_servers import RtspServer, can_serve_rtsp, encode

ALLOWED_S = 2.0
"""On top of the stall timeout."""


@dataclass(frozen=True)
class Row:
    """All disturbances of one kind."""

    kind: str
    times: int
    recovered: int
    recovery_p50_s: float
    recovery_p95_s: float
    recovery_max_s: float
    told_max_s: float
    """From the disturbance to the status that tells of it, at worst."""
    allowed_s: float
    threads_before: int
    threads_after: int
    files_before: int
    files_after: int
    other_longest_gap_s: float
    other_faults: int
    other_dropped: int


class Viewer:
    """Takes frames of all feeds in a thread, as the pipeline does."""

    def __init__(self, feeds: list[Feed]) -> None:
        self.feeds = {feed.name: feed for feed in feeds}
        self.times: dict[str, list[float]] = {feed.name: [] for feed in feeds}
        self.epochs: dict[str, int] = {feed.name: 0 for feed in feeds}
        self._wake = threading.Event()
        self._stop = threading.Event()
        for feed in feeds:
            feed.start(Sampler(10).due, self._wake)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.is_set():
            for name, feed in self.feeds.items():
                while (frame := feed.poll()) is not None:
                    self.epochs[name] = frame.epoch
                    self.times[name].append(time.monotonic())
            self._wake.wait(0.05)
            self._wake.clear()

    def after(self, name: str, epoch: int, ready: float) -> bool:
        """Return whether a frame of a later epoch has come since `ready`."""
        return self.epochs[name] > epoch and self.times[name][-1] > ready

    def stop(self) -> None:
        """Stop watching, then the feeds."""
        self._stop.set()
        self._thread.join()
        for feed in self.feeds.values():
            feed.stop()


def wait_for(what: Callable[[], bool], limit_s: float) -> float | None:
    """Return the monotonic time at which `what` became true, or None if it did not in time."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        if what():
            return time.monotonic()
        time.sleep(0.005)
    return None


def threads_and_files() -> tuple[int, int]:
    return threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))


def disturb(
    kind: str, count: int, small: Path, large: Path, options: SourceOptions, rng: random.Random
) -> Row:
    """Disturb one of two cameras `count` times and measure how it comes back."""
    allowed_s = options.stall_timeout_s + ALLOWED_S
    servers = [RtspServer({"/cam": small}), RtspServer({"/cam": small})]
    viewer: Viewer | None = None
    before = after = (0, 0)
    recoveries: list[float] = []
    told: list[float] = []
    try:
        viewer = Viewer(
            open_feeds(
                [parse_source(f"cam={servers[0].url()}"), parse_source(f"other={servers[1].url()}")], options
            )
        )
        wait_for(lambda: all(len(times) > 10 for times in viewer.times.values()), 10)
        before = threads_and_files()
        feed = viewer.feeds["cam"]
        big = False
        for _ in range(count):
            epoch = viewer.epochs["cam"]
            began = time.monotonic()
            if kind == "frozen":
                servers[0].freeze()
            else:
                servers[0].kill()
            told_at = wait_for(lambda: feed.status().state != "running", allowed_s + 5)
            told.append((told_at or time.monotonic()) - began)
            time.sleep(rng.uniform(0.0, 3.0))
            if kind == "frozen":
                servers[0].thaw()
            else:
                big = big != (kind == "another size")
                servers[0] = RtspServer({"/cam": large if big else small}, port=servers[0].port)
            ready = time.monotonic()
            back = wait_for(partial(viewer.after, "cam", epoch, ready), 30)
            if back is not None:
                recoveries.append(back - ready)
            time.sleep(rng.uniform(2.5, 4.0))
        wait_for(lambda: threads_and_files()[0] <= before[0] and threads_and_files()[1] <= before[1], 10)
        after = threads_and_files()
        other = viewer.feeds["other"].status()
        gap_s = max(b - a for a, b in pairwise(viewer.times["other"]))
    finally:
        if viewer is not None:
            viewer.stop()
        for server in servers:
            server.kill()
    ranked = sorted(recoveries) or [float("nan")]
    return Row(
        kind=kind,
        times=count,
        recovered=sum(recovery <= allowed_s for recovery in recoveries),
        recovery_p50_s=ranked[len(ranked) // 2],
        recovery_p95_s=ranked[min(len(ranked) - 1, int(0.95 * len(ranked)))],
        recovery_max_s=ranked[-1],
        told_max_s=max(told),
        allowed_s=allowed_s,
        threads_before=before[0],
        threads_after=after[0],
        files_before=before[1],
        files_after=after[1],
        other_longest_gap_s=gap_s,
        other_faults=other.faults + other.reconnects,
        other_dropped=other.dropped,
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--times", type=int, default=20, help="disturbances of each kind")
    parser.add_argument("--stall-timeout", type=float, default=SourceOptions().stall_timeout_s)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    choices = parser.parse_args()
    if reason := can_serve_rtsp():
        sys.exit(reason)
    options = SourceOptions(stall_timeout_s=choices.stall_timeout)
    rng = random.Random(choices.seed)
    with tempfile.TemporaryDirectory() as folder:
        small = encode(Path(folder) / "small.h264", size=(320, 240), seconds=4.0)
        large = encode(Path(folder) / "large.h264", size=(640, 360), seconds=4.0)
        rows = [
            disturb(kind, choices.times, small, large, options, rng)
            for kind in ("killed", "frozen", "another size")
        ]
    table = Table(
        title=f"back within {rows[0].allowed_s:g} s (stall timeout {options.stall_timeout_s:g} s + {ALLOWED_S:g} s)"
    )
    for heading in (
        "server",
        "back",
        "p50 s",
        "p95 s",
        "max s",
        "told max s",
        "threads",
        "files",
        "other: gap s",
        "faults",
    ):
        table.add_column(heading, justify="left" if heading == "server" else "right")
    for row in rows:
        table.add_row(
            row.kind,
            f"{row.recovered}/{row.times}",
            f"{row.recovery_p50_s:.2f}",
            f"{row.recovery_p95_s:.2f}",
            f"{row.recovery_max_s:.2f}",
            f"{row.told_max_s:.2f}",
            f"{row.threads_before} -> {row.threads_after}",
            f"{row.files_before} -> {row.files_after}",
            f"{row.other_longest_gap_s:.2f}",
            str(row.other_faults),
        )
    Console(width=110).print(table)
    if choices.json:
        choices.json.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n", encoding="utf-8")
    held = all(
        row.recovered == row.times
        and row.threads_after <= row.threads_before
        and row.files_after <= row.files_before
        and row.other_faults == 0
        for row in rows
    )
    sys.exit(0 if held else 1)


if __name__ == "__main__":
    main()
