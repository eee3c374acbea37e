"""Long streams in which activities follow one another and nothing happens in between, cut into chunks.

A recogniser that was trained on trimmed clips never learns to let go. Here a stretch of an activity lasts from a
second to a minute, the next one follows without a mark, the state goes from chunk to chunk, and a stream ends
nowhere in particular. Streams are joined from cached features, so an epoch costs the head only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import IterableDataset

from .config import LossPlace
from .gather import Sample

WARM_UP = 4
"""Frames until the encoder's own state is full; inside a stream a clip must not tell by them that it begins."""
SHORTEST_S = 1.0


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of B streams: features float32 [B, T, F], labels int64 [B, T], weight float32 [B, T] of each frame
    in the loss, and fresh bool [B]: this stream begins here, from a state of zeros."""

    features: Tensor
    labels: Tensor
    weight: Tensor
    fresh: Tensor


@dataclass(frozen=True, slots=True)
class StreamPlan:
    """How streams are joined; times in s."""

    fps: float
    streams: int = 16
    chunk: int = 64
    longest_s: float = 60.0
    background_share: float = 0.3
    restart: float = 0.25
    loss: LossPlace = "late"
    late_s: float = 0.5
    balance: float = 1.0
    """1: labels are drawn equally often; 0: as often as they have clips; between: by a power of their clips."""


class Material:
    """Features by label, as the joiner draws them: for each label a list of clips, each a list of views."""

    def __init__(self, samples: Sequence[Sample], labels: Sequence[str], background: str | None) -> None:
        self.labels = tuple(labels)
        self.background = None if background is None else self.labels.index(background)
        self.clips: list[list[list[NDArray[np.float16]]]] = [[] for _ in labels]
        for sample in samples:
            views = [view for view in (sample.plain, *sample.altered) if len(view)]
            if views:
                self.clips[self.labels.index(sample.clip.label)].append(views)
            if self.background is not None:
                self.clips[self.background] += [[view] for view in sample.idle]
        self.active = [i for i in range(len(labels)) if i != self.background and self.clips[i]]
        self.frames = sum(len(clip[0]) for clips in self.clips for clip in clips)
        counts = np.array([len(self.clips[i]) for i in self.active], np.float64)
        self.shares = counts / counts.sum() if len(counts) else counts


class Joiner:
    """One endless stream, drawn from material by its own random numbers."""

    def __init__(self, material: Material, plan: StreamPlan, rng: np.random.Generator) -> None:
        self._material = material
        self._plan = plan
        self._rng = rng
        self._label = -1
        self._left: list[tuple[NDArray[np.float16], int, int]] = []

    def take(
        self, frames: int, *, fresh: bool
    ) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]:
        """Return the next features [T, F], labels [T] and each frame's age in its stretch [T], in frames."""
        if fresh:
            self._left, self._label = [], -1
        features: list[NDArray[np.float16]] = []
        labels: list[NDArray[np.int64]] = []
        ages: list[NDArray[np.int64]] = []
        need = frames
        while need:
            if not self._left:
                self._left = self._stretch(beginning=fresh and need == frames)
            part, label, age = self._left.pop(0)
            if len(part) > need:
                self._left.insert(0, (part[need:], label, age + need))
                part = part[:need]
            features.append(part)
            labels.append(np.full(len(part), label))
            ages.append(np.arange(age, age + len(part)))
            need -= len(part)
        return np.concatenate(features).astype(np.float32), np.concatenate(labels), np.concatenate(ages)

    def _stretch(self, *, beginning: bool) -> list[tuple[NDArray[np.float16], int, int]]:
        label = self._next_label()
        self._label = label
        plan, rng = self._plan, self._rng
        seconds = np.exp(rng.uniform(np.log(SHORTEST_S), np.log(max(plan.longest_s, SHORTEST_S + 0.01))))
        length = max(1, round(float(seconds) * plan.fps))
        parts: list[tuple[NDArray[np.float16], int, int]] = []
        age = 0
        clips = self._material.clips[label]
        clip = clips[int(rng.integers(len(clips)))]
        while age < length:
            view = clip[int(rng.integers(len(clip)))]
            first = 0 if beginning and not parts else min(WARM_UP, len(view) - 1)
            if not parts and not beginning and len(view) > 2 * WARM_UP:
                first = int(rng.integers(first, len(view) // 2 + 1))
            part = view[first : first + length - age]
            parts.append((part, label, age))
            age += len(part)
            if rng.random() < 0.5:
                clip = clips[int(rng.integers(len(clips)))]
        return parts

    def _next_label(self) -> int:
        material, rng = self._material, self._rng
        idle = material.background
        if (
            idle is not None
            and material.clips[idle]
            and self._label != idle
            and rng.random() < self._plan.background_share
        ):
            return idle
        choices = [label for label in material.active if label != self._label] or material.active
        if self._plan.balance == 1.0:
            return choices[int(rng.integers(len(choices)))]
        counts = np.array([material.shares[material.active.index(label)] for label in choices])
        shares = counts ** (1.0 - self._plan.balance)
        return choices[int(rng.choice(len(choices), p=shares / shares.sum()))]


class StreamSet(IterableDataset[Chunk]):
    """The chunks of one epoch; they depend on the seed, the epoch and the rank only, so a run can be resumed."""

    def __init__(self, material: Material, plan: StreamPlan, *, steps: int, seed: int, rank: int = 0) -> None:
        self._material = material
        self._plan = plan
        self._steps = steps
        self._seed = seed
        self.rank = rank
        self.epoch = 0

    def __len__(self) -> int:
        return self._steps

    def __iter__(self) -> Iterator[Chunk]:
        rng = np.random.default_rng([self._seed, self.epoch, self.rank])
        joiners = [Joiner(self._material, self._plan, each) for each in rng.spawn(self._plan.streams)]
        for step in range(self._steps):
            fresh = (
                np.ones(len(joiners), bool) if step == 0 else rng.random(len(joiners)) < self._plan.restart
            )
            rows = [j.take(self._plan.chunk, fresh=bool(f)) for j, f in zip(joiners, fresh, strict=True)]
            features, labels, ages = (np.stack(part) for part in zip(*rows, strict=True))
            weight = weigh(ages, self._plan)
            yield Chunk(*(torch.from_numpy(array) for array in (features, labels, weight, fresh)))


def weigh(ages: NDArray[np.int64], plan: StreamPlan) -> NDArray[np.float32]:
    """Return each frame's weight in the loss, from its age in its stretch, [B, T] both."""
    if plan.loss == "all":
        return np.ones(ages.shape, np.float32)
    weight = (ages >= round(plan.late_s * plan.fps)).astype(np.float32)
    if plan.loss == "last":
        weight[:, :-1] = 0.0
    return weight
