"""Temporal shift: blocks of the backbone in which an eighth of the channels are those of the frame before.

TSM, Lin et al., ICCV 2019, in its uni-directional and residual form: a block's branch sees the first eighth of its
input as it was one sampled frame ago, its shortcut sees the frame as it is. What is kept of a frame for the next is
the state. A frozen block was never trained to see it; the last ones can be fine-tuned (`train/finetune.py`).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterator, Sequence

import torch
from torch import Tensor, nn

from ..models import ConfigError, StateSpec
from .backbones import Stages

SHARE = 8
STATE_SCALE = 0.125
"""Brings the state near one, where all runtimes agree; a power of two, so that nothing is lost on the way."""
Exchange = Callable[[Tensor], Tensor]
"""Takes the channels [N, C/8, h, w] that a block passes on, gives those of the frame before."""


def find_shifted(backbone: nn.Module, count: int, name: str) -> tuple[int, ...]:
    """Return the places, among `layers_of(backbone)`, of the last `count` blocks that have a shortcut.

    Raises ConfigError: a backbone that is no chain of inverted residual blocks, or has fewer of them.
    """
    if not count:
        return ()
    places = [place for place, layer in enumerate(layers_of(backbone)) if _can_shift(layer)]
    if not places:
        raise ConfigError(
            f"--shift {count}: the blocks of {name} cannot be shifted; want efficientnet_lite0, "
            "two or more of its stages"
        )
    if count > len(places):
        raise ConfigError(
            f"--shift {count}: {name} has {len(places)} blocks with a shortcut; want at most so many"
        )
    return tuple(places[len(places) - count :])


def layers_of(backbone: nn.Module) -> Iterator[nn.Module]:
    """Yield the layers and blocks of a chain in their order, sequences taken apart."""
    if not isinstance(backbone, nn.Sequential):
        yield backbone
        return
    for child in backbone:
        yield from layers_of(child)


def shift_specs(backbone: nn.Module, places: Sequence[int], size: int, first: int) -> tuple[StateSpec, ...]:
    """Return a state array for each shifted block, `encoder_state_<first>` on, for pictures of `size` pixels."""
    shapes: list[tuple[int, ...]] = []

    def note(now: Tensor) -> Tensor:
        shapes.append(tuple(now.shape[1:]))
        return now

    if places:
        with torch.no_grad():
            run_shifted(backbone.eval(), places, torch.zeros(1, 3, size, size), note)
    return tuple(
        StateSpec(name=f"encoder_state_{first + number}", shape=shape) for number, shape in enumerate(shapes)
    )


def run_step(
    backbone: nn.Module, places: Collection[int], pictures: Tensor, past: Sequence[Tensor]
) -> tuple[tuple[Tensor, ...], list[Tensor]]:
    """Run one picture of each of N streams; returns the maps (of several stages, if the backbone gives several) and
    the next state, an array for each block."""
    before, after = iter(past), list[Tensor]()

    def exchange(now: Tensor) -> Tensor:
        after.append(now * STATE_SCALE)
        return next(before) * (1.0 / STATE_SCALE)

    return run_shifted(backbone, places, pictures, exchange), after


def run_windows(
    backbone: nn.Module, places: Collection[int], pictures: Tensor, steps: int
) -> tuple[Tensor, ...]:
    """Run pictures [B * steps, 3, S, S], windows one after the other, at once; each starts from zeros."""

    def exchange(now: Tensor) -> Tensor:
        windows = now.reshape(-1, steps, *now.shape[1:])
        return torch.cat([torch.zeros_like(windows[:, :1]), windows[:, :-1]], dim=1).flatten(0, 1)

    return run_shifted(backbone, places, pictures, exchange)


def run_shifted(
    backbone: nn.Module, places: Collection[int], pictures: Tensor, exchange: Exchange
) -> tuple[Tensor, ...]:
    """Run a backbone whose blocks at `places` exchange channels with the frame before."""
    if not places:
        maps = backbone(pictures)
        return maps if isinstance(maps, tuple) else (maps,)
    number = itertools.count()

    def run(layer: nn.Module, maps: Tensor) -> Tensor:
        for part in layers_of(layer):
            maps = _run_block(part, maps, exchange) if next(number) in places else part(maps)
        return maps

    return backbone.follow(pictures, run) if isinstance(backbone, Stages) else (run(backbone, pictures),)


def _run_block(block: nn.Module, maps: Tensor, exchange: Exchange) -> Tensor:
    fold = maps.shape[1] // SHARE
    branch = torch.cat([exchange(maps[:, :fold]), maps[:, fold:]], dim=1)
    for layer in block.children():  # in the order in which the block itself calls them
        branch = layer(branch)
    return branch + maps


def _can_shift(layer: nn.Module) -> bool:
    from timm.models._efficientnet_blocks import InvertedResidual

    return type(layer) is InvertedResidual and bool(layer.has_skip)
