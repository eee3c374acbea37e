import threading
from pathlib import Path

import numpy as np
import pytest

from actrec.models import SourceError, prepare
from actrec.realtime.sampler import Sampler
from actrec.realtime.sources.files import read_video
from actrec.train.augment import Recipe, draw_recipe, pick_frames
from actrec.train.cache import Cache
from actrec.train.decode import read_span
from actrec.train.views import IDLE_KINDS, Shape, View, content_key, make_views, view_key

SHAPE = Shape(10.0, 32, "squash")


def test_the_plain_view_holds_just_the_frames_that_the_live_run_prepares(tmp_path: Path, draw_clip) -> None:  # type: ignore[no-untyped-def]
    path = draw_clip(tmp_path / "c.mp4", "across", 3, seconds=2.0, fps=25)
    sampler = Sampler(SHAPE.fps)
    live = [
        prepare(picture.convert(), SHAPE) for picture in read_video(path) if sampler.due(picture.media_time)
    ]
    (plain,) = make_views(path, 0.0, None, [View()], SHAPE)
    assert len(plain) == 21  # the nearest to each tenth of a second, and one for 2.0 s
    assert np.array_equal(plain, np.stack(live))


def test_a_span_late_in_a_video_is_found_by_seeking_and_is_the_same(tmp_path: Path, draw_clip) -> None:  # type: ignore[no-untyped-def]
    path = draw_clip(tmp_path / "long.mp4", "across", 3, seconds=14.0)
    whole = read_span(path, size=32)
    late = read_span(path, 12.0, 13.0, size=32)
    inside = (whole.times >= 12.0 - 1e-6) & (whole.times < 13.0 - 1e-6)
    assert len(late.images) == 20
    assert np.allclose(late.times, whole.times[inside] - 12.0)
    assert np.array_equal(late.images[7], whole.images[int(np.flatnonzero(inside)[7])])


def test_a_view_is_the_same_every_time_and_another_seed_is_another_view(tmp_path: Path, draw_clip) -> None:  # type: ignore[no-untyped-def]
    path = draw_clip(tmp_path / "c.mp4", "across", 3)
    views = [
        View("altered", 1),
        View("altered", 1),
        View("altered", 2),
        *(View(kind, 5) for kind in IDLE_KINDS),
    ]
    frames = make_views(path, 0.0, None, views, SHAPE)
    assert np.array_equal(frames[0], frames[1])
    assert frames[0].shape != frames[2].shape or not np.array_equal(frames[0], frames[2])
    assert all(array.dtype == np.uint8 and array.shape[1:] == (32, 32, 3) and len(array) for array in frames)
    again = make_views(path, 0.0, None, views[3:], SHAPE)
    assert all(np.array_equal(one, other) for one, other in zip(frames[3:], again, strict=True))


def test_in_an_idle_view_nothing_moves_but_noise_and_light(tmp_path: Path, draw_clip) -> None:  # type: ignore[no-untyped-def]
    path = draw_clip(tmp_path / "c.mp4", "across", 3)
    (plain,) = make_views(path, 0.0, None, [View()], SHAPE)
    still = make_views(
        path, 0.0, None, [View(kind, seed) for kind in ("still", "empty") for seed in range(4)], SHAPE
    )
    moved = np.abs(np.diff(plain.astype(int), axis=0)).max(axis=(1, 2, 3)).min()
    for frames in still:
        steps = np.median(np.abs(np.diff(frames.astype(int), axis=0)), axis=(1, 2, 3))
        assert np.median(steps) < moved / 4


@pytest.mark.parametrize("camera_fps", [10.0, 12.5, 15.0, 25.0, 30.0])
def test_a_played_camera_gives_the_steps_that_a_real_one_would(camera_fps: float) -> None:
    times = np.arange(0, 10, 1 / 60)
    picked = pick_frames(times, 10.0, Recipe(camera_fps=camera_fps), np.random.default_rng(0))
    steps = np.diff(times[picked])
    assert len(picked) == pytest.approx(100, abs=2)
    assert steps.max() <= 1 / camera_fps + 0.1 + 1e-3
    if camera_fps in (15.0, 25.0):  # not a multiple of 10, so the steps are uneven, as they are live
        assert steps.max() - steps.min() > 0.02


def test_faster_playing_gives_fewer_frames_and_lost_ones_are_lost() -> None:
    times, rng = np.arange(0, 4, 1 / 30), np.random.default_rng(0)
    assert len(pick_frames(times, 10.0, Recipe(), rng)) == 41
    assert len(pick_frames(times, 10.0, Recipe(speed=2.0), rng)) == 21
    assert len(pick_frames(times, 10.0, Recipe(camera_fps=10.0, drop=0.5), rng)) < 30


def test_every_drawn_recipe_keeps_the_order_of_time() -> None:
    rng = np.random.default_rng(1)
    times = np.arange(0, 2, 1 / 25)
    for _ in range(100):
        picked = pick_frames(times, 10.0, draw_recipe(rng), rng)
        assert picked == sorted(picked)
        assert 0 <= picked[0] <= picked[-1] < len(times)


def test_a_folder_of_pictures_reads_as_a_video(tmp_path: Path) -> None:
    import cv2

    for number in range(10):
        cv2.imwrite(str(tmp_path / f"{number:03d}.png"), np.full((8, 8, 3), number * 20, np.uint8))
    recording = read_span(tmp_path, size=8)
    assert np.allclose(recording.times, np.arange(10) / 25)
    assert [int(image[0, 0, 0]) for image in recording.images] == [number * 20 for number in range(10)]


def test_what_is_no_video_or_holds_no_frame_in_the_span_is_a_source_error(tmp_path: Path, draw_clip) -> None:  # type: ignore[no-untyped-def]
    text = tmp_path / "text.mp4"
    text.write_text("no video")
    with pytest.raises(SourceError, match=r"text\.mp4"):
        read_span(text, size=32)
    with pytest.raises(SourceError, match="no frame between"):
        read_span(draw_clip(tmp_path / "c.mp4", "across", 3), 5.0, 6.0, size=32)


def test_keys_follow_content_span_view_and_shape_and_not_the_name(tmp_path: Path) -> None:
    one, copy, other = tmp_path / "one", tmp_path / "copy", tmp_path / "other"
    one.write_bytes(b"abc")
    copy.write_bytes(b"abc")
    other.write_bytes(b"abd")
    assert content_key(one) == content_key(copy) != content_key(other)
    keys = {
        view_key("c", 0.0, None, View(), SHAPE),
        view_key("d", 0.0, None, View(), SHAPE),
        view_key("c", 1.0, None, View(), SHAPE),
        view_key("c", 0.0, None, View("altered", 1), SHAPE),
        view_key("c", 0.0, None, View(), Shape(12.0, 32, "squash")),
    }
    assert len(keys) == 5


def test_the_cache_survives_damage_and_many_writers(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    array = np.arange(12, dtype=np.float16).reshape(3, 4)
    assert cache.load("ab12") is None
    writers = [threading.Thread(target=cache.save, args=("ab12", array)) for _ in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert np.array_equal(cache.load("ab12"), array)  # type: ignore[arg-type]
    next(tmp_path.rglob("*.npy")).write_bytes(b"\x93NUMPY cut off")
    assert cache.load("ab12") is None
    assert not list(tmp_path.rglob("*.part"))
