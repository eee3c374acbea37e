"""Count false alarms where nothing happens: hours of made scenes, through the code that runs live.

    python recipes/idle_hours.py --data ../shared/data --model everyday --minutes 20

Each kind (still, night, flicker, exposure, tree, breathing) lasts `--minutes`, in pieces of a minute, each before
another photograph or place that was never trained on. `--footage` adds real video in which nothing happens, played
there and back for as long: a path, and behind a colon how many of its first frames count.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import cv2
import idle
import numpy as np
from compose import empty_places, still_scenes
from watching import watch

from actrec.realtime.events import EventMachine
from actrec.realtime.frame import Frame
from actrec.realtime.recognizer import Recognizer
from actrec.realtime.results import Prediction
from actrec.train.decode import read_span

FPS = 10.0
PIECE_S = 60.0
SIZE_HW = (144, 192)
SEED = 11


def frames(name: str, kind: str, scene: idle.Scene, rng: np.random.Generator) -> Iterator[Frame]:
    """Yield a minute of one scene."""
    small = cv2.resize(scene, SIZE_HW[::-1], interpolation=cv2.INTER_AREA)
    for index, image in enumerate(idle.KINDS[kind](small, round(PIECE_S * FPS), rng)):
        time_s = index / FPS
        yield Frame(image, name, index, time_s, time_s, time_s)


def watch_idle(
    recognizer: Recognizer, data: Path, split: str, minutes: int, seed: int = SEED
) -> Iterator[tuple[str, list[Prediction]]]:
    """Yield the kind of scene and what the recogniser says of it, for each minute of each kind."""
    rng = np.random.default_rng(seed)
    scenes = [*still_scenes(data, split), *empty_places(data, split)]
    for kind in idle.KINDS:
        for piece in range(minutes):
            scene = scenes[int(rng.integers(len(scenes)))]
            yield kind, watch(recognizer, frames(f"{kind}{piece}", kind, scene, rng))


def watch_footage(
    recognizer: Recognizer, footage: str, minutes: int
) -> Iterator[tuple[str, list[Prediction]]]:
    """Yield the name of a video and what the recogniser says of it, for each minute of it, there and back.

    So many frames a second are taken as the scenes have; a video that has fewer is played faster.
    """
    path, _, count = footage.partition(":")
    recording = read_span(Path(path), size=SIZE_HW[1])
    pace = max(1, round(1.0 / (FPS * float(np.median(np.diff(recording.times))))))
    images = recording.images[: int(count) if count else None][::pace]
    there_and_back = [*range(len(images)), *range(len(images) - 2, 0, -1)]
    per_piece = round(PIECE_S * FPS)
    for piece in range(minutes):
        stream = (
            Frame(images[there_and_back[(piece * per_piece + index) % len(there_and_back)]],
                  f"{Path(path).stem}{piece}", index, index / FPS, index / FPS, index / FPS)
            for index in range(per_piece)
        )  # fmt: skip
        yield f"{Path(path).stem} (real)", watch(recognizer, stream)


def main() -> None:
    """Print the alarms of each kind and label."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--minutes", type=int, default=20)
    parser.add_argument("--split", default="test", help="scenes of this side: val to choose, test to report")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument(
        "--footage", nargs="*", default=[], metavar="FILE[:FRAMES]", help="real video of nothing"
    )
    options = parser.parse_args()
    recognizer = Recognizer(options.model, threads=1)
    alarms: dict[str, Counter[str]] = defaultdict(Counter)
    made = watch_idle(recognizer, options.data, options.split, options.minutes, options.seed)
    real = (watch_footage(recognizer, each, options.minutes) for each in options.footage)
    for kind, said in chain(made, *real):
        machine = EventMachine(recognizer.spec, live=False)
        alarms[kind].update(
            event.label for one in said for event in machine.update(one) if event.type == "new"
        )
    for kind, counts in alarms.items():
        print(f"{kind}: {counts.total()} in {options.minutes} min {dict(counts)}")
    total = sum(counts.total() for counts in alarms.values())
    hours = options.minutes * len(alarms) / 60
    print(f"all: {total} false alarms in {hours:g} h, {total / hours:.2f} an hour")


if __name__ == "__main__":
    main()
