"""TF-style padding, which depends on the picture's size, written out for one size."""

from __future__ import annotations

import copy
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from .network import Encoder


class _OneSided(torch.autograd.Function):
    """A convolution whose sides are padded differently: PyTorch needs two steps for it, an ONNX graph one."""

    @staticmethod
    def forward(ctx: Any, picture: Tensor, weight: Tensor, conv: nn.Conv2d, pads: tuple[int, ...]) -> Tensor:  # noqa: ARG004
        padded = functional.pad(picture, pads)
        return functional.conv2d(padded, weight, None, conv.stride, 0, conv.dilation, conv.groups)

    @staticmethod
    def symbolic(graph: Any, picture: Any, weight: Any, conv: nn.Conv2d, pads: tuple[int, ...]) -> Any:
        left, right, top, bottom = pads
        return graph.op(
            "Conv", picture, weight, pads_i=[top, left, bottom, right], strides_i=list(conv.stride),
            dilations_i=list(conv.dilation), group_i=conv.groups, kernel_shape_i=list(conv.kernel_size),
        )  # fmt: skip


class PaddedConv(nn.Module):
    """A convolution without bias, behind zeros that are the same in every call; pads: left, right, top, bottom."""

    def __init__(self, conv: nn.Conv2d, pads: tuple[int, ...]) -> None:
        super().__init__()
        self.conv, self.pads = conv, pads

    def forward(self, picture: Tensor) -> Tensor:
        """Pad and convolve."""
        return cast(Tensor, _OneSided.apply(picture, self.conv.weight, self.conv, self.pads))


def fix_padding(encoder: Encoder, size: int) -> Encoder:
    """Return a copy for pictures of `size` pixels that computes the same, with the paddings as constants.

    Computed from the shape, each is a pass over the map of its own in the graph, between two changes of layout.
    """
    from timm.layers import Conv2dSame  # type: ignore[attr-defined]

    fixed = copy.deepcopy(encoder).eval()
    seen: dict[str, tuple[int, int]] = {}
    hooks = [
        module.register_forward_pre_hook(
            lambda _, given, name=name: seen.__setitem__(name, (given[0].shape[-2], given[0].shape[-1]))
        )
        for name, module in fixed.named_modules()
        if isinstance(module, Conv2dSame) and module.bias is None
    ]
    with torch.inference_mode():
        fixed(torch.zeros((1, size, size, 3), dtype=torch.uint8), *fixed.start(1))
    for hook in hooks:
        hook.remove()
    for name, size_hw in seen.items():
        parent, _, last = name.rpartition(".")
        conv = fixed.get_submodule(name)
        assert isinstance(conv, nn.Conv2d)
        setattr(fixed.get_submodule(parent), last, PaddedConv(conv, _pads(conv, size_hw)))
    return fixed


def _pads(conv: nn.Conv2d, size_hw: tuple[int, int]) -> tuple[int, ...]:
    pads: list[int] = []
    for axis in (1, 0):  # torch's pad begins with the last axis
        stride, reach = conv.stride[axis], (conv.kernel_size[axis] - 1) * conv.dilation[axis] + 1
        missing = max(0, (-(-size_hw[axis] // stride) - 1) * stride + reach - size_hw[axis])
        pads += [missing // 2, missing - missing // 2]
    return tuple(pads)
