"""What the backbone is shown: colour, or motion formed from the last frames that the encoder keeps as state."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from ..models import StateSpec

InputKind = Literal["motion", "rgb"]
LAGS_S = (0.1, 0.2, 0.4)
"""Time distances of the differences. docs/training.md compares them with others."""
NOISE_FLOOR = 8.0 / 255.0
"""A mean difference below this is taken for sensor noise and does not attract the pooling."""


class EncoderInput(nn.Module):
    """Maps frames and state to a picture for the backbone.

    `forward(frames, *state)`: frames uint8 [N, S, S, 3] RGB, one of each of N streams -> (float32
    [N, 3, S, S] in 0..1, energy, next state ...). Energy float32 [N, 1, S, S] says where to look, >= 0;
    inputs that do not know give none. State arrays are [N, *shape]; zeros start a stream.
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
        """Scale to 0..1, channels first."""
        return (frames.permute(0, 3, 1, 2).float() / 255.0,)


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
        """Form the differences in 0..1 and shift the history."""
        rgb = frames.float()
        grey = torch.floor((rgb[..., 0] * 77.0 + rgb[..., 1] * 150.0 + rgb[..., 2] * 29.0 + 128.0) / 256.0)
        grey = grey.clamp(1.0, 255.0).unsqueeze(1)
        past = torch.cat([history[:, step - 1 : step] for step in self.steps], dim=1).float()
        motion = (grey - past).abs() * (past > 0.0).float() / 255.0
        energy = torch.relu(motion.mean(dim=1, keepdim=True) - NOISE_FLOOR)
        return motion, energy, torch.cat([grey.to(torch.uint8), history[:, :-1]], dim=1)


def build_input(kind: InputKind, fps: float) -> EncoderInput:
    """Build the input of an encoder by name, for frames at `fps`."""
    return MotionInput(fps) if kind == "motion" else RgbInput()
