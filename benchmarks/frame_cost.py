"""What a frame of a shipped model costs, as a share of a well-known network in the same run.

    python benchmarks/frame_cost.py --data ../shared/data everyday weizmann

The yardstick is the whole EfficientNet-Lite0 on one picture of 192 px, fp32, ONNX Runtime: 6.0 ms on one
thread of the machine on which 1.8 ms a frame were asked for (0.4 of the 4.5 ms of MoViNet-A0-stream there). All
take turns on one thread, on frames of a real clip, with the state carried; what counts is processor time.
"""

from __future__ import annotations

import argparse
from itertools import cycle
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from actrec.models import Bundle, Precision, encoder_file, load_bundle, prepare
from actrec.realtime.backends import open_backend
from actrec.realtime.bench import read_frames
from actrec.realtime.meter import Meter, machine, take_turns
from actrec.train.backbones import LITE0, build_backbone
from actrec.train.encode import freeze
from actrec.train.network import Encoder

YARDSTICK_PX, YARDSTICK_MS = 192, 6.0
"""The yardstick's picture, and what it costs on the machine for which the goal was set."""
WANTED_MS = 1.8
FRAMES = 64


def yardstick(frames: list[NDArray[np.uint8]]) -> Meter:
    """Return a meter of the plain network, which sees pictures uint8 [S, S, 3] one by one."""
    encoder = Encoder(build_backbone(LITE0), "rgb", YARDSTICK_PX, fps=10.0)
    frozen = freeze(encoder.eval(), size=YARDSTICK_PX, device="cpu", threads=1)
    pictures = cycle([image[None] for image in frames])
    return Meter(
        f"yardstick: EfficientNet-Lite0, {YARDSTICK_PX} px, fp32", lambda: frozen.step(next(pictures), [])
    )


def model(bundle: Bundle, precision: Precision, frames: list[NDArray[np.uint8]]) -> Meter:
    """Return a meter of a bundle's encoder and head, state carried."""
    backend = open_backend(bundle, device="cpu", threads=1, precision=precision)
    pictures = cycle([image[None] for image in frames])
    carried = [backend.encoder_start(1), backend.head_start(1)]

    def call() -> None:
        features, carried[0] = backend.encode(next(pictures), carried[0])
        _, carried[1] = backend.step(features[:, None], carried[1])

    return Meter(f"{bundle.spec.name}, {bundle.spec.size} px, {precision}", call)


def precisions(bundle: Bundle) -> list[Precision]:
    """Return what the bundle holds an encoder in, what runs by default first."""
    known: tuple[Precision, ...] = get_args(Precision)
    there = [each for each in known if encoder_file(each) in bundle.spec.files]
    return sorted(there, key=lambda each: each != bundle.spec.precision)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="+")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--clip", default="weizmann/walk/daria_walk.mp4")
    parser.add_argument("--turns", type=int, default=60)
    options = parser.parse_args()
    clip = str(options.data / options.clip)
    bundles = [load_bundle(name) for name in options.models]
    plain = bundles[0].spec.model_copy(update={"size": YARDSTICK_PX})
    meters = [yardstick([prepare(each.image, plain) for each in read_frames(clip, plain.fps, FRAMES)])]
    for bundle in bundles:
        frames = [prepare(each.image, bundle.spec) for each in read_frames(clip, bundle.spec.fps, FRAMES)]
        meters += [model(bundle, precision, frames) for precision in precisions(bundle)]
    table = Table("encoder and head, one thread", "CPU ms", "of the yardstick", "ms where that costs 6.0")
    timings = take_turns(meters, options.turns)
    for timing in timings:
        share = timing.cpu / timings[0].cpu
        table.add_row(timing.name, f"{timing.cpu:.2f}", f"{share:.2f}", f"{share * YARDSTICK_MS:.2f}")
    Console().print(table, f"wanted: {WANTED_MS} ms there, {WANTED_MS / YARDSTICK_MS:.2f} of it", machine())


if __name__ == "__main__":
    main()
