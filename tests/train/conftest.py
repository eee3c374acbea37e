"""Small videos, drawn and encoded on the spot: a square that goes across, or up and down, before a wall."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from numpy.typing import NDArray


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    """Networks this small are slower on two threads, and the machine is shared."""
    torch.set_num_threads(1)


DrawClip = Callable[..., Path]


def square_frames(direction: str, seed: int, count: int) -> list[NDArray[np.uint8]]:
    rng = np.random.default_rng(seed)
    wall = rng.integers(40, 90, (48, 64, 3), dtype=np.uint8)
    colour = rng.integers(150, 256, 3, dtype=np.uint8)
    pace, start = rng.uniform(2.0, 3.5), rng.uniform(0, 40)
    frames = []
    for step in range(count):
        frame = wall.copy()
        along = int((start + pace * step) % 50)
        top, left = (18, along) if direction == "across" else (int(along * 0.7), 26)
        frame[top : top + 12, left : left + 12] = colour
        frames.append(frame)
    return frames


def write_video(path: Path, frames: list[NDArray[np.uint8]], fps: int = 20) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=fps)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = 400_000
        for image in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    return path


@pytest.fixture(scope="session")
def draw_clip() -> DrawClip:
    """`draw_clip(path, direction, seed, seconds=1.5, fps=20)` writes a small video."""

    def draw(path: Path, direction: str, seed: int, seconds: float = 1.5, fps: int = 20) -> Path:
        return write_video(path, square_frames(direction, seed, round(seconds * fps)), fps)

    return draw


@pytest.fixture(scope="session")
def two_classes(tmp_path_factory: pytest.TempPathFactory, draw_clip: DrawClip) -> Path:
    """A folder of two classes, five clips each."""
    folder = tmp_path_factory.mktemp("two") / "clips"
    for number in range(5):
        draw_clip(folder / "across" / f"a{number}.mp4", "across", number)
        draw_clip(folder / "updown" / f"u{number}.mp4", "updown", 100 + number)
    return folder
