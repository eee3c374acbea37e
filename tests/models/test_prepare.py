"""Claims about the only preprocessing."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import pytest

from actrec.models import Resize, prepare


@dataclass
class Shape:
    size: int
    resize: Resize


@pytest.mark.parametrize("resize", ["squash", "letterbox", "crop"])
@pytest.mark.parametrize("size_hw", [(720, 1280), (144, 180), (90, 60), (1, 1), (128, 128), (2160, 128)])
def test_any_picture_becomes_the_square(size_hw: tuple[int, int], resize: Resize) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*size_hw, 3), dtype=np.uint8)
    square = prepare(image, Shape(128, resize))
    assert square.shape == (128, 128, 3)
    assert square.dtype == np.uint8
    assert square.flags.c_contiguous


def test_a_picture_of_the_right_size_is_unchanged() -> None:
    image = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    assert np.array_equal(prepare(image, Shape(64, "squash")), image)


def test_a_fine_chequerboard_becomes_grey_and_not_a_pattern() -> None:
    board = np.indices((720, 1280)).sum(axis=0) % 2 * 255
    square = prepare(np.repeat(board[..., None], 3, axis=2).astype(np.uint8), Shape(128, "squash"))
    assert square.min() >= 120
    assert square.max() <= 135


def test_the_cheap_way_is_close_to_the_exact_area_mean() -> None:
    noise = np.random.default_rng(2).integers(0, 256, (90, 160, 3), dtype=np.uint8)
    image = cv2.resize(noise, (1280, 720), interpolation=cv2.INTER_CUBIC)
    exact = cv2.resize(image, (128, 128), interpolation=cv2.INTER_AREA).astype(int)
    cheap = prepare(image, Shape(128, "squash")).astype(int)
    assert np.abs(exact - cheap).mean() < 6.0


def test_letterbox_keeps_the_shape_and_pads_with_black() -> None:
    square = prepare(np.full((100, 200, 3), 200, np.uint8), Shape(64, "letterbox"))
    assert np.all(square[16:48] == 200)
    assert not square[:16].any()
    assert not square[48:].any()


def test_crop_takes_the_middle() -> None:
    image = np.zeros((60, 100, 3), np.uint8)
    image[:, 20:80] = 255
    assert np.all(prepare(image, Shape(60, "crop")) == 255)


@pytest.mark.parametrize(
    "bad", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32), np.zeros((0, 4, 3), np.uint8)]
)
def test_what_is_no_picture_is_refused(bad: np.ndarray) -> None:
    with pytest.raises(ValueError, match="want uint8"):
        prepare(bad, Shape(32, "squash"))
