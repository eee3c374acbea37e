from pathlib import Path

import pytest

from actrec.models import ConfigError
from actrec.train.clips import Clip
from actrec.train.groups import find_groups
from actrec.train.scan import Seen, scan, unlabelled_gaps
from actrec.train.splits import Splits, group_of, split_clips


def actors(names: str = "abcdefgh", labels: str = "wave walk jump") -> list[Clip]:
    return [Clip(Path(f"{n}_{label}.mp4"), label, n) for n in names for label in labels.split()]


def groups(part: list[Clip]) -> set[str]:
    return {group_of(clip) for clip in part}


def test_no_group_stands_on_two_sides_and_every_label_is_validated() -> None:
    for seed in range(5):
        splits = split_clips(actors(), val_share=0.25, test_share=0.25, seed=seed)
        parts = [groups(part) for part in (splits.train, splits.val, splits.test)]
        assert not parts[0] & parts[1]
        assert not parts[0] & parts[2]
        assert not parts[1] & parts[2]
        assert {clip.label for clip in splits.val} == {"wave", "walk", "jump"}
        assert len(splits.val) == len(splits.test) == 6


def test_named_groups_go_where_they_are_told() -> None:
    splits = split_clips(actors(), val_groups=("c",), test_groups=("a", "b"))
    assert {clip.group for clip in splits.test} == {"a", "b"}
    assert {clip.group for clip in splits.val} == {"c"}


def test_a_group_on_both_sides_is_an_error_that_names_the_files() -> None:
    clips = [
        Clip(Path("x1.mp4"), "wave", "film", split="train"),
        Clip(Path("x2.mp4"), "wave", "film", split="test"),
    ]
    others = [Clip(Path(f"{n}.mp4"), "walk", str(n)) for n in range(4)]
    with pytest.raises(ConfigError, match=r"film.*x1\.mp4 \(train\).*x2\.mp4 \(test\)"):
        split_clips([*clips, *others])


@pytest.mark.parametrize(
    ("clips", "said"),
    [
        (
            [Clip(Path("a.mp4"), "wave"), Clip(Path("b.mp4"), "walk"), Clip(Path("c.mp4"), "walk")],
            "'wave': one clip",
        ),
        ([Clip(Path("a.mp4"), "wave"), Clip(Path("b.mp4"), "wave")], "one label"),
    ],
)
def test_too_little_to_learn_from_is_said(clips: list[Clip], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        split_clips(clips)


def test_an_unknown_group_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"'zoe'.*groups are a, b"):
        split_clips(actors("ab"), test_groups=("zoe",))


def test_clips_cut_from_one_video_are_one_group(tmp_path: Path, draw_clip) -> None:  # type: ignore[no-untyped-def]
    # Seed 1 twice: the same wall and square, once shorter; seeds 2 and 3 are other recordings.
    paths = [
        draw_clip(tmp_path / f"{n}.mp4", "across", seed, s)
        for n, seed, s in [(0, 1, 1.5), (1, 1, 1.0), (2, 2, 1.0), (3, 3, 1.0)]
    ]
    found, kind = find_groups([Clip(path, "wave") for path in paths], scan(paths, workers=0))
    names = [clip.group for clip in found]
    assert kind == "scenes"
    assert names[0] == names[1]
    assert len(set(names)) == 3


def test_a_fixed_camera_still_leaves_something_to_validate_on() -> None:
    clips = [Clip(Path(f"{n}.mp4"), label) for label in ("wave", "walk") for n in range(3)]
    seen = {clip.path: Seen(clip.path, 2.0, (bytes(32),)) for clip in clips}
    found, kind = find_groups(clips, seen)
    assert kind == "recordings"
    assert isinstance(split_clips(found), Splits)


def test_unlabelled_gaps_of_untrimmed_video_become_background() -> None:
    path = Path("long.mp4")
    marked = [
        Clip(path, "wave", "g", 2.0, 4.0),
        Clip(path, "walk", "g", 3.0, 6.0),
        Clip(path, "wave", "g", 6.5, 8.0),
    ]
    gaps = unlabelled_gaps(marked, {path: Seen(path, 12.0)}, "background")
    assert [(gap.start_s, gap.end_s, gap.label, gap.group) for gap in gaps] == [
        (0.0, 2.0, "background", "g"),
        (8.0, 12.0, "background", "g"),
    ]
    assert unlabelled_gaps([Clip(path, "wave", "g")], {path: Seen(path, 12.0)}, "background") == []


def test_unreadable_files_are_listed_and_the_scan_goes_on(tmp_path: Path, draw_clip) -> None:  # type: ignore[no-untyped-def]
    text, good = tmp_path / "text.mp4", draw_clip(tmp_path / "good.mp4", "across", 1)
    text.write_text("no video")
    seen = scan([text, good, tmp_path / "gone.mp4"], workers=0)
    assert "text.mp4" in seen[text].problem
    assert "gone.mp4" in seen[tmp_path / "gone.mp4"].problem
    assert not seen[good].problem
    assert seen[good].duration_s == pytest.approx(1.5, abs=0.1)


def test_labels_that_are_one_take_each_cannot_be_validated_and_the_line_says_how_to_mend_it() -> None:
    clips = [
        Clip(Path(f"{label}{n}.mp4"), label, f"{label}-take1") for label in ("jack", "bend") for n in range(5)
    ]
    with pytest.raises(ConfigError, match=r"bend-take1, jack-take1.*record another take"):
        split_clips(clips)
