"""Reading rows of the data folder's manifest, and reading and writing short clips."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from actrec.train.decode import read_span

Images = NDArray[np.uint8]
"""uint8 [T, H, W, 3] RGB."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a manifest: a labelled span, where it came from and on which side of the split it stands."""

    path: str
    label: str
    set: str
    group: str
    split: str
    kind: str = "real"
    start_s: str = ""
    end_s: str = ""


def read_rows(data: Path) -> list[dict[str, str]]:
    """Return the lines of the data folder's manifest."""
    with (data / "manifest.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write_rows(rows: Sequence[Row], path: Path) -> None:
    """Write a manifest that `actrec-train --data` reads."""
    path.parent.mkdir(parents=True, exist_ok=True)
    names = list(Row.__dataclass_fields__)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([getattr(row, name) for name in names] for row in rows)


def read_clip(path: Path, *, fps: float | None = None) -> Images:
    """Return all frames of a clip, or those nearest to a grid of `fps`."""
    recording = read_span(path, size=10_000)
    if fps is None:
        return np.stack(recording.images)
    ticks = np.arange(0.0, recording.times[-1] + 1e-6, 1.0 / fps)
    nearest = np.abs(recording.times[None] - ticks[:, None]).argmin(axis=1)
    return np.stack([recording.images[index] for index in nearest])


def write_clip(images: Images, path: Path, *, fps: float) -> None:
    """Write a clip as H.264, at about the quality of the data folder's own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1000))
        stream.height, stream.width = (side // 2 * 2 for side in images.shape[1:3])
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": "23", "preset": "veryfast", "threads": "1"}
        for image in images:
            whole = np.ascontiguousarray(image[: stream.height, : stream.width])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(whole, format="rgb24")))
        container.mux(stream.encode())
