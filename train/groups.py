"""Groups for clips that bring none: from their names, else from what they look like."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from .clips import Clip
from .lists import group_in_name
from .scan import Seen

SAME_SCENE = 0.14
SAME_RECORDING = 0.02
"""Share of the bits of a 256-bit difference hash. Of unrelated pictures about half differ."""
Kind = Literal["given", "names", "scenes", "recordings"]


def find_groups(clips: Sequence[Clip], seen: Mapping[Path, Seen]) -> tuple[list[Clip], Kind]:
    """Return the clips with a group each, and how the missing ones were found.

    `names`: UCF101 or HMDB51 file names. `scenes`: clips that look alike are one group, as cuts of one video
    are. `recordings`: all clips of some label share a scene, as with a fixed camera, so only clips that are
    nearly the same picture are grouped, and what is measured on them flatters.
    """
    named = [
        clip if clip.group is not None else replace(clip, group=group_in_name(clip.path, clip.label))
        for clip in clips
    ]
    nameless = [clip for clip in named if clip.group is None]
    if not nameless:
        return named, "given" if all(clip.group is not None for clip in clips) else "names"
    for kind, limit in (("scenes", SAME_SCENE), ("recordings", SAME_RECORDING)):
        of_path = _cluster(sorted({clip.path for clip in nameless}), seen, limit)
        grouped = [
            clip if clip.group is not None else replace(clip, group=of_path[clip.path]) for clip in named
        ]
        if _divisible(grouped):
            return grouped, "scenes" if kind == "scenes" else "recordings"
    return [
        clip if clip.group is not None else replace(clip, group=clip.path.name) for clip in named
    ], "recordings"


def _divisible(clips: Sequence[Clip]) -> bool:
    """Return whether every label has groups enough for both sides of a split."""
    groups = defaultdict(set)
    for clip in clips:
        groups[clip.label].add(clip.group)
    return all(len(found) >= 2 for found in groups.values())


def _cluster(paths: Sequence[Path], seen: Mapping[Path, Seen], limit: float) -> dict[Path, str]:
    """Join files any of whose pictures look alike; a group is named after its first file."""
    owners = [index for index, path in enumerate(paths) for _ in seen[path].looks]
    hashes = [np.frombuffer(look, np.uint8) for path in paths for look in seen[path].looks]
    parent = list(range(len(paths)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    if hashes:
        table = np.stack(hashes)
        bits = np.array([value.bit_count() for value in range(256)], np.uint16)
        owner = np.array(owners)
        for index, row in enumerate(table):
            differing = bits[table[index + 1 :] ^ row].sum(axis=1)
            for other in owner[index + 1 :][differing <= limit * 8 * table.shape[1]]:
                first, second = sorted((root(owners[index]), root(int(other))))
                parent[second] = first
    return {path: paths[root(index)].name for index, path in enumerate(paths)}
