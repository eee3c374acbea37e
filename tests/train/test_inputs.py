"""What the backbone is shown: differences to earlier frames, with or without a change of the exposure."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from actrec.train.inputs import InputKind, MotionInput, build_input, grey_levels

SIZE = 64
FPS = 10.0


def room(seed: int = 0) -> NDArray[np.float32]:
    """A still picture with dark and bright places, none of them clipped by the gains of these tests."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(30, 110, (8, 8, 3)).astype(np.float32)
    return np.kron(coarse, np.ones((SIZE // 8, SIZE // 8, 1), np.float32))


def show(kind: InputKind, frames: list[NDArray[np.float32]]) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """Return the pictures and energies that a stream of frames gives."""
    shown = build_input(kind, FPS)
    state = [
        torch.zeros(1, *each.shape, dtype=getattr(torch, each.dtype)) for each in shown.state_specs(SIZE)
    ]
    pictures, energies = [], []
    for frame in frames:
        picture, energy, *state = shown(torch.from_numpy(frame.clip(0, 255).astype(np.uint8)[None]), *state)
        pictures.append(picture)
        energies.append(energy)
    return pictures, energies


def person(scene: NDArray[np.float32], step: int) -> NDArray[np.float32]:
    """Somebody who walks through the scene and fills a sixth of it."""
    out = scene.copy()
    out[10:58, 4 + 3 * step : 20 + 3 * step] = 200.0
    return out


def test_each_channel_is_the_difference_to_its_own_past_and_a_stream_begins_without_a_flash() -> None:
    levels = [20.0, 30.0, 60.0, 61.0, 100.0]
    pictures, _ = show("motion", [np.full((SIZE, SIZE, 3), level, np.float32) for level in levels])
    means = [picture.mean(dim=(0, 2, 3)).tolist() for picture in pictures]
    assert means[0] == [0.0, 0.0, 0.0]
    assert means[1] == [10.0, 0.0, 0.0]
    assert means[4] == [39.0, 40.0, 80.0]  # to 0.1, 0.2 and 0.4 s ago


@pytest.mark.parametrize("gain", [0.5, 0.8, 1.25, 2.0])
def test_a_jump_of_the_exposure_is_motion_everywhere_until_it_is_compensated(gain: float) -> None:
    frames = [room(), room(), room() * gain, room() * gain, room() * gain]
    as_they_are, _ = show("motion", frames)
    compensated, energies = show("compensated", frames)
    assert max(float(picture.mean()) for picture in as_they_are) > 8.0
    assert max(float(picture.max()) for picture in compensated) < 3.0  # what rounding leaves
    assert all(float(energy.max()) == 0.0 for energy in energies)


def test_somebody_who_walks_is_shown_alike_by_both_kinds() -> None:
    frames = [person(room(), step) for step in range(8)]
    for one, other in zip(show("motion", frames)[0], show("compensated", frames)[0], strict=True):
        assert torch.equal(one, other)


def test_somebody_who_walks_is_still_seen_while_the_exposure_jumps() -> None:
    frames = [person(room(), step) * (1.0 if step < 4 else 0.7) for step in range(8)]
    steady = [person(room(), step) for step in range(8)]
    jumping, still = show("compensated", frames)[0][4], show("compensated", steady)[0][4]
    where = still > 30.0
    assert where.any()
    assert float(jumping[where].mean()) > 0.5 * float(still[where].mean())
    assert float(jumping[~where].mean()) < 3.0


def test_a_lamp_in_one_corner_and_noise_leave_everything_as_it_is() -> None:
    rng = np.random.default_rng(1)
    frames = []
    for step in range(6):
        frame = room() + rng.normal(0, 6, (SIZE, SIZE, 3)).astype(np.float32)
        frame[:32, :32] *= 1.6 if step % 2 else 1.0
        frames.append(frame)
    for one, other in zip(show("motion", frames)[0], show("compensated", frames)[0], strict=True):
        assert torch.equal(one, other)


def test_streams_of_a_batch_are_compensated_each_for_itself() -> None:
    before, jump, calm = room(), room() * 1.5, room()
    shown = MotionInput(FPS, compensate=True)
    history = torch.zeros(2, 4, SIZE, SIZE, dtype=torch.uint8)
    grey = grey_levels(torch.from_numpy(before.astype(np.uint8)[None])).to(torch.uint8)
    history[:, 0] = grey[:, 0]
    picture, *_ = shown(torch.from_numpy(np.stack([jump, calm]).astype(np.uint8)), history)
    assert float(picture[0].max()) < 3.0
    assert float(picture[1].max()) == 0.0


def test_a_size_that_the_cells_do_not_divide_is_compensated_too() -> None:
    shown = MotionInput(FPS, compensate=True)
    scene = room()[:50, :50]
    history = torch.zeros(1, 4, 50, 50, dtype=torch.uint8)
    _, _, history = shown(torch.from_numpy(scene.astype(np.uint8)[None]), history)
    picture, *_ = shown(torch.from_numpy((scene * 1.5).astype(np.uint8)[None]), history)
    assert float(picture.max()) < 3.0
