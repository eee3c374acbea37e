"""What the backbone is shown: colour, or motion formed from the last frames that the encoder keeps as state.

Motion comes in two kinds: `motion` compares frames as they are, `compensated` first undoes what the whole picture
has in common, a change of the exposure or of the light.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from ..models import StateSpec

InputKind = Literal["motion", "compensated", "rgb"]
LAGS_S = (0.1, 0.2, 0.4)
"""Time distances of the differences. docs/training.md compares them with others."""
NOISE_FLOOR = 8.0
"""A mean difference below this many grey levels is taken for sensor noise and does not attract the pooling."""
CELLS = 8
"""Rows and columns of cells whose mean levels say whether the whole picture became brighter or darker."""


class EncoderInput(nn.Module):
    """Maps frames and state to a picture for the backbone.

    `forward(frames, *state)`: frames uint8 [N, S, S, 3] RGB, one of each of N streams -> (picture float32
    [N, 3, S, S] in levels 0..255, energy, next state ...). Energy float32 [N, 1, S, S] in levels says where to
    look; inputs that do not know give none. State arrays are [N, *shape]; zeros start a stream.
    """

    has_energy = False

    def state_specs(self, size: int) -> tuple[StateSpec, ...]:
        """Return the state arrays that this input keeps for a stream of `size` x `size` frames."""
        raise NotImplementedError


class RgbInput(EncoderInput):
    """The frame itself; no state, no energy."""

    def state_specs(self, size: int) -> tuple[StateSpec, ...]:
        """Return none."""
        del size
        return ()

    def forward(self, frames: Tensor) -> tuple[Tensor, ...]:
        """Put the channels first."""
        return (frames.permute(0, 3, 1, 2).float(),)


class MotionInput(EncoderInput):
    """Three absolute grey differences as three channels: to the frames 0.1, 0.2 and 0.4 s ago.

    State `encoder_state_0` uint8 [N, K, S, S]: the last K grey frames, newest first, in 1..255, where 0
    means that there was no such frame: a difference to nothing is no motion, so the first frames of a stream
    do not flash. The grey is integer arithmetic that float32 holds exactly, so every runtime agrees on it.
    With `compensate` a past frame is made as bright as the present one before the two are compared (`common_gain`):
    automatic exposure and a lamp that beats do not look as if everything moved.
    """

    has_energy = True

    def __init__(self, fps: float, *, compensate: bool = False) -> None:
        super().__init__()
        self.compensate = compensate
        self.steps = tuple(max(1, round(lag_s * fps)) for lag_s in LAGS_S)

    def state_specs(self, size: int) -> tuple[StateSpec, ...]:
        """Return the one state array."""
        return (StateSpec(name="encoder_state_0", shape=(max(self.steps), size, size), dtype="uint8"),)

    def forward(self, frames: Tensor, history: Tensor) -> tuple[Tensor, ...]:
        """Form the differences and shift the history.

        One small array for each difference: slicing, masking and averaging them joined costs twice the time.
        """
        grey = grey_levels(frames)
        gains = self._gains(grey, history) if self.compensate else None
        differences = []
        for index, step in enumerate(self.steps):
            past = history[:, step - 1 : step].float()
            seen = past if gains is None else (past * gains[:, index : index + 1]).clamp(max=255.0)
            differences.append((grey - seen).abs() * past.clamp(max=1.0))
        energy = torch.relu(sum(differences[1:], differences[0]) / len(differences) - NOISE_FLOOR)
        return (
            torch.cat(differences, dim=1),
            energy,
            torch.cat([grey.to(torch.uint8), history[:, :-1]], dim=1),
        )

    def _gains(self, grey: Tensor, history: Tensor) -> Tensor:
        pasts = [cell_means(history[:, step - 1 : step].float(), CELLS).flatten(2) for step in self.steps]
        return common_gain(cell_means(grey, CELLS).flatten(2), torch.cat(pasts, dim=1))


def grey_levels(frames: Tensor) -> Tensor:
    """Return whole grey levels 1..255 of frames uint8 [N, S, S, 3], as float32 [N, 1, S, S]."""
    rgb = frames.float()
    weighted = rgb[..., 0] * 77.0 + rgb[..., 1] * 150.0 + rgb[..., 2] * 29.0
    return torch.floor((weighted + 128.0) * (1.0 / 256.0)).clamp(1.0, 255.0).unsqueeze(1)


def cell_means(picture: Tensor, cells: int) -> Tensor:
    """Return the means [N, 1, cells, cells] of a grid of cells over a picture [N, 1, S, S].

    As two small products: the runtimes' pooling over large windows is slow.
    """
    side = int(picture.shape[-1])
    rows = np.zeros((cells, side), np.float32)
    for cell, columns in enumerate(np.array_split(np.arange(side), cells)):
        rows[cell, columns] = 1.0 / len(columns)
    across = torch.from_numpy(rows).to(picture.device)
    return across @ picture @ across.T


def common_gain(now: Tensor, past: Tensor) -> Tensor:
    """Return the gains [N, K, 1, 1] of a picture over each of K earlier ones, from the mean levels of their cells.

    `now` is [N, 1, C], `past` [N, K, C], in levels. The gain is the value nearest to 1 between the quartiles of the
    cells' ratios: only what three cells in four have in common is taken for a change of the exposure or the light.
    People who move, noise and a lamp in one corner leave it at exactly 1.
    """
    cells = int(now.shape[-1])
    falling = (now / past.clamp(min=1.0)).topk(3 * cells // 4, dim=-1).values
    upper, lower = falling[..., cells // 4 - 1], falling[..., -1]
    return (lower.clamp(min=1.0) * upper.clamp(max=1.0)).unsqueeze(-1).unsqueeze(-1)


def build_input(kind: InputKind, fps: float) -> EncoderInput:
    """Build the input of an encoder by name, for frames at `fps`."""
    return RgbInput() if kind == "rgb" else MotionInput(fps, compensate=kind == "compensated")
