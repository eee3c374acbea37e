"""One evaluation from beginning to end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ...models import Bundle, ConfigError, Precision, SourceError
from ...realtime.backends import Backend, Runtime, open_backend
from ...realtime.command import stderr
from ..clips import Clip
from .answers import Answers, answer_cameras, answer_clips
from .clip_frames import VFR, Camera
from .clip_report import ClipReport, report_clips
from .features import clip_features, settled
from .memory import Labelled, Switch, switch_times
from .outcome import Outcome
from .play import WatchedRecognizer, play
from .reels import background_reel, make_reels
from .selection import Selection
from .single_frame import Rows, answer_by_frame_layer, answer_without_memory, can_fit
from .stream_report import Judged, judge_stream, report_streams
from .thresholds import Choice, choose_rules

SWEEP: tuple[Camera, ...] = (10.0, 15.0, 25.0, 30.0, 60.0, VFR)
MOST_SWEPT = 200
"""Clips that are sent anew at each rate; of more, evenly many are taken."""
MOST_LEARNED = 1000
"""Clips that the single-frame layer is fitted on; of more, evenly many."""
PER_LABEL = 2
MOST_BEFORE = 12
"""Activities that are repeated for an hour; with many labels, evenly many of them."""
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is to be done."""

    stream: bool = False
    minutes: float = 10.0
    """Joined streams are to last at least so long in all."""
    quiet: tuple[Path, ...] = ()
    """Recordings in which nothing happens."""
    sweep: bool = True
    single_frame: bool = True
    per_hour: float | None = None
    """False alarms an hour to choose thresholds for."""
    device: str = "auto"
    runtime: Runtime = "onnx"
    precision: Precision | None = None
    threads: int | None = None
    seed: int = 0


@dataclass(slots=True)
class _Clock:
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str, total: int) -> Iterator[Callable[[], None]]:
        began = time.monotonic()
        columns = (
            TextColumn("{task.description:<22}"),
            BarColumn(32),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=stderr, transient=True, disable=not stderr.is_terminal) as bar:
            task = bar.add_task(name, total=total)
            yield lambda: bar.advance(task)
        self.seconds[name] = round(time.monotonic() - began, 2)
        stderr.print(f"[dim]{name}: {self.seconds[name]:.1f} s[/]")


def evaluate(bundle: Bundle, data: Path, selection: Selection, wishes: Wishes) -> Outcome:
    """Judge a bundle on a selection of clips. Raises ConfigError if not one clip can be read."""
    clock = _Clock()
    recognizer = WatchedRecognizer(
        bundle,
        device=wishes.device,
        threads=wishes.threads,
        runtime=wishes.runtime,
        precision=wishes.precision,
    )
    spec, labels = bundle.spec, bundle.spec.labels
    with clock.stage("clips", len(selection.judged)) as advance:
        answers = answer_clips(selection.judged, recognizer, advance)
    if not answers.judged:
        raise ConfigError(f"data {data}: not one clip could be read; the first: {answers.unreadable[0][1]}")
    readable = [answer.clip for answer in answers.judged]
    backend = open_backend(
        bundle,
        runtime=wishes.runtime,
        precision=wishes.precision,
        device=wishes.device,
        threads=wishes.threads,
    )
    beside = _single_frame(readable, selection, backend, clock) if wishes.single_frame else {}
    clips: ClipReport = report_clips(answers, labels, lambda clip: selection.sources.get(clip.path), beside)
    judged: list[Judged] = []
    switches: list[Switch] = []
    cameras: dict[Camera, Answers] = {}
    rules: dict[str, Choice] = {}
    if wishes.stream:
        judged = _streams(readable, selection, recognizer, wishes, clock)
        switches = _switches(readable, backend, clock)
        if wishes.sweep:
            cameras = _sweep(readable, recognizer, clock)
        if wishes.per_hour is not None:
            rules = choose_rules([(j.played, j.truth) for j in judged], spec, per_hour=wishes.per_hour)
    return Outcome(
        model=bundle.id,
        spec=spec,
        data=str(data),
        selection=selection.described,
        clips=clips,
        streams=report_streams(judged, spec) if judged else None,
        judged=judged,
        switches=switches,
        cameras=cameras,
        rules=rules,
        per_hour=wishes.per_hour or 0.0,
        seconds=clock.seconds,
    )


def _single_frame(
    clips: Sequence[Clip], selection: Selection, backend: Backend, clock: _Clock
) -> dict[str, NDArray[np.float64]]:
    spec = backend.spec
    other = _spread([clip for clip in selection.others if clip.label != spec.background], MOST_LEARNED)
    fits = can_fit() and len({clip.label for clip in other}) > 1
    with clock.stage("single frames", len(clips) + (len(other) if fits else 0)) as advance:
        features = [_features(clip, backend, advance) for clip in clips]
        rows = [row for row in features if row is not None]
        beside = {"this head without its memory, mean over frames": answer_without_memory(rows, backend)}
        if fits:
            learned = [(clip, _features(clip, backend, advance)) for clip in other]
            known = [(clip, row.astype(np.float16)) for clip, row in learned if row is not None]
            name = f"mean over single frames, fitted on {len(known)} other clips"
            beside[name] = answer_by_frame_layer(rows, known, spec.labels, spec.background)
    return beside


def _features(clip: Clip, backend: Backend, advance: Callable[[], None]) -> Rows | None:
    try:
        return clip_features(clip, backend)
    except SourceError:
        return None
    finally:
        advance()


def _streams(
    clips: Sequence[Clip], selection: Selection, recognizer: WatchedRecognizer, wishes: Wishes, clock: _Clock
) -> list[Judged]:
    spec = recognizer.spec
    reels, _ = make_reels(clips, selection.ignored, spec, seed=wishes.seed, minutes=wishes.minutes)
    reels += [background_reel(path) for path in wishes.quiet]
    judged = []
    with clock.stage("streams", len(reels)) as advance:
        for reel in reels:
            judged.append(judge_stream(reel, play(reel.name, reel.read, recognizer), spec.labels))
            advance()
    return judged


def _switches(clips: Sequence[Clip], backend: Backend, clock: _Clock) -> list[Switch]:
    spec = backend.spec
    stretches: list[Labelled] = []
    first: list[Labelled] = []
    picked = [_spread([clip for clip in clips if clip.label == label], PER_LABEL) for label in spec.labels]
    with clock.stage("switch times", sum(map(len, picked)) + 1) as advance:
        for number, some in enumerate(picked):
            rows = [row for clip in some if (row := _features(clip, backend, advance)) is not None]
            stretches += [(number, settled(row)) for row in rows]
            first += stretches[-1:] if rows else []
        before, after = _spread(first, MOST_BEFORE), _spread(stretches, 2 * MOST_BEFORE)
        found = switch_times(before, after, backend) if len(first) > 1 else []
        advance()
    return found


def _sweep(clips: Sequence[Clip], recognizer: WatchedRecognizer, clock: _Clock) -> dict[Camera, Answers]:
    chosen = _spread(clips, MOST_SWEPT)
    own = recognizer.spec.fps
    cameras = (own, *(camera for camera in SWEEP if camera != own))
    with clock.stage("other cameras", len(chosen)) as advance:
        return answer_cameras(chosen, cameras, recognizer, advance)


def _spread(items: Sequence[_Item], most: int) -> list[_Item]:
    if len(items) <= most:
        return list(items)
    return [items[int(index)] for index in np.linspace(0, len(items) - 1, most).round()]
