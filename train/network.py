"""The network: an encoder that sees each frame once and a recurrent head that carries the past.

Both are pure: state is an argument and a result, never an attribute. A clip is a loop over single steps, and
gives the same numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import Tensor, nn

from ..models import ModelError, Resize, StateSpec
from .backbones import DEFAULT_BACKBONE, Backbone, Stages, build_backbone
from .inputs import InputKind, build_input, cell_means
from .shift import find_shifted, run_step, run_windows, shift_specs

CHECKPOINT_FORMAT = "actrec.checkpoint/1"
EVEN_WEIGHT = 0.0255
"""Weight of a cell in which nothing moves, beside a mean difference in grey levels."""


class NetworkConfig(BaseModel):
    """What has to be known to build a network; written into every checkpoint."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    labels: Annotated[tuple[str, ...], Field(min_length=2)]
    background: str | None = None
    backbone: str = DEFAULT_BACKBONE
    input: InputKind = "motion"
    shift: Annotated[int, Field(ge=0)] = 0
    """How many of the backbone's last residual blocks see an eighth of their channels as of the frame before."""
    size: int = 128
    resize: Resize = "squash"
    fps: float = 10.0
    cell: Literal["gru", "lstm"] = "gru"
    layers: int = 1
    hidden: int = 256
    embedding: int = 256
    dropout: float = 0.3
    bidirectional: bool = False
    """Only for comparison offline: export refuses it, because a live stream has no future."""


