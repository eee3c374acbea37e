"""A model made by hand whose every answer is known: it says `bright` of a bright picture, `dark` of a dark one.

The encoder's one feature is the mean brightness of the frame in 0..1, averaged with that of the frame before; the
head adds 20 x (brightness - 0.5) to the logit of `bright`. Tiny and exact, so a day of stream takes minutes.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from actrec.export.graphs import GraphPlan, export_onnx, onnx_bytes
from actrec.models import Bundle, EventRule, ModelSpec, StateSpec, save_bundle

SIZE = 16
STATE = StateSpec(name="encoder_state_0", shape=(1,))


class Brightness(nn.Module):
    """frames uint8 [N, S, S, 3], last brightness [N, 1] (0: none) -> feature [N, 1], brightness [N, 1]."""

    def forward(self, frames: Tensor, last: Tensor) -> tuple[Tensor, Tensor]:
        now = frames.float().mean(dim=(1, 2, 3)).unsqueeze(1) / 255.0 + 1e-3
        before = torch.where(last > 0.0, last, now)
        return (now + before) / 2.0, now


class Threshold(nn.Module):
    """features [B, T, 1], state [B, 1, 1] -> logits [B, T, 2], state."""

    def forward(self, features: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        bright = (features - 0.5) * 20.0
        return torch.cat([torch.zeros_like(bright), bright], dim=2), state + features.sum(
            dim=1, keepdim=True
        ) * 0.0


def save_light_model(folder: Path, *, fps: float = 10.0) -> Bundle:
    """Export it into `folder` and return the bundle."""
    spec = ModelSpec(
        name="light",
        labels=("dark", "bright"),
        background="dark",
        fps=fps,
        size=SIZE,
        resize="squash",
        features=1,
        encoder_state=(STATE,),
        head_state=(StateSpec(name="state", shape=(1, 1)),),
        cell="gru",
        layers=1,
        hidden=1,
        smoothing_s=0.0,
        rule=EventRule(enter=0.7, leave=0.3, min_duration_s=0.3, min_gap_s=0.3),
        backbone="none",
        backbone_licence="Apache-2.0",
        training_data="none: made by hand",
    )
    frames = torch.zeros(2, SIZE, SIZE, 3, dtype=torch.uint8)
    encoder = GraphPlan(
        Brightness(), {"frames": frames, STATE.name: torch.zeros(2, 1)}, ("features", f"next_{STATE.name}")
    )
    inputs = {"features": torch.zeros(2, 3, 1), "state": torch.zeros(2, 1, 1)}
    head = GraphPlan(Threshold(), inputs, ("logits", "next_state"), timed=("features",))
    return save_bundle(
        folder,
        spec,
        {
            "encoder.onnx": onnx_bytes(export_onnx(encoder), spec.embedded_text("encoder")),
            "head.onnx": onnx_bytes(export_onnx(head), spec.embedded_text("model")),
        },
    )
