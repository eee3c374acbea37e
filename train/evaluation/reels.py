"""Streams with their truth: untrimmed recordings with labelled spans, and streams joined from clips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from ...models import ConfigError, ModelSpec, SourceError
from ..clips import Clip
from .clip_frames import LONGEST_S, clip_length, read_clip
from .joined import JoinedPictures, plan_streams, true_spans
from .play import Read
from .spans import Span, join_touching


@dataclass(frozen=True, slots=True)
class Reel:
    """A stream to play: its pictures, what truly happens in it, and spans that are not judged."""

    name: str
    kind: str
    """`untrimmed`, `joined` or `background`."""
    read: Read
    truth: tuple[Span, ...]
    ignored: tuple[Span, ...] = ()


def make_reels(
    clips: Sequence[Clip], ignored: Sequence[Clip], spec: ModelSpec, *, seed: int = 0, minutes: float = 0.0
) -> tuple[list[Reel], list[tuple[Clip, str]]]:
    """Return the streams that clips make, and the clips that cannot be read, with the reason.

    A file with labelled spans, or of more than a minute, is played as a whole: between its spans nothing happens.
    All other clips are joined, again and again until that makes `minutes`. ignored: clips of the same files
    whose labels are not judged.
    """
    spanned = {clip.path for clip in clips if clip.end_s is not None}
    reels = [_untrimmed(path, clips, ignored, spec.background) for path in sorted(spanned)]
    whole: list[tuple[Clip, float]] = []
    unreadable: list[tuple[Clip, str]] = []
    for clip in clips:
        if clip.path in spanned:
            continue
        try:
            length_s = clip_length(clip)
        except SourceError as error:
            unreadable.append((clip, str(error)))
            continue
        if length_s > LONGEST_S:
            reels.append(_untrimmed(clip.path, clips, ignored, spec.background))
        else:
            whole.append((clip, length_s))
    plans = plan_streams(whole, spec.background, seed=seed, at_least_s=60 * minutes)
    for number, segments in enumerate(plans, 1):
        pictures = JoinedPictures(segments, spec, seed=seed)
        reels.append(Reel(f"joined {number}", "joined", pictures.read, true_spans(segments)))
    return reels, unreadable


def background_reel(path: Path) -> Reel:
    """Return a recording (a video, or a folder of its pictures) in which nothing happens, as a stream."""
    if not path.exists():
        raise ConfigError(f"--background {path}: no such file; give a video in which nothing happens")
    return Reel(str(path), "background", partial(read_clip, Clip(path, "")), ())


def _untrimmed(path: Path, clips: Sequence[Clip], ignored: Sequence[Clip], background: str | None) -> Reel:
    truth = [_span(clip) for clip in clips if clip.path == path and clip.label != background]
    unjudged = [_span(clip) for clip in ignored if clip.path == path]
    whole = replace(next(clip for clip in clips if clip.path == path), start_s=0.0, end_s=None)
    name = f"{path.parent.name}/{path.name}"
    return Reel(name, "untrimmed", partial(read_clip, whole), join_touching(truth), join_touching(unjudged))


def _span(clip: Clip) -> Span:
    return Span(clip.start_s, float("inf") if clip.end_s is None else clip.end_s, clip.label)