class Encoder(nn.Module):
    """Frames uint8 [N, S, S, 3] RGB and state -> features float32 [N, F] and next state; scaling is inside.

    Where the backbone gives a map and the input knows where things move, the map's mean is weighted by the
    motion in each cell: a small person far away is seen as well as a near one, and a still room not at all. Of
    a backbone that gives the maps of several stages, each is averaged in both ways, evenly and by motion.
    State: what the input keeps, then an array for each shifted block of the backbone (`train/shift.py`).
    """

    gain: Tensor
    offset: Tensor

    def __init__(self, backbone: Backbone, kind: InputKind, size: int, fps: float, shift: int = 0) -> None:
        super().__init__()
        self.input = build_input(kind, fps)
        self.backbone = backbone.module
        self._several = isinstance(backbone.module, Stages)
        self.features = backbone.features * (2 if self._several and self.input.has_energy else 1)
        self.shifted = find_shifted(backbone.module, shift, backbone.name)
        seen = self.input.state_specs(size)
        self.state_specs: tuple[StateSpec, ...] = (
            *seen,
            *shift_specs(backbone.module, self.shifted, size, first=len(seen)),
        )
        mean, std = (torch.tensor(each).view(1, 3, 1, 1) for each in (backbone.mean, backbone.std))
        self.register_buffer("gain", 1.0 / (255.0 * std), persistent=False)
        self.register_buffer("offset", -mean / std, persistent=False)

    def forward(self, frames: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """Return (features, next state ...)."""
        own = len(state) - len(self.shifted)
        picture, *rest = self.input(frames, *state[:own])
        energy = rest.pop(0) if self.input.has_energy else None
        maps, kept = run_step(self.backbone, self.shifted, self.normalise(picture), state[own:])
        return self.pool(maps, energy), *rest, *kept

    def forward_windows(self, windows: Tensor) -> Tensor:
        """Return features [B, T, F] of windows uint8 [B, T, S, S, 3], each from a fresh state, at once.

        No gradient flows into the input.
        """
        steps = windows.shape[1]
        state = self.start(len(windows))
        state = state[: len(state) - len(self.shifted)]
        pictures, energies = [], []
        with torch.no_grad():
            for step in range(steps):
                picture, *rest = self.input(windows[:, step], *state)
                if self.input.has_energy:
                    energies.append(rest.pop(0))
                state = tuple(rest)
                pictures.append(self.normalise(picture))
            stacked = torch.stack(pictures, dim=1).flatten(0, 1)
            energy = torch.stack(energies, dim=1).flatten(0, 1) if energies else None
        maps = run_windows(self.backbone, self.shifted, stacked, steps)
        return self.pool(maps, energy).view(-1, steps, self.features)

    def pool(self, maps: Sequence[Tensor], energy: Tensor | None) -> Tensor:
        """Return the features [N, F] of what the backbone gave."""
        if not self._several:
            return pool(maps[0], energy)
        ways = (None,) if energy is None else (None, energy)
        return torch.cat([pool(each, way) for each in maps for way in ways], dim=1)

    def normalise(self, picture: Tensor) -> Tensor:
        """Return a picture in levels 0..255 as the backbone was trained to see it."""
        return picture * self.gain + self.offset

    def start(self, streams: int) -> tuple[Tensor, ...]:
        """Return the state of `streams` new streams: zeros."""
        device = self.gain.device
        return tuple(
            torch.zeros((streams, *spec.shape), dtype=getattr(torch, spec.dtype), device=device)
            for spec in self.state_specs
        )


def pool(maps: Tensor, energy: Tensor | None) -> Tensor:
    """Return the features [N, F] of maps [N, F, h, w] (or [N, F], as they are), weighted by energy [N, 1, S, S].

    Without motion, and without an energy, this is the plain mean.
    """
    if maps.dim() == 2:
        return maps
    if energy is None:
        return maps.mean(dim=(2, 3))
    weight = cell_means(energy, int(maps.shape[-1])) + EVEN_WEIGHT
    return (maps * weight).sum(dim=(2, 3)) / weight.sum(dim=(2, 3))


class Head(nn.Module):
    """Features [B, T, F] and state [B, P, H] -> logits [B, T, C] and next state.

    Embedding + LayerNorm + GRU as in MiniROAD (An et al., ICCV 2023), whose logits are added to those of a
    per-frame linear layer: a residual that cannot easily fall below the single frame. P is the number of
    layers for a GRU and twice that for an LSTM (h, then c).
    """

    def __init__(self, features: int, config: NetworkConfig) -> None:
        super().__init__()
        classes = len(config.labels)
        self.cell = config.cell
        self.layers = config.layers
        self.hidden = config.hidden
        self.drop = nn.Dropout(config.dropout)
        self.frame = nn.Linear(features, classes)
        self.embed = nn.Sequential(nn.Linear(features, config.embedding), nn.LayerNorm(config.embedding))
        kind = nn.GRU if config.cell == "gru" else nn.LSTM
        inner = config.dropout if config.layers > 1 else 0.0
        self.rnn = kind(
            config.embedding, config.hidden, config.layers,
            batch_first=True, dropout=inner, bidirectional=config.bidirectional,
        )  # fmt: skip
        self.past = nn.Linear(config.hidden * (2 if config.bidirectional else 1), classes)
        parts = config.layers * (2 if config.cell == "lstm" else 1)
        self.state_specs: tuple[StateSpec, ...] = (StateSpec(name="state", shape=(parts, config.hidden)),)

    def forward(self, features: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Return (logits, next_state)."""
        features = self.drop(features)
        carried = state.transpose(0, 1).contiguous()
        if self.cell == "gru":
            outputs, hidden = self.rnn(self.embed(features), carried)
        else:
            memory = carried[self.layers :].contiguous()
            outputs, pair = self.rnn(self.embed(features), (carried[: self.layers].contiguous(), memory))
            hidden = torch.cat(pair)
        return self.frame(features) + self.past(self.drop(outputs)), hidden.transpose(0, 1)

    def start(self, streams: int) -> Tensor:
        """Return the state of `streams` new streams: zeros [B, P, H]."""
        return torch.zeros((streams, *self.state_specs[0].shape), device=self.frame.weight.device)


class Network(nn.Module):
    """An encoder and a head; `forward` runs a batch of clips, frame by frame through the encoder."""

    def __init__(self, config: NetworkConfig, *, pretrained: bool = True) -> None:
        super().__init__()
        self.config = config
        backbone = build_backbone(config.backbone, pretrained=pretrained)
        self.licence = backbone.licence
        self.encoder = Encoder(backbone, config.input, config.size, config.fps, config.shift)
        self.head = Head(self.encoder.features, config)

    def encode(self, clips: Tensor) -> Tensor:
        """Return the features float32 [B, T, F] of clips uint8 [B, T, S, S, 3], from a fresh state."""
        state = list(self.encoder.start(clips.shape[0]))
        features = []
        for step in range(clips.shape[1]):
            now, *state = self.encoder(clips[:, step], *state)
            features.append(now)
        return torch.stack(features, dim=1)

    def forward(self, clips: Tensor) -> Tensor:
        """Return the logits [B, T, C] of clips uint8 [B, T, S, S, 3], from a fresh state."""
        logits: Tensor = self.head(self.encode(clips), self.head.start(clips.shape[0]))[0]
        return logits


def checkpoint(network: Network, **extra: Any) -> dict[str, Any]:
    """Return what is saved with torch.save: plain values and tensors only, so weights_only=True can read it."""
    config = network.config.model_dump(mode="json")
    return {"format": CHECKPOINT_FORMAT, "config": config, "weights": network.state_dict(), **extra}


def load_network(path: Path) -> tuple[Network, dict[str, Any]]:
    """Rebuild a network from a checkpoint, on the CPU, in eval mode; returns it and the whole checkpoint.

    Raises ModelError: missing, not a checkpoint, or one of another version.
    """
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise ModelError(
            f"{path}: no such checkpoint; give a run folder or a .ckpt that actrec-train wrote"
        ) from None
    except Exception as error:
        reason = str(error).strip().splitlines()[0][:160] if str(error).strip() else type(error).__name__
        raise ModelError(
            f"{path}: not a checkpoint that can be read safely ({reason}); train again"
        ) from None
    if not isinstance(saved, dict) or saved.get("format") != CHECKPOINT_FORMAT:
        found = saved.get("format") if isinstance(saved, dict) else type(saved).__name__
        raise ModelError(
            f"{path}: format {found!r}, want {CHECKPOINT_FORMAT!r}; train again with this actrec"
        )
    try:
        network = Network(NetworkConfig.model_validate(saved["config"]), pretrained=False)
        network.load_state_dict(saved["weights"])
    except (KeyError, ValidationError, RuntimeError) as error:
        raise ModelError(
            f"{path}: does not fit its own config ({str(error).splitlines()[0][:160]}); train again"
        ) from None
    return network.eval(), saved
