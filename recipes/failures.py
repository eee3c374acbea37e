"""Draw where a shipped model is wrong: pictures of test clips beside what it says of them, moment by moment.

    python recipes/failures.py models/everyday --run runs/everyday/everyday.csv --out docs/everyday-failures.jpg

Of each set the clips whose true label got the least probability, one for each pair of true and said label; only
sets whose licence lets their pictures be shown. Everything goes through the code that runs live.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
from footage import Images, Row
from numpy.typing import NDArray
from watching import bundle_options, watch_clips

from actrec.realtime.recognizer import Recognizer

mpl.use("Agg")
import matplotlib.pyplot as plt

SHOWABLE = {"home_falls": "MIT", "cctv_fights": "MIT", "generated": "Apache-2.0"}
PICTURES = 4
EACH = 2
"""Failures of a set."""


@dataclass(frozen=True)
class Failure:
    """A clip that was named wrongly."""

    row: Row
    said: str
    images: Images
    """As they are before the encoder: uint8 [T, S, S, 3]."""
    probabilities: NDArray[np.float32]
    """[T, labels]."""
    score: float
    """Mean probability of the true label."""


def main() -> None:
    """Find the failures and draw them."""
    parser = bundle_options(__doc__)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    recognizer = Recognizer(str(options.bundle), threads=1)
    chosen = choose(list(find(recognizer, options.run)))
    draw(chosen, recognizer, options.out)
    print(f"wrote {options.out}: {len(chosen)} failures")


def find(recognizer: Recognizer, listing: Path) -> Iterator[Failure]:
    """Yield the test clips of showable sets that are named wrongly."""
    spec = recognizer.spec
    for row, images, predictions in watch_clips(recognizer, listing, "test", SHOWABLE):
        probabilities = np.stack([one.probabilities for one in predictions])
        mean = probabilities.mean(axis=0)
        said = spec.labels[int(mean.argmax())]
        if said != row.label:
            yield Failure(row, said, images, probabilities, float(mean[spec.labels.index(row.label)]))


def choose(failures: list[Failure]) -> list[Failure]:
    """Return the worst of each set, no two of which mistake the same label for the same other."""
    chosen: list[Failure] = []
    for name in SHOWABLE:
        mistakes: set[tuple[str, str]] = set()
        for failure in sorted(failures, key=lambda each: each.score):
            mistake = (failure.row.label, failure.said)
            if failure.row.set == name and mistake not in mistakes and len(mistakes) < EACH:
                mistakes.add(mistake)
                chosen.append(failure)
    return chosen


def draw(failures: list[Failure], recognizer: Recognizer, out: Path) -> None:
    """Draw a row for each failure: pictures of the clip, then the probabilities over its time."""
    labels, fps = recognizer.spec.labels, recognizer.fps
    figure, grid = plt.subplots(
        len(failures), PICTURES + 1, figsize=(11, 1.75 * len(failures)), squeeze=False,
        gridspec_kw={"width_ratios": [*[1] * PICTURES, 2.4]}, layout="constrained",
    )  # fmt: skip
    for row, failure in zip(grid, failures, strict=True):
        for place, axes in enumerate(row[:-1]):
            index = round((place + 0.5) / PICTURES * (len(failure.images) - 1))
            axes.imshow(failure.images[index], aspect="auto")
            axes.set_xticks([], [])
            axes.set_yticks([], [])
            axes.set_xlabel(f"{index / fps:.1f} s", fontsize=7, labelpad=2)
        row[0].set_title(
            f"{failure.row.set}: {failure.row.label}, called {failure.said}", fontsize=9, loc="left"
        )
        axes = row[-1]
        seconds = np.arange(len(failure.probabilities)) / fps
        shown = {failure.row.label: "#1b7f3b", failure.said: "#c0392b"}
        for label, colour in shown.items():
            axes.plot(
                seconds, failure.probabilities[:, labels.index(label)], color=colour, label=label, lw=1.6
            )
        axes.set_ylim(0, 1)
        axes.set_xlim(0, seconds[-1])
        axes.tick_params(labelsize=7)
        axes.legend(fontsize=7, loc="best", framealpha=0.8)
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(out, dpi=90, pil_kwargs={"quality": 80})


if __name__ == "__main__":
    main()
