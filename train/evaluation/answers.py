"""What the live path answers to clips, one after another, each as a stream of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ...models import SourceError
from ...realtime.sources.reader import Faults, Picture
from ..clips import Clip
from .clip_frames import Camera, Shot, load_shot, read_clip, shown_by
from .play import Played, WatchedRecognizer, play


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """One clip: the mean of its probabilities over the steps [C], and the label of its best event, if any."""

    clip: Clip
    probabilities: NDArray[np.float64]
    event: str | None
    steps: int


@dataclass(slots=True)
class Answers:
    """The clips that were judged, and those that could not be read, with the reason."""

    judged: list[Answer] = field(default_factory=list)
    unreadable: list[tuple[Clip, str]] = field(default_factory=list)

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """[N, C]."""
        return np.stack([answer.probabilities for answer in self.judged])

    def truth(self, labels: Sequence[str]) -> NDArray[np.int64]:
        """Return the true labels' indices [N]."""
        return np.array([labels.index(answer.clip.label) for answer in self.judged], np.int64)


def answer_clips(
    clips: Sequence[Clip], recognizer: WatchedRecognizer, advance: Callable[[], None] = lambda: None
) -> Answers:
    """Play every clip; one that cannot be read is listed, and the others go on."""
    answers = Answers()
    for number, clip in enumerate(clips):
        try:
            played = play(f"clip {number}", partial(read_clip, clip), recognizer)
            answers.judged.append(_answer(clip, played))
        except SourceError as error:
            answers.unreadable.append((clip, str(error)))
        advance()
    return answers


def answer_cameras(
    clips: Sequence[Clip],
    cameras: Sequence[Camera],
    recognizer: WatchedRecognizer,
    advance: Callable[[], None] = lambda: None,
) -> dict[Camera, Answers]:
    """Play every clip as each camera would have sent it; see `shown_by`. Unreadable ones are left out."""
    answers: dict[Camera, Answers] = {camera: Answers() for camera in cameras}
    for number, clip in enumerate(clips):
        try:
            shot = load_shot(clip, recognizer.spec)
        except SourceError:
            advance()
            continue
        for camera in cameras:
            played = play(f"clip {number} {camera}", partial(_shown, shot, camera, number), recognizer)
            answers[camera].judged.append(_answer(clip, played))
        advance()
    return answers


def _shown(shot: Shot, camera: Camera, seed: int, faults: Faults) -> Iterable[Picture]:
    del faults
    return shown_by(shot, camera, seed)


def _answer(clip: Clip, played: Played) -> Answer:
    best = max(played.detections, key=lambda found: found.score, default=None)
    probabilities = played.probabilities.mean(axis=0, dtype=np.float64)
    return Answer(clip, probabilities, None if best is None else best.span.label, len(played.times))
