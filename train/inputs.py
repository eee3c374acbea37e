"""What the backbone is shown: colour, or motion formed from the last frames that the encoder keeps as state."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from ..models import StateSpec

InputKind = Literal["motion", "rgb"]


class EncoderInput(nn.Module):
    """Maps frames and state to a picture for the backbone.

    `forward(frames, *state)`: frames uint8 [N, S, S, 3] RGB, one of each of N streams -> (float32
    [N, 3, S, S] in 0..1, next state ...). State arrays are [N, *shape]; zeros start a stream.
    """

    def state_specs(self, size: int) -> tuple[StateSpec, ...]:
        """Return the state arrays that this input keeps for a stream of `size` x `size` frames."""
        raise NotImplementedError


class RgbInput(EncoderInput):
    """The frame itself; no state."""

    def state_specs(self, size: int) -> tuple[StateSpec, ...]:
        """Return none."""
        del size
        return ()

    def forward(self, frames: Tensor) -> tuple[Tensor, ...]:
        """Scale to 0..1, channels first."""
        return (frames.permute(0, 3, 1, 2).float() / 255.0,)


class MotionInput(EncoderInput):
    """Three successive grey differences as three channels: now-1, 1-2 and 2-3 frames ago.

    State `encoder_state_0` uint8 [N, 3, S, S]: the last three grey frames, newest first, in 1..255, where 0
    means that there was no such frame: a difference to nothing is no motion, so the first frames of a stream
    do not flash. The grey is integer arithmetic that float32 holds exactly, so every runtime agrees on it.
    """

    def state_specs(self, size: int) -> tuple[StateSpec, ...]:
        """Return the one state array."""
        return (StateSpec(name="encoder_state_0", shape=(3, size, size), dtype="uint8"),)

    def forward(self, frames: Tensor, history: Tensor) -> tuple[Tensor, ...]:
        """Form the differences in 0..1 and shift the history."""
        rgb = frames.float()
        grey = torch.floor((rgb[..., 0] * 77.0 + rgb[..., 1] * 150.0 + rgb[..., 2] * 29.0 + 128.0) / 256.0)
        grey = grey.clamp(1.0, 255.0).unsqueeze(1)
        past = history.float()
        now = torch.cat([grey, past[:, :2]], dim=1)
        known = (past > 0.0).float()
        motion = (now - past).abs() * known / 255.0
        return motion, now.to(torch.uint8)


def build_input(kind: InputKind) -> EncoderInput:
    """Build the input of an encoder by name."""
    return MotionInput() if kind == "motion" else RgbInput()
