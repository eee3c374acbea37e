"""One run of `actrec-live`: opens everything, moves steps from the pipeline to the sinks, closes everything."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType

import cv2

from ..models import Precision
from .backends import Runtime
from .command import BAD_INPUT, DONE, FAULT, INTERRUPTED, TERMINATED, say_error, stderr
from .outputs import Outputs
from .pipeline import Pipeline
from .recognizer import Recognizer
from .sources import Feed, SourceOptions, open_feeds, parse_source
from .threads import encoder_threads
from .watch import DEFAULT_MODEL, build_recognizers

STATUS_EVERY_S = 0.25


@dataclass(frozen=True, slots=True)
class LiveOptions:
    """What a user asked `actrec-live` for; times in seconds."""

    sources: Sequence[str]
    models: Sequence[str] = (DEFAULT_MODEL,)
    device: str = "auto"
    threads: int | None = None
    runtime: Runtime = "onnx"
    precision: Precision | None = None
    headless: bool = False
    tui: bool = False
    duration_s: float | None = None
    events: str | None = None
    predictions: str | None = None
    save: Path | None = None
    clips: Path | None = None
    pre_roll_s: float = 3.0
    post_roll_s: float = 3.0
    keep_days: float = 30.0
    keep_gb: float = 10.0
    threshold: float | None = None
    motion_gate: bool = False
    adapt: bool = False
    source: SourceOptions = field(default_factory=SourceOptions)


def run_live(options: LiveOptions) -> int:
    """Run until the sources end, the time is over or somebody stops it; return the exit code.

    Raises SourceError, ModelError, ConfigError for what is wrong before the first frame.
    """
    cv2.setNumThreads(1)  # the pictures are small: a pool would only disturb encoder and decoders
    source_options = replace(options.source, lazy=options.motion_gate)
    feeds = open_feeds([parse_source(text) for text in options.sources], source_options)
    threads = options.threads or encoder_threads(sum(feed.live for feed in feeds))
    recognizers = build_recognizers(
        options.models,
        device=options.device,
        threads=threads,
        runtime=options.runtime,
        precision=options.precision,
        motion_gate=options.motion_gate,
    )
    pipeline = Pipeline(
        feeds,
        recognizers,
        threshold=options.threshold,
        max_staleness_s=options.source.max_staleness_s,
        duration_s=options.duration_s,
        adapt=options.adapt,
    )
    names = [feed.name for feed in feeds]
    specs = [bundle.spec for recognizer in recognizers for bundle in recognizer.bundles]
    quiet = frozenset(spec.background for spec in specs if spec.background is not None)
    # A camera is watched for months, over restarts; what is said of a file depends on the file alone.
    append = any(feed.live for feed in feeds)
    stderr.print(_headline(recognizers, names))
    with _signals(pipeline.stop) as received, Outputs(options, names, quiet, append=append) as outputs:
        said = 0.0
        for item in pipeline.steps():
            outputs.take(item)
            if time.monotonic() - said >= STATUS_EVERY_S:
                said = time.monotonic()
                outputs.statuses(pipeline.statuses())
            if outputs.closed:
                pipeline.stop()
        outputs.statuses(pipeline.statuses())
    for feed in feeds:
        if feed.error is not None:
            say_error(str(feed.error))
    if received:
        return INTERRUPTED if received[0] == signal.SIGINT else TERMINATED
    return _exit_code(feeds, outputs.failed)


def _exit_code(feeds: Sequence[Feed], sink_failed: bool) -> int:
    broken = [feed for feed in feeds if feed.error is not None]
    if any(not feed.status().frames_in for feed in broken):
        return BAD_INPUT
    return FAULT if broken or sink_failed else DONE


def _headline(recognizers: Sequence[Recognizer], names: Sequence[str]) -> str:
    models = ", ".join(bundle.id for recognizer in recognizers for bundle in recognizer.bundles)
    shown = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
    rates = ", ".join(f"{recognizer.fps:g}" for recognizer in recognizers)
    return f"[bold]actrec[/] {models} on {recognizers[0].device}, {rates} frames a second of: {shown}"


@contextmanager
def _signals(stop: Callable[[], None]) -> Iterator[list[int]]:
    """Let SIGINT and SIGTERM end the run cleanly; a second one ends it at once."""
    received: list[int] = []

    def handle(number: int, _: FrameType | None) -> None:
        received.append(number)
        if len(received) > 1:
            raise KeyboardInterrupt
        stop()

    if threading.current_thread() is not threading.main_thread():
        yield received
        return
    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, old in before.items():
            signal.signal(number, old)
