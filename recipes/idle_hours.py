"""Count false alarms where nothing happens: hours of made scenes, through the code that runs live.

    python recipes/idle_hours.py --data ../shared/data --model everyday --minutes 20

Each kind (still, night, flicker, exposure, tree, breathing) lasts `--minutes`, in pieces of a minute, each before
another photograph or place that was never trained on.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import cv2
import idle
import numpy as np
from compose import empty_places, still_scenes

from actrec.realtime.events import EventMachine
from actrec.realtime.frame import Frame
from actrec.realtime.recognizer import Recognizer

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


def main() -> None:
    """Print the alarms of each kind and label."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--minutes", type=int, default=20)
    parser.add_argument("--split", default="test", help="scenes of this side: val to choose, test to report")
    options = parser.parse_args()
    rng = np.random.default_rng(SEED)
    scenes = [*still_scenes(options.data, options.split), *empty_places(options.data, options.split)]
    recognizer = Recognizer(options.model, threads=1)
    total = 0
    for kind in idle.KINDS:
        alarms: Counter[str] = Counter()
        for piece in range(options.minutes):
            name = f"{kind}{piece}"
            machine = EventMachine(recognizer.spec, live=False)
            for frame in frames(name, kind, scenes[int(rng.integers(len(scenes)))], rng):
                for result in recognizer.update_batch([frame]):
                    for prediction in result.predictions.values():
                        alarms.update(e.label for e in machine.update(prediction) if e.type == "new")
            recognizer.forget(name)
        total += sum(alarms.values())
        print(f"{kind}: {sum(alarms.values())} in {options.minutes} min {dict(alarms)}", flush=True)
    hours = options.minutes * len(idle.KINDS) / 60
    print(f"all: {total} false alarms in {hours:g} h, {total / hours:.2f} an hour")


if __name__ == "__main__":
    main()
