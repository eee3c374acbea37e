"""Many RTSP cameras on one machine: age of the labels, drops, memory, processor time.

    python benchmarks/many_cameras.py --cameras 16 --seconds 180
    python benchmarks/many_cameras.py --cameras 40 --idle --motion-gate --seconds 60

A GStreamer server on loopback sends H.264, 640x360 at 15 frames a second and 512 kbit/s (as the second stream of
a camera usually is), of the drawn demo (or, with --idle, of an empty noisy room) to each camera; everything from
there on is the live path. The server's own processor time is not counted as actrec's, but it runs on the same
cores.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
import time
from pathlib import Path

import av
import numpy as np
import psutil
from rich.console import Console
from rich.table import Table

from actrec.realtime.pipeline import Pipeline
from actrec.realtime.results import Step
from actrec.realtime.sources import SourceOptions, open_feeds, parse_source
from actrec.realtime.threads import encoder_threads
from actrec.realtime.watch import DEFAULT_MODEL, build_recognizers

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "realtime"))
from stream_servers import RtspServer, encode

FPS = 15


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cameras", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=180.0)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--precision", choices=["fp32", "fp16", "int8"])
    parser.add_argument("--idle", action="store_true", help="an empty, noisy room instead of the demo figure")
    parser.add_argument("--motion-gate", action="store_true")
    parser.add_argument("--adapt", action="store_true")
    parser.add_argument("--threads", type=int, help="of the encoder; default: what actrec-live takes")
    parser.add_argument("--size", default="640x360")
    parser.add_argument("--kbit", type=int, default=512, help="bit rate of a camera, in kbit/s")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        width, height = (int(part) for part in options.size.split("x"))
        video = film(Path(folder) / "scene.mp4", width, height, idle=options.idle)
        stream = encode(
            Path(folder) / "scene.h264", video, size=(width, height), fps=FPS, kbit_s=options.kbit
        )
        server = RtspServer({f"/cam{n}": (stream, FPS) for n in range(options.cameras)})
        try:
            figures = measure(server, options)
        finally:
            server.kill()
    show(figures)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


def film(path: Path, width: int, height: int, *, idle: bool) -> Path:
    """Write 20 s of the demo, or of an empty room with sensor noise, as a video file."""
    rng = np.random.default_rng(0)
    room = np.kron(rng.integers(60, 160, (9, 16, 3)), np.ones((40, 40, 1))).astype(np.int16)
    (feed,) = open_feeds([parse_source("demo:seed=1")], SourceOptions(live_demo=False))
    feed.start(lambda _: True, threading.Event())
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"preset": "ultrafast", "qp": "16"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(20 * FPS):
            if idle:
                noisy = room + rng.normal(0.0, 2.0, room.shape)
                image = np.clip(noisy, 0, 255).astype(np.uint8)
            else:
                while (frame := feed.poll()) is None or frame.media_time < number / FPS:
                    time.sleep(0.0005)
                image = frame.image
            picture = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(width=width, height=height)
            picture.pts = None
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    feed.stop()
    return path


def measure(server: RtspServer, options: argparse.Namespace) -> dict[str, object]:
    """Run the pipeline on all cameras and return the figures; the first ten seconds do not count."""
    sources = [parse_source(f"cam{n}={server.url(f'/cam{n}')}") for n in range(options.cameras)]
    feeds = open_feeds(sources, SourceOptions(lazy=options.motion_gate))
    threads = options.threads or encoder_threads(len(feeds))
    recognizers = build_recognizers(
        [options.model], threads=threads, precision=options.precision, motion_gate=options.motion_gate
    )
    pipeline = Pipeline(feeds, recognizers, duration_s=options.seconds, adapt=options.adapt)
    process = psutil.Process()
    began = time.monotonic()
    warm_s = min(10.0, options.seconds / 3)
    ages: list[float] = []
    counts: dict[str, int] = {feed.name: 0 for feed in feeds}
    memory: list[float] = []
    cpu_s = None
    dropped_warm = sampled_warm = 0
    for item in pipeline.steps():
        now = time.monotonic()
        if cpu_s is None and now - began >= warm_s:
            times = process.cpu_times()
            cpu_s = times.user + times.system
            dropped_warm = sum(status.dropped for status in pipeline.statuses().values())
            sampled_warm = sum(status.sampled for status in pipeline.statuses().values())
        if now - began > warm_s + len(memory) * 5.0:
            memory.append(process.memory_info().rss / 2**20)
        if isinstance(item, Step) and now - began >= warm_s:
            ages.append(now - item.frame.captured)
            counts[item.frame.source] += 1
    lasted_s = time.monotonic() - began - warm_s
    times = process.cpu_times()
    statuses = pipeline.statuses()
    p50, p95, p99 = np.percentile(np.array(ages) * 1000.0, [50, 95, 99]) if ages else (float("nan"),) * 3
    return {
        "cameras": options.cameras,
        "seconds": round(lasted_s, 1),
        "model": recognizers[0].bundles[0].id,
        "encoder_threads": threads,
        "age_ms_p50": round(float(p50), 1),
        "age_ms_p95": round(float(p95), 1),
        "age_ms_p99": round(float(p99), 1),
        "labels_a_second_each": round(len(ages) / lasted_s / options.cameras, 2),
        "labels_a_second_least": round(min(counts.values()) / lasted_s, 2),
        "due": sum(status.sampled for status in statuses.values()) - sampled_warm,
        "dropped": sum(status.dropped for status in statuses.values()) - dropped_warm,
        "faults": sum(status.faults for status in statuses.values()),
        "reconnects": sum(status.reconnects for status in statuses.values()),
        "encoded_share": round(
            recognizers[0].encoded / max(1, recognizers[0].encoded + recognizers[0].gated), 3
        ),
        "rate_share": round(pipeline.rate_share, 2),
        "cores_used": round((times.user + times.system - (cpu_s or 0.0)) / lasted_s, 2),
        "rss_mb_start": round(memory[0], 1) if memory else None,
        "rss_mb_end": round(memory[-1], 1) if memory else None,
    }


def show(figures: dict[str, object]) -> None:
    """Print the figures as a table."""
    table = Table("figure", "value", title="many cameras")
    for name, value in figures.items():
        table.add_row(name, str(value))
    Console().print(table)


if __name__ == "__main__":
    main()
