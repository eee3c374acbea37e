"""Which clips of the data folder teach what, and on which side of the split each group stands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from footage import Row, read_rows

WEIZMANN = {
    "bend": "bending", "jack": "jumping_jack", "jump": "jumping", "pjump": "jumping", "run": "running",
    "walk": "walking", "wave1": "waving", "wave2": "waving",
}  # fmt: skip
UT = {
    "handshake": "handshake", "hug": "hugging", "kick": "fighting", "punch": "fighting", "push": "fighting",
    "other": "background",
}  # fmt: skip
GENERATED = {
    "clapping": "clapping", "sitting": "sitting", "standing_still": "standing", "walking": "walking",
    "walking_while_reading_book": "walking", "walking_while_using_phone": "walking",
}  # fmt: skip
HOME = {"falling": "falling_or_lying", "sitting": "sitting", "standing": "standing", "walking": "walking"}
FIGHT = {"fight": "fighting", "nofight": "background"}
ELSE = ("Archery", "HorseRace", "Surfing")
LONGEST_S = "4.0"
EACH_GROUP = {"train": 1, "val": 2, "test": 2}
"""Push-up clips of a group: many are cuts of one upload."""


def everyday_rows(data: Path) -> Iterator[Row]:
    """Yield the clips of each set that has everyday labels, and those of people who do something else."""
    groups = {
        name: sorted({row["group"] for row in read_rows(data) if row["set"] == name})
        for name in ("push_ups", "yoga", "generated")
    }
    taken: dict[str, int] = {}
    for row in read_rows(data):
        source, label, group = row["set"], row["label"], row["group"]
        end_s, split = row["end_s"], ""
        if source == "weizmann" and label in WEIZMANN:
            name, split = WEIZMANN[label], weizmann_split(group)
        elif source == "ut_interaction" and label in UT:
            name, split = UT[label], {"08": "val", "09": "test", "10": "test"}.get(group[-2:], "train")
        elif source == "home_falls" and label in HOME:
            name, split = HOME[label], "train" if group == "subject1" else "test"
            if float(row["end_s"]) - float(row["start_s"]) < 1.0:
                continue
        elif source == "push_ups":
            name, split = "push_up", every_fifth(groups[source].index(group))
            taken[group] = taken.get(group, 0) + 1
            if taken[group] > EACH_GROUP[split]:
                continue
        elif source == "yoga":
            name, split, end_s = "falling_or_lying", every_fifth(groups[source].index(group)), LONGEST_S
        elif source == "generated" and label in GENERATED:
            alike = [each for each in groups[source] if each.rpartition("_")[0] == group.rpartition("_")[0]]
            name, split, end_s = GENERATED[label], every_fifth(alike.index(group)), LONGEST_S
        elif source == "ucf101_6" and label in ELSE and row["path"].endswith("_c01.mp4"):
            number = int(group[1:])
            name, end_s = "background", LONGEST_S
            split = "train" if number <= 20 else "val" if number <= 22 else "test"
        elif source in ("cctv_fights", "hockey_fights"):
            name, split = FIGHT[label], fight_split(row)
            if source == "hockey_fights" and number_of(row["path"]) % 7:
                continue
        if split:
            yield Row(
                row["path"],
                name,
                source,
                f"{source}:{group}:{split}",
                split,
                row["kind"],
                row["start_s"],
                end_s,
            )


def fight_rows(data: Path) -> Iterator[Row]:
    """Yield the clips for fight against anything else: surveillance, hockey, and two people on a car park."""
    for row in read_rows(data):
        source, label = row["set"], row["label"]
        if source in ("cctv_fights", "hockey_fights"):
            name, split = {"fight": "fight", "nofight": "background"}[label], fight_split(row)
            if source == "hockey_fights" and number_of(row["path"]) % 4:
                continue
        elif source == "ut_interaction" and UT.get(label) in (
            "fighting",
            "handshake",
            "hugging",
            "background",
        ):
            name = "fight" if UT[label] == "fighting" else "background"
            split = {"08": "val", "09": "test", "10": "test"}.get(row["group"][-2:], "train")
        else:
            continue
        if split:
            yield Row(row["path"], name, source, f"{source}:{row['group']}:{split}", split, row["kind"])


def weizmann_split(actor: str) -> str:
    """Return on which side an actor stands."""
    return {"ido": "test", "shahar": "test", "daria": "val", "moshe": "val"}.get(actor, "train")


def every_fifth(index: int) -> str:
    """Return `test` for every fifth group, `val` for another fifth."""
    return {4: "test", 2: "val"}.get(index % 5, "train")


def fight_split(row: dict[str, str]) -> str:
    """Return the side of a fight clip by its number; neighbours of a border stand on no side (an empty text)."""
    number = number_of(row["path"])
    if row["set"] == "hockey_fights":
        return "train" if number <= 350 else "val" if 376 <= number <= 400 else "test" if number > 425 else ""
    return "train" if number <= 52 else "val" if 56 <= number <= 66 else "test" if number > 70 else ""


def number_of(path: str) -> int:
    """Return the number in a clip's file name."""
    found = re.search(r"\d+", Path(path).stem)
    return int(found.group()) if found else 0
