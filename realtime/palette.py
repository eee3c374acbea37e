"""The colours of the picture: one for each label, the same in every run, and a few for everything else."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from functools import lru_cache

from .lettering import Colour

WHITE: Colour = (246, 247, 249)
SOFT: Colour = (196, 202, 210)
INK: Colour = (16, 19, 24)
SLATE: Colour = (24, 28, 34)
QUIET: Colour = (128, 136, 148)
"""For the background label: there, but not asking for a look."""
GOOD: Colour = (96, 208, 128)
WARN: Colour = (255, 190, 84)
BAD: Colour = (255, 107, 107)

_LABEL_COLOURS: tuple[Colour, ...] = (
    (92, 184, 240),
    (255, 178, 84),
    (126, 217, 134),
    (244, 124, 146),
    (182, 146, 255),
    (250, 220, 100),
    (74, 212, 200),
    (255, 142, 98),
    (146, 172, 255),
    (214, 174, 126),
    (232, 136, 222),
    (182, 222, 96),
)


@lru_cache(maxsize=256)
def label_colours(labels: tuple[str, ...], quiet: frozenset[str] = frozenset()) -> Mapping[str, Colour]:
    """Return a colour for each label; those in `quiet` are grey.

    The name picks the colour; where two names of one model pick the same, the later one takes the next free.
    """
    count = len(_LABEL_COLOURS)
    colours: dict[str, Colour] = {}
    taken: set[int] = set()
    for label in labels:
        if label in quiet:
            colours[label] = QUIET
            continue
        slot = zlib.crc32(label.encode()) % count
        if len(taken) < count:
            while slot in taken:
                slot = (slot + 1) % count
        taken.add(slot)
        colours[label] = _LABEL_COLOURS[slot]
    return colours
