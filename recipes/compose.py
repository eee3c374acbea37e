"""Making clips that no set holds: known people in front of other scenes, falls, and scenes without anybody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import cv2
import idle
import numpy as np
from cutout import Cutout, cut_out, empty_scene, place
from footage import Images, Row, read_clip, read_rows, write_clip
from numpy.typing import NDArray
from sources import WEIZMANN, weizmann_split

HEIGHT, WIDTH = 240, 320
FPS = 25.0
COPIES = {"train": 3, "val": 2}
FALLS = {"train": 45, "val": 12}
IDLE_SCENES = {"train": 36, "val": 8}
"""Of each kind; with 12 a moving tree was a fight for minutes."""
MORE_OFTEN = {"tree": 3, "flicker": 2, "exposure": 3}
"""Kinds of idle scenes that are most easily taken for people, and how many times as many of them there are."""
IDLE_S = 5.0
MOVING = ("run", "walk", "skip", "side", "jump")


def compose(data: Path, out: Path, seed: int) -> Iterator[Row]:
    """Write the made clips under `out` and yield their rows."""
    rng = np.random.default_rng(seed)
    scenes = {split: list(_scenes(data, split)) for split in ("train", "val")}
    people = list(_people(data))
    for label, actor, cutout in people:
        split = weizmann_split(actor)
        for copy in range(COPIES[split]):
            scene = scenes[split][int(rng.integers(len(scenes[split])))]
            name = f"{label}/{actor}_{copy}_{int(rng.integers(1 << 30)):08x}.mp4"
            write_clip(place(cutout, scene, rng), out / name, fps=FPS)
            yield Row(str(out / name), WEIZMANN[label], "weizmann_moved", actor, split, "composed")
    for split, wanted in FALLS.items():
        actors = [(actor, cutout) for _, actor, cutout in people if weizmann_split(actor) == split]
        for number in range(wanted):
            actor, cutout = actors[int(rng.integers(len(actors)))]
            scene = scenes[split][int(rng.integers(len(scenes[split])))]
            path = out / "fall" / f"{split}_{number:03d}.mp4"
            write_clip(_fall(cutout, scene, rng), path, fps=FPS)
            yield Row(str(path), "falling_or_lying", "falls_made", f"fall {actor}", split, "composed")
    yield from compose_idle(scenes, out, rng)


def compose_idle(
    scenes: dict[str, list[NDArray[np.uint8]]],
    out: Path,
    rng: np.random.Generator,
    more_often: Mapping[str, int] = MORE_OFTEN,
) -> Iterator[Row]:
    """Write scenes of each kind in which nothing happens and yield their rows."""
    for split, count in IDLE_SCENES.items():
        for kind, make in idle.KINDS.items():
            for number in range(count * more_often.get(kind, 1)):
                scene = scenes[split][int(rng.integers(len(scenes[split])))]
                path = out / "idle" / f"{split}_{kind}_{number:03d}.mp4"
                write_clip(make(scene, round(IDLE_S * 10), rng), path, fps=10.0)
                yield Row(str(path), "background", "idle_made", f"idle {split}", split, "composed")


def still_scenes(data: Path, split: str) -> Iterator[NDArray[np.uint8]]:
    """Yield photographs; every third one belongs to `test`, every tenth of the others to `val`."""
    for number, row in enumerate(row for row in read_rows(data) if row["set"] == "stills"):
        side = "test" if number % 3 == 2 else "val" if number % 10 == 1 else "train"
        if side == split:
            image = cv2.imread(str(data / row["path"]))
            if image is not None:
                yield _fit(np.ascontiguousarray(image[..., ::-1]))


def empty_places(data: Path, split: str) -> Iterator[NDArray[np.uint8]]:
    """Yield the median of surveillance clips: streets, shops and corridors with few people or none."""
    sides = {"train": range(1, 53), "val": range(56, 67), "test": range(71, 101)}
    for number in sides[split]:
        clip = read_clip(data / f"cctv_fights/nofight/nofi{number:03d}.mp4", fps=5.0)
        yield _fit(np.median(clip, axis=0).astype(np.uint8))


def _scenes(data: Path, split: str) -> Iterator[NDArray[np.uint8]]:
    yield from list(still_scenes(data, split))[:150]
    yield from empty_places(data, split)


def _people(data: Path) -> Iterator[tuple[str, str, Cutout]]:
    rows = [row for row in read_rows(data) if row["set"] == "weizmann"]
    clips = {
        row["path"]: read_clip(data / row["path"]) for row in rows if weizmann_split(row["group"]) != "test"
    }
    by_actor: dict[str, list[Images]] = {}
    for row in rows:
        if row["path"] in clips and row["label"] in MOVING:
            by_actor.setdefault(row["group"], []).append(clips[row["path"]])
    walls = [empty_scene(actor_clips) for actor_clips in by_actor.values()]
    for row in rows:
        if row["path"] not in clips or row["label"] not in WEIZMANN:
            continue
        clip = clips[row["path"]]
        own = [empty_scene([clip])] if row["label"] in MOVING else []
        cutout = cut_out(clip, [*walls, *own])
        if cutout is not None:
            yield row["label"], row["group"], cutout


def _fall(cutout: Cutout, scene: NDArray[np.uint8], rng: np.random.Generator) -> Images:
    upright, falling = round(0.3 * FPS), round(rng.uniform(0.4, 0.9) * FPS)
    lying = round(rng.uniform(1.5, 3.5) * FPS)
    first = int(rng.integers(max(1, len(cutout.colours) - upright - falling)))
    order = np.minimum(np.arange(upright + falling + lying), upright + falling) + first
    order = np.minimum(order, len(cutout.colours) - 1)
    end_deg = rng.uniform(70, 95) * rng.choice([-1.0, 1.0])
    rise = np.clip((np.arange(len(order)) - upright) / falling, 0, 1) ** 2
    restless = np.cumsum(rng.normal(0, 0.25, len(order))) * (rise == 1)
    person = Cutout(cutout.colours[order], cutout.opacity[order])
    return place(person, scene, rng, tilt_deg=end_deg * rise + np.clip(restless, -4, 4))


def _fit(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    fitted: NDArray[np.uint8] = cv2.resize(image, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    return fitted
