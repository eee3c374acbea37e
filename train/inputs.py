"""What the backbone is shown: colour, or motion formed from the last frames that the encoder keeps as state."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from ..models import StateSpec

InputKind = Literal["motion", "rgb"]
LAGS_S = (0.1, 0.2, 0.4)
"""Time distances of the differences. docs/training.md compares them with others."""
NOISE_FLOOR = 8.0
"""A mean difference below this many grey levels is taken for sensor noise and does not attract the pooling."""


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
    """

    has_energy = True

    def __init__(self, fps: float) -> None:
        super().__init__()
        self.steps = tuple(max(1, round(lag_s * fps)) for lag_s in LAGS_S)

    def state_specs(self, size: int) -> tuple[StateSpec, ...]:
        """Return the one state array."""
        return (StateSpec(name="encoder_state_0", shape=(max(self.steps), size, size), dtype="uint8"),)

    def forward(self, frames: Tensor, history: Tensor) -> tuple[Tensor, ...]:
        """Form the differences and shift the history.

        One small array for each difference: slicing, masking and averaging them joined costs twice the time.
        """
        grey = grey_levels(frames)
        differences = []
        for step in self.steps:
            past = history[:, step - 1 : step].float()
            differences.append((grey - past).abs() * past.clamp(max=1.0))
        energy = torch.relu(sum(differences[1:], differences[0]) / len(differences) - NOISE_FLOOR)
        return (
            torch.cat(differences, dim=1),
            energy,
            torch.cat([grey.to(torch.uint8), history[:, :-1]], dim=1),
        )


def grey_levels(frames: Tensor) -> Tensor:
    """Return whole grey levels 1..255 of frames uint8 [N, S, S, 3], as float32 [N, 1, S, S]."""
    rgb = frames.float()
    weighted = rgb[..., 0] * 77.0 + rgb[..., 1] * 150.0 + rgb[..., 2] * 29.0
    return torch.floor((weighted + 128.0) * (1.0 / 256.0)).clamp(1.0, 255.0).unsqueeze(1)


def build_input(kind: InputKind, fps: float) -> EncoderInput:
    """Build the input of an encoder by name, for frames at `fps`."""
    return MotionInput(fps) if kind == "motion" else RgbInput()
