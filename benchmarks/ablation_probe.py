"""Encoders to compare: one pass over the frames gives the features of several depths and poolings."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from ablation_tasks import Task
from numpy.typing import NDArray
from torch import Tensor, nn

from actrec.models import Resize, StateSpec
from actrec.train.backbones import build_backbone
from actrec.train.encode import encode_clips, freeze
from actrec.train.inputs import NOISE_FLOOR, EncoderInput, grey_levels
from actrec.train.network import Encoder, pool
from actrec.train.views import Shape, View, make_views

FPS = 10.0
Arrays = list[NDArray[np.float32]]
WIDTHS = {"5": 112, "6.1": 192, "6": 192, "whole": 1280}
"""Features of each depth: five stages, the first block of the sixth, six stages, the whole network."""
DEPTHS = tuple(WIDTHS)


class Differences(EncoderInput):
    """Grey differences between frames so many steps ago, made a picture in one of several ways."""

    has_energy = True

    def __init__(self, pairs: tuple[tuple[int, int], ...], form: str = "absolute") -> None:
        super().__init__()
        self.pairs, self.form = pairs, form

    def state_specs(self, size: int) -> tuple[StateSpec, ...]:
        """Return the grey history."""
        steps = max(old for _, old in self.pairs)
        return (StateSpec(name="encoder_state_0", shape=(steps, size, size), dtype="uint8"),)

    def forward(self, frames: Tensor, history: Tensor) -> tuple[Tensor, ...]:
        """Form the picture."""
        seen = torch.cat([grey_levels(frames), history.float()], dim=1)
        signed = torch.cat(
            [
                (seen[:, a : a + 1] - seen[:, b : b + 1]) * (seen[:, b : b + 1] > 0) / 255.0
                for a, b in self.pairs
            ],
            dim=1,
        )
        size = signed.abs()
        energy = torch.relu(255.0 * size.mean(dim=1, keepdim=True) - NOISE_FLOOR)
        floored = torch.relu(size - 4.0 / 255.0)
        strength = (floored * floored).mean(dim=(1, 2, 3), keepdim=True).sqrt()
        pictures = {
            "absolute": lambda: size,
            "signed": lambda: (0.5 + 2.0 * signed).clamp(0.0, 1.0),
            "floor x 3": lambda: (floored * 3.0).clamp(0.0, 1.0),
            "contrast gain": lambda: (floored / (4.0 * strength + 0.08)).clamp(0.0, 1.0),
            "with grey": lambda: torch.cat([seen[:, :1] / 255.0, size[:, :2]], dim=1),
        }
        return 255.0 * pictures[self.form](), energy, seen[:, :-1].to(torch.uint8)


class Probe(Encoder):
    """Gives, one after the other, each depth's features: their even mean, then their mean weighted by motion."""

    def __init__(self, shown: EncoderInput, size: int) -> None:
        super().__init__(build_backbone("efficientnet_lite0"), "rgb", size, FPS)
        self.input = shown
        self.state_specs = shown.state_specs(size)
        layers = list(self.backbone)  # type: ignore[call-overload]
        self.parts = nn.ModuleList(
            [nn.Sequential(*layers[:7]), layers[7][:1], layers[7][1:], nn.Sequential(*layers[8:])]
        )
        self.features = 2 * sum(WIDTHS.values())

    def forward(self, frames: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """Return (all features, next state ...)."""
        picture, *rest = self.input(frames, *state)
        energy = rest.pop(0) if self.input.has_energy else None
        maps, found = self.normalise(picture), []
        for part in self.parts:
            maps = part(maps)
            found += [pool(maps, None), pool(maps, energy)]
        return torch.cat(found, dim=1), *rest


@dataclass(frozen=True)
class Variant:
    """What the backbone is shown, at which size."""

    name: str
    shown: EncoderInput
    size: int = 128
    resize: Resize = "squash"


def columns_of(depths: tuple[str, ...], poolings: tuple[str, ...]) -> NDArray[np.int64]:
    """Return where the features of these depths stand in what a probe gives; poolings are `even` and `motion`."""
    found = []
    for depth in depths:
        start = 2 * sum(WIDTHS[each] for each in DEPTHS[: DEPTHS.index(depth)])
        for pooling in poolings:
            first = start + (WIDTHS[depth] if pooling == "motion" else 0)
            found.append(np.arange(first, first + WIDTHS[depth]))
    return np.concatenate(found)


def gather(data: Path, cache: Path, task: Task, variant: Variant, views: tuple[View, ...]) -> list[Arrays]:
    """Return the probe's features [T, F] of each clip, for each view; they and the frames stay under `cache`."""
    probe = Probe(variant.shown, variant.size).eval()
    frozen = freeze(probe, size=variant.size, device="cpu", threads=1)
    shape = Shape(FPS, variant.size, variant.resize)
    result = []
    for path in task.paths:
        arrays = []
        for view in views:
            shown = _file(cache, f"frames {shape} {path} {view}")
            kept = _file(cache, f"features {DEPTHS} {variant.name} {shape} {path} {view}")
            if not kept.exists():
                if not shown.exists():
                    np.save(shown, make_views(data / path, 0.0, None, [view], shape)[0])
                np.save(kept, encode_clips(frozen, [np.load(shown)])[0])
            arrays.append(np.load(kept).astype(np.float32))
        result.append(arrays)
    return result


def _file(cache: Path, text: str) -> Path:
    cache.mkdir(parents=True, exist_ok=True)
    return cache / f"{hashlib.sha256(text.encode()).hexdigest()[:24]}.npy"
