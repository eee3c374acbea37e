"""The only preprocessing in the project: training, calibration, evaluation and live all call `prepare`."""

from __future__ import annotations

from typing import Protocol, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from .spec import Resize


class PrepareSpec(Protocol):
    """The part of a ModelSpec that `prepare` reads."""

    @property
    def size(self) -> int:
        """Side of the square that the encoder sees, in pixels."""

    @property
    def resize(self) -> Resize:
        """How a picture of another shape becomes a square."""


def prepare(image: NDArray[np.uint8], spec: PrepareSpec) -> NDArray[np.uint8]:
    """Return the square picture that the encoder sees.

    image: uint8 [H, W, 3] RGB; result: uint8 [S, S, 3] RGB, contiguous.
    `squash` ignores the shape of the picture, `letterbox` keeps it and pads with black, `crop` keeps the
    middle square. The picture is halved as often as it is at least twice too large in both directions (the
    mean of 2 x 2 pixels) and then resized bilinearly: free of aliasing at a tenth of the cost of INTER_AREA.
    Raises ValueError for an array of another shape or dtype.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or min(image.shape[:2]) < 1:
        raise ValueError(f"image: got {image.dtype} {image.shape}, want uint8 [H, W, 3]")
    size = spec.size
    height, width = image.shape[:2]
    if spec.resize == "crop":
        side = min(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        image = image[top : top + side, left : left + side]
        height = width = side
    if spec.resize != "letterbox":
        return _shrink(image, size, size)
    scale = size / max(height, width)
    inner_h, inner_w = max(1, round(height * scale)), max(1, round(width * scale))
    square = np.zeros((size, size, 3), np.uint8)
    top, left = (size - inner_h) // 2, (size - inner_w) // 2
    square[top : top + inner_h, left : left + inner_w] = _shrink(image, inner_h, inner_w)
    return square


def _shrink(image: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    while image.shape[0] >= 2 * height and image.shape[1] >= 2 * width:
        half_hw = image.shape[0] // 2, image.shape[1] // 2
        even = image[: half_hw[0] * 2, : half_hw[1] * 2]
        image = cast(NDArray[np.uint8], cv2.resize(even, half_hw[::-1], interpolation=cv2.INTER_AREA))
    if image.shape[:2] != (height, width):
        image = cast(NDArray[np.uint8], cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR))
    return np.ascontiguousarray(image)
