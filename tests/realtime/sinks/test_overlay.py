"""Claims about what is drawn."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from actrec.realtime import lettering
from actrec.realtime.overlay import annotate, cells, grid, natural_size
from actrec.realtime.palette import QUIET, label_colours
from actrec.realtime.panels import keys_panel, toast
from actrec.realtime.scene import Scene, SourceView, worth_showing
from actrec.realtime.sources.feed import FeedStatus
from actrec.realtime.timeline import Span, Timeline, draw_strip

if TYPE_CHECKING:
    from .conftest import Maker

SIZES = [(1, 1), (40, 60), (97, 131), (144, 180), (360, 640), (1080, 1920), (700, 200)]


def scene_of(make: Maker, image: np.ndarray | None = None, **other: object) -> Scene:
    event = make.event("update", 2.0, now=5.4)
    scene = Scene(
        name="front door",
        image=make.image() if image is None else image,
        prediction=make.prediction("front door", 0, 5.4, 5.4),
        active=(event,),
        fps_sampled=10.0,
        age_s=0.08,
        now=5.4,
        spans=(Span(0.0, 3.0, "walking", 0.9), Span(3.0, 5.4, "waving", 0.9)),
    )
    return replace(scene, **other)


def luma(image: np.ndarray) -> np.ndarray:
    return image.astype(np.float32).mean(axis=-1)


def test_the_frame_itself_is_never_drawn_on(make: Maker) -> None:
    image = make.image()
    before = image.copy()
    image.flags.writeable = False
    annotate(scene_of(make, image))
    grid([scene_of(make, image)] * 3, (360, 640))
    assert np.array_equal(image, before)


@pytest.mark.parametrize("size_hw", SIZES)
@pytest.mark.parametrize("state", ["opening", "running", "stalled", "reconnecting", "ended", "failed"])
def test_every_size_and_state_can_be_drawn(make: Maker, size_hw: tuple[int, int], state: str) -> None:
    status = FeedStatus(state, "no frame for 2.1 s", (120, 160), 29.97, reconnects=2)  # type: ignore[arg-type]
    picture = annotate(scene_of(make, status=status, too_slow=True), size_hw)
    assert picture.shape == (*size_hw, 3)
    assert picture.dtype == np.uint8


def test_a_small_picture_is_enlarged_so_that_the_words_can_be_read(make: Maker) -> None:
    assert natural_size(scene_of(make, make.image(0, (144, 180)))) == (360, 450)
    assert natural_size(scene_of(make, make.image(0, (721, 1281)))) == (720, 1280)
    assert natural_size(Scene("cam")) == (360, 640)


@pytest.mark.parametrize("shade", [0, 128, 255])
def test_words_stand_out_from_any_background(make: Maker, shade: int) -> None:
    plain = np.full((480, 640, 3), shade, np.uint8)
    picture = luma(annotate(scene_of(make, plain, active=())))
    for words in (picture[8:32, 32:130], picture[400:432, 16:130]):  # the name, the label
        assert words.max() - np.median(words) > 120


def test_the_middle_of_the_picture_is_left_alone(make: Maker) -> None:
    image = make.image(0, (480, 640))
    picture = annotate(scene_of(make, image, active=()))
    assert np.array_equal(picture[100:320], image[100:320])


def test_a_lost_source_is_dimmed_and_says_so(make: Maker) -> None:
    bright = np.full((480, 640, 3), 200, np.uint8)
    lost = FeedStatus("reconnecting", "connection refused, again in 4 s")
    picture = annotate(scene_of(make, bright, status=lost, active=()))
    assert np.median(picture[120:320]) < 120
    assert picture[200:280, 200:440].max() > 200


def test_a_picture_keeps_its_aspect_ratio(make: Maker) -> None:
    bright = np.full((100, 100, 3), 200, np.uint8)
    picture = annotate(Scene("", bright), (400, 800))
    assert picture[200, 210:590].min() == 200
    assert picture[200, :190].max() < 60
    assert picture[200, 610:].max() < 60


def test_every_further_model_has_a_line(make: Maker) -> None:
    plain = np.full((480, 640, 3), 90, np.uint8)
    other = replace(make.prediction("front door", 0, 5.4, 5.4), model="fights@12345678")
    alone = annotate(scene_of(make, plain))
    both = annotate(scene_of(make, plain, others=(other, other)))
    assert alone[350:395, 16:200].max() < 120
    assert both[350:395, 16:200].max() > 150


def test_text_is_cut_where_there_is_no_room_and_drawn_without_truetype_too(
    make: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = "a source with a name that nobody would ever want to read to its very end " * 3
    annotate(scene_of(make, name=long), (200, 200))
    lettering.measure.cache_clear()
    lettering.shorten.cache_clear()
    monkeypatch.setattr(lettering, "_TRUE_TYPE", False)
    picture = luma(annotate(scene_of(make, np.zeros((480, 640, 3), np.uint8), name=long)))
    assert picture[8:32, 32:130].max() > 200
    assert lettering.measure(lettering.shorten(long, 20, 150), 20) <= 150
    lettering.measure.cache_clear()
    lettering.shorten.cache_clear()


def test_a_label_keeps_its_colour_and_no_two_of_a_model_share_one() -> None:
    labels = tuple(f"action {number}" for number in range(12))
    colours = label_colours(labels)
    assert len(set(colours.values())) == 12
    assert label_colours(("waving",))["waving"] == label_colours(("waving", "other"))["waving"]
    assert label_colours(("idle", "waving"), frozenset({"idle"}))["idle"] == QUIET
    assert len(label_colours(tuple(map(str, range(40))))) == 40


@pytest.mark.parametrize("count", [1, 2, 3, 5, 16, 40])
@pytest.mark.parametrize("size_hw", [(720, 1280), (1280, 720), (200, 200)])
def test_the_cells_of_a_grid_never_overlap_and_stay_inside(count: int, size_hw: tuple[int, int]) -> None:
    covered = np.zeros(size_hw, int)
    boxes = cells(count, size_hw)
    for x, y, width, height in boxes:
        assert x + width <= size_hw[1]
        assert y + height <= size_hw[0]
        covered[y : y + height, x : x + width] += 1
    assert len(boxes) == count
    assert covered.max() == 1


def test_four_pictures_stand_two_by_two_and_none_is_a_picture_too(make: Maker) -> None:
    assert {box[:2] for box in cells(4, (720, 1280))} == {(0, 0), (642, 0), (0, 362), (642, 362)}
    assert grid([], (720, 1280)).shape == (720, 1280, 3)


def test_keys_and_messages_fit_into_any_window() -> None:
    for size_hw in SIZES:
        canvas = np.zeros((*size_hw, 3), np.uint8)
        keys_panel(canvas, (("q  Esc", "quit"), ("f", "full screen")))
        toast(canvas, "saved actrec-20260101-000000.jpg")


def test_the_timeline_joins_steps_leaves_holes_and_forgets_after_a_minute() -> None:
    line = Timeline()
    for tenth in range(10):
        line.add(tenth / 10, "waving", 0.5 + tenth / 100)
    line.add(1.0, "walking", 0.9)
    line.add(9.0, "walking", 0.8)
    spans = line.spans(9.0)
    assert [(span.start, span.end, span.label) for span in spans] == [
        (0.0, 0.9, "waving"),
        (0.9, 1.0, "walking"),
        (9.0, 9.0, "walking"),
    ]
    assert spans[0].score == pytest.approx(0.59)
    assert line.spans(66.0) == spans[2:]
    line.add(3.0, "waving", 0.5)
    assert len(line.spans(3.0)) == 1


def test_a_day_of_flicker_keeps_the_timeline_small() -> None:
    line = Timeline()
    for tenth in range(24 * 3600):
        line.add(tenth / 10, "ab"[tenth % 2], 0.5)
    assert len(line.spans(1e9)) == 0
    assert len(line._spans) <= 601


def test_the_strip_shows_a_label_at_its_time() -> None:
    canvas = np.zeros((20, 640, 3), np.uint8)
    spans = (Span(40.0, 50.0, "waving", 0.9), Span(50.0, 60.0, "nothing", 0.9))
    colours = label_colours(("nothing", "waving"), frozenset({"nothing"}))
    draw_strip(canvas, (20, 4, 600, 9), spans, 60.0, colours)
    assert tuple(canvas[4, 20 + 450]) == colours["waving"]
    assert tuple(canvas[8, 20 + 550]) == QUIET
    assert tuple(canvas[4, 20 + 550]) != QUIET
    assert tuple(canvas[8, 20 + 100]) not in colours.values()


def test_the_clock_of_a_live_scene_goes_on_and_that_of_a_file_stands(make: Maker) -> None:
    live, file = SourceView("cam"), SourceView("cam")
    step = make.step(0, 5.0, wall=1.7e9)
    aged = replace(step, frame=replace(step.frame, captured=step.frame.captured - 2.0))
    live.step(aged)
    file.step(make.step(0, 5.0))
    assert live.scene().now == pytest.approx(1.7e9 + 7.0, abs=0.5)
    assert live.scene(aged=False).now == 1.7e9 + 5.0
    assert file.scene().now == 5.0
    assert live.scene().age_s == pytest.approx(2.0, abs=0.5)


def test_dropped_frames_say_that_the_machine_is_too_slow(make: Maker) -> None:
    view = SourceView("cam")
    view.step(make.step(0, 0.0))
    view.status(FeedStatus("running", dropped=0))
    assert not view.scene().too_slow
    view.status(FeedStatus("running", dropped=3))
    assert view.scene().too_slow


def test_an_event_that_ended_without_a_frame_is_no_longer_shown(make: Maker) -> None:
    view = SourceView("cam")
    begun = make.event("new", 1.0, now=1.4)
    view.step(make.step(0, 1.4, active=(begun,)))
    assert view.scene().active == (begun,)
    view.events((make.event("end", 1.0, now=2.0, end=2.0),))
    assert view.scene().active == ()


def test_clips_of_a_folder_that_wait_or_have_ended_are_not_shown() -> None:
    ended = Scene("a", status=FeedStatus("ended"))
    waits = Scene("c", status=FeedStatus("opening", "waits for its turn"))
    now, opens = Scene("b", status=FeedStatus("running")), Scene("d", status=FeedStatus("opening"))
    assert worth_showing([ended, now, waits, opens]) == [now, opens]
    assert worth_showing([ended, ended]) == [ended]
    assert worth_showing([]) == []
