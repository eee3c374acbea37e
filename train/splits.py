"""Training, validation and test: by group, so that nothing that is judged was seen in training."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..models import ConfigError
from .clips import Clip, Split


@dataclass(frozen=True, slots=True)
class Splits:
    """The three parts; `test` may be empty."""

    train: list[Clip]
    val: list[Clip]
    test: list[Clip]

    def all(self) -> list[Clip]:
        """Return every clip with its split written in."""
        return [*self.train, *self.val, *self.test]


def split_clips(
    clips: Sequence[Clip],
    *,
    val_groups: Sequence[str] = (),
    test_groups: Sequence[str] = (),
    val_share: float = 0.2,
    test_share: float = 0.0,
    seed: int = 0,
) -> Splits:
    """Divide clips by group: as the data set says, as named groups say, else by drawing whole groups.

    A clip without a group is its own group. Raises ConfigError: a label with one clip, an unknown group, a
    group that the data set puts on two sides, or a label of which nothing is left to train or validate.
    """
    _check_counts(clips)
    _check_named(clips, [*val_groups, *test_groups])
    sides: dict[str, Split] = {}
    for clip in clips:
        group = group_of(clip)
        side: Split | None = clip.split
        if clip.group in test_groups:
            side = "test"
        elif clip.group in val_groups:
            side = "val"
        if side is not None and sides.setdefault(group, side) != side:
            raise ConfigError(_on_both_sides(clips, group))
    given_test = "test" in sides.values()
    given_val = "val" in sides.values()
    _fixed_rest(clips, sides)
    if test_share and not given_test:
        _draw(clips, sides, "test", test_share, seed + 1)
    if not given_val:
        _draw(clips, sides, "val", val_share, seed)
    parts: dict[Split, list[Clip]] = {"train": [], "val": [], "test": []}
    for clip in clips:
        side = sides.get(group_of(clip), "train")
        parts[side].append(replace(clip, split=side))
    result = Splits(parts["train"], parts["val"], parts["test"])
    _check_train(clips, result)
    return result


def group_of(clip: Clip) -> str:
    """Return the clip's group; without one, its file."""
    return f"group {clip.group}" if clip.group is not None else f"file {clip.path}"


def _check_counts(clips: Sequence[Clip]) -> None:
    counts = Counter(clip.label for clip in clips)
    if len(counts) < 2:
        raise ConfigError(
            f"data: one label ({next(iter(counts), 'none')}); want two or more folders or labels"
        )
    few = [label for label, count in counts.items() if count < 2]
    if few:
        raise ConfigError(
            f"label {few[0]!r}: one clip; want two or more, so that one can be kept for validation"
        )


def _check_named(clips: Sequence[Clip], names: Sequence[str]) -> None:
    known = {clip.group for clip in clips if clip.group is not None}
    for name in names:
        if name not in known:
            some = ", ".join(sorted(known)[:12]) or "none at all"
            raise ConfigError(f"group {name!r}: no clip has it; the groups are {some}")
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"group {name!r}: named for validation and for test; want it on one side")


def _on_both_sides(clips: Sequence[Clip], group: str) -> str:
    files: dict[str, Clip] = {}
    for clip in clips:
        if group_of(clip) == group and clip.split is not None:
            files.setdefault(clip.split, clip)
    (one, first), (other, second) = list(files.items())[:2]
    return (
        f"{group}: on both sides of the split: {first.path} ({one}) and {second.path} ({other}); "
        "move one of them, or give them different groups"
    )


def _fixed_rest(clips: Sequence[Clip], sides: dict[str, Split]) -> None:
    """A group that the data set puts into training must not be drawn for test; for validation it may."""
    if "test" in {clip.split for clip in clips}:
        for group, side in list(sides.items()):
            if side == "train":
                del sides[group]


def _draw(clips: Sequence[Clip], sides: dict[str, Split], side: Split, share: float, seed: int) -> None:
    """Draw whole groups until every label has about `share` of its clips there; one group is left to train."""
    rng = random.Random(seed)
    members: dict[str, list[Clip]] = defaultdict(list)
    for clip in clips:
        if group_of(clip) not in sides:
            members[group_of(clip)].append(clip)
    groups = sorted(members)
    rng.shuffle(groups)
    free = Counter(label for group in groups for label in {clip.label for clip in members[group]})
    total = Counter(clip.label for clip in clips)
    drawn: Counter[str] = Counter()
    for group in groups:
        labels = {clip.label for clip in members[group]}
        wanted = any(drawn[label] < max(1.0, share * total[label]) - 0.5 for label in labels)
        if wanted and all(free[label] > 1 for label in labels):
            sides[group] = side
            drawn.update(clip.label for clip in members[group])
            free.subtract(labels)


def _check_train(clips: Sequence[Clip], splits: Splits) -> None:
    trained = {clip.label for clip in splits.train}
    for label in sorted({clip.label for clip in clips}):
        if label not in trained:
            raise ConfigError(
                f"label {label!r}: no clip left to train on; put fewer of its groups into val and test"
            )
    if not splits.val:
        groups = sorted({clip.group for clip in clips if clip.group is not None})
        some = ", ".join(groups[:3]) + (" ..." if len(groups) > 3 else "")
        raise ConfigError(
            f"validation: no group could be set aside (the groups are {some or 'none'}), since each label needs "
            "one of its own to train on; record another take of each, or mend the groups in the manifest"
        )
