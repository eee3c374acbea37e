"""Hand-made steps."""

from __future__ import annotations

import time
from dataclasses import dataclass

import cv2
import numpy as np
import pytest

from actrec.realtime.frame import Frame
from actrec.realtime.results import Event, Prediction, Step

LABELS = ("nothing", "waving", "walking", "falling down")
LIVE_WALL = 1.7e9


@dataclass(frozen=True)
class Maker:
    """Makes what a pipeline would give, of a picture that moves."""

    labels: tuple[str, ...] = LABELS

    def image(self, index: int = 0, size_hw: tuple[int, int] = (120, 160)) -> np.ndarray:
        noise = np.random.default_rng(7).integers(0, 255, (*size_hw, 3), dtype=np.uint8)
        smooth = cv2.GaussianBlur(noise, (0, 0), 5).astype(np.float32)
        bold = np.clip(128 + 6 * (smooth - smooth.mean()), 0, 255).astype(np.uint8)
        return np.roll(bold, 3 * index, 1)

    def prediction(
        self, source: str, index: int, media: float, wall: float, *, label: int = 1, score: float = 0.7
    ) -> Prediction:
        p = np.full(len(self.labels), (1 - score) / (len(self.labels) - 1), np.float32)
        p[label] = score
        return Prediction(source, index, media, wall, time.monotonic(), self.labels, p, "hand@00000000")

    def event(
        self, kind: str, start: float, *, now: float, end: float | None = None, **other: object
    ) -> Event:
        values = {"source": "cam", "label": "waving", "wall": 0.0, "score": 0.8, **other}
        wall = float(values["wall"])
        return Event(
            kind,
            f"{start + wall:.3f}-abc123",
            str(values["source"]),
            str(values["label"]),
            float(values["score"]),
            0.9,
            start + wall,
            None if end is None else end + wall,
            now + wall,
            start,
            end,
            None,
            "hand@00000000",
        )

    def step(
        self,
        index: int,
        media: float,
        *,
        source: str = "cam",
        wall: float = 0.0,
        size_hw: tuple[int, int] = (120, 160),
        label: int = 1,
        score: float = 0.7,
        events: tuple[Event, ...] = (),
        active: tuple[Event, ...] = (),
        epoch: int = 0,
        captured: float | None = None,
    ) -> Step:
        """`wall` is what is added to the media time; 0 is a file."""
        captured = time.monotonic() if captured is None else captured
        frame = Frame(self.image(index, size_hw), source, index, media, media + wall, captured, epoch)
        prediction = self.prediction(source, index, media, media + wall, label=label, score=score)
        return Step(frame, {prediction.model: prediction}, events, active)


@pytest.fixture
def make() -> Maker:
    return Maker()
