from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from actrec.train.augment import Recipe, alter, draw_recipe
from actrec.train.background import empty_scene, is_static, moving_share, swap_background
from actrec.train.decode import Recording, read_span
from actrec.train.views import Shape, View, make_views


def grey(images: list[NDArray[np.uint8]]) -> NDArray[np.float32]:
    return np.stack(images).astype(np.float32).mean(axis=3)


@pytest.fixture(scope="module")
def runner(shared_data: Path) -> list[NDArray[np.uint8]]:
    """Somebody who runs along a wall, before a camera that stands still."""
    return read_span(shared_data / "weizmann" / "run" / "daria_run.mp4", size=128).images


def test_another_wall_stands_behind_a_real_runner_who_is_kept(runner: list[NDArray[np.uint8]]) -> None:
    scene = empty_scene(runner)
    for seed in range(4):  # drawn walls, and the scene turned over
        swapped = swap_background(runner, np.random.default_rng(seed))
        for before, after in list(zip(runner, swapped, strict=True))[5:-5:8]:
            share = moving_share(before, scene)
            assert 0.01 < (share > 0.5).mean() < 0.25
            assert np.array_equal(before[share == 1.0], after[share == 1.0])
            changed = np.abs(before.astype(int) - after).max(axis=2)[share == 0.0]
            assert np.median(changed) > 10


def test_behind_the_people_nothing_moves_after_the_swap(runner: list[NDArray[np.uint8]]) -> None:
    swapped = swap_background(runner, np.random.default_rng(0))
    scene = empty_scene(runner)
    quiet = np.max([moving_share(image, scene) for image in runner], axis=0) == 0.0
    assert quiet.mean() > 0.2
    assert (np.diff(grey(swapped), axis=0)[:, quiet] == 0).all()


def test_of_a_moving_camera_nothing_is_swapped() -> None:
    wall = np.random.default_rng(0).integers(0, 256, (48, 200, 3), np.uint8)
    panned = [wall[:, step * 4 : step * 4 + 64] for step in range(20)]
    assert not is_static(panned, empty_scene(panned))
    swapped = swap_background(panned, np.random.default_rng(0))
    assert all(np.array_equal(one, other) for one, other in zip(panned, swapped, strict=True))


def test_a_swapped_view_is_the_same_every_time_and_only_made_when_asked_for(
    tmp_path: Path, draw_clip
) -> None:  # type: ignore[no-untyped-def]
    path = draw_clip(tmp_path / "c.mp4", "across", 3)
    shape = Shape(10.0, 32, "squash")
    views = [View("altered", 1), View("altered", 1, swap=0.99), View("altered", 1, swap=0.99)]
    plain, one, two = make_views(path, 0.0, None, views, shape)
    assert np.array_equal(one, two)
    assert not np.array_equal(plain, one)
    rng = np.random.default_rng(0)
    assert not any(draw_recipe(rng).swap for _ in range(50))
    assert 15 <= sum(draw_recipe(rng, swap=0.5).swap for _ in range(50)) <= 35


def test_sensor_noise_is_new_in_every_frame_and_as_strong_as_told() -> None:
    flat = np.full((48, 64, 3), 128, np.uint8)
    recording = Recording([flat] * 12, np.arange(12) / 10)
    noisy = alter(recording, list(range(12)), Recipe(noise=4.0), 32, np.random.default_rng(0))
    stack = np.stack(noisy).astype(float)
    assert stack.std() == pytest.approx(4.0, rel=0.05)
    assert np.diff(stack, axis=0).std(axis=(1, 2, 3)) == pytest.approx(4.0 * 2**0.5, rel=0.1)
