"""What a shipped model says of clips, through the code that runs live."""

from __future__ import annotations

import csv
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Iterable, Iterator
from pathlib import Path

from footage import Images, Row

from actrec.realtime.frame import Frame
from actrec.realtime.recognizer import Recognizer
from actrec.realtime.results import Prediction
from actrec.train.views import Shape, View, make_views


def bundle_options(description: str | None) -> ArgumentParser:
    """Return a parser for a bundle and the manifest of the run that made it."""
    parser = ArgumentParser(description=description, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--run", type=Path, required=True, help="the manifest of the run")
    return parser


def watch(recognizer: Recognizer, stream: Iterable[Frame]) -> list[Prediction]:
    """Return what the recogniser says of the frames of one stream, whose source has a name of its own."""
    return [
        prediction
        for frame in stream
        for result in recognizer.update_batch([frame])
        for prediction in result.predictions.values()
    ]


def watch_clips(
    recognizer: Recognizer, listing: Path, split: str, sets: Iterable[str] = ()
) -> Iterator[tuple[Row, Images, list[Prediction]]]:
    """Yield each clip of a side (if sets are named, of those only), its frames uint8 [T, S, S, 3], and what
    is said of each."""
    spec, wanted = recognizer.spec, set(sets)
    with listing.open(newline="", encoding="utf-8") as file:
        rows = [Row(**line) for line in csv.DictReader(file)]
    shape = Shape(spec.fps, spec.size, spec.resize)
    for number, row in enumerate(rows):
        if row.split != split or (wanted and row.set not in wanted):
            continue
        start_s, end_s = float(row.start_s or 0), float(row.end_s) if row.end_s else None
        images = make_views(Path(row.path), start_s, end_s, (View(),), shape)[0]
        times_s = [index / spec.fps for index in range(len(images))]
        stream = (
            Frame(image, f"clip{number}", index, time_s, time_s, time_s)
            for index, (image, time_s) in enumerate(zip(images, times_s, strict=True))
        )
        yield row, images, watch(recognizer, stream)
