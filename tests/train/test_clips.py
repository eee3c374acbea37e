from pathlib import Path

import cv2
import numpy as np
import pytest

from actrec.models import ConfigError
from actrec.train.clips import Clip, keep_labels, read_clips
from actrec.train.lists import group_in_name, read_hmdb


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def test_a_folder_of_classes_gives_its_videos_with_their_labels(tmp_path: Path) -> None:
    wave, walk = touch(tmp_path / "wave" / "1.mp4"), touch(tmp_path / "walk" / "deep" / "2.AVI")
    touch(tmp_path / "wave" / "notes.txt")
    touch(tmp_path / ".hidden" / "3.mp4")
    assert read_clips(tmp_path) == [Clip(walk, "walk"), Clip(wave, "wave")]


def test_train_val_and_test_folders_fix_the_sides(tmp_path: Path) -> None:
    for side in ("train", "val", "test"):
        touch(tmp_path / side / "wave" / f"{side}.mp4")
    assert {(clip.path.stem, clip.split) for clip in read_clips(tmp_path)} == {
        (s, s) for s in ("train", "val", "test")
    }


def test_a_folder_of_pictures_is_one_clip(tmp_path: Path) -> None:
    sequence = tmp_path / "wave" / "take1"
    sequence.mkdir(parents=True)
    for number in range(3):
        cv2.imwrite(str(sequence / f"{number:03d}.png"), np.zeros((8, 8, 3), np.uint8))
    assert read_clips(tmp_path) == [Clip(sequence, "wave")]


def test_a_manifest_gives_spans_groups_and_can_be_filtered(tmp_path: Path) -> None:
    manifest = tmp_path / "m.csv"
    manifest.write_text(
        "path,label,group,start_s,end_s,set\na.mp4,wave,ann,1.5,3,x\na.mp4,walk,ann,,,x\nb.mp4,wave,bob,,,y\n"
    )
    assert read_clips(manifest, where={"set": "x"}) == [
        Clip(tmp_path / "a.mp4", "wave", "ann", 1.5, 3.0),
        Clip(tmp_path / "a.mp4", "walk", "ann"),
    ]


def recorded(folder: Path, *rows: str) -> Path:
    """A folder as actrec-record leaves it."""
    (folder / "manifest.csv").write_text("path,label,group,seconds\n" + "".join(f"{row}\n" for row in rows))
    for row in rows:
        touch(folder / row.split(",")[0])
    return folder


def test_a_manifest_in_a_folder_of_classes_gives_its_groups_and_spans(tmp_path: Path) -> None:
    rows = ("wave/001.mp4,wave,take-1,3.0", "wave/002.mp4,wave,take-2,3.0", "clap/001.mp4,clap,take-3,3.0")
    told: list[str] = []
    clips = read_clips(recorded(tmp_path, *rows), tell=told.append)
    assert [(clip.label, clip.group) for clip in clips] == [
        ("wave", "take-1"), ("wave", "take-2"), ("clap", "take-3"),
    ]  # fmt: skip
    assert clips == read_clips(tmp_path / "manifest.csv")
    assert told == []
    (tmp_path / "manifest.csv").write_text("path,label,start_s,end_s,set\nwave/001.mp4,clap,1,2,x\n")
    assert read_clips(tmp_path, where={"set": "x"}) == [
        Clip(tmp_path / "wave" / "001.mp4", "clap", None, 1.0, 2.0)
    ]


def test_clips_that_came_or_went_since_the_manifest_are_told_in_one_line_each(tmp_path: Path) -> None:
    recorded(tmp_path, "wave/001.mp4,wave,t1,3", "wave/002.mp4,wave,t2,3", "clap/001.mp4,clap,t3,3")
    (tmp_path / "wave" / "002.mp4").unlink()
    touch(tmp_path / "clap" / "mine.mp4")
    touch(tmp_path / "nod" / "1.mp4")
    told: list[str] = []
    clips = read_clips(tmp_path, tell=told.append)
    assert [(clip.path.name, clip.label, clip.group) for clip in clips] == [
        ("001.mp4", "wave", "t1"), ("001.mp4", "clap", "t3"), ("mine.mp4", "clap", None), ("1.mp4", "nod", None),
    ]  # fmt: skip
    gone, more = told
    assert gone.endswith("manifest.csv: 1 clip in it not there any more, left out: wave/002.mp4")
    assert "2 clips beside it not listed, labelled by folder, without a group: clap/mine.mp4" in more


def test_a_manifest_that_contradicts_a_folder_is_an_error_that_names_both(tmp_path: Path) -> None:
    recorded(tmp_path, "wave/001.mp4,wave,t1,3", "wave/002.mp4,clap,t2,3", "clap/001.mp4,clap,t3,3")
    with pytest.raises(ConfigError, match=r"manifest\.csv: says 'clap' of .*002\.mp4.*folder of 'wave'"):
        read_clips(tmp_path)
    assert len(read_clips(tmp_path / "manifest.csv")) == 3


def test_folders_that_are_no_labels_leave_the_word_to_the_manifest(tmp_path: Path) -> None:
    recorded(tmp_path, "day1/a.mp4,wave,ann,3", "day1/b.mp4,clap,ann,3")
    touch(tmp_path / "day1" / "c.mp4")
    told: list[str] = []
    assert {clip.label for clip in read_clips(tmp_path, tell=told.append)} == {"wave", "clap"}
    assert [line.split(": ", 1)[1] for line in told] == ["1 clip beside it not listed, left out: day1/c.mp4"]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("a.mp4,wave,3,1", "before its start"),
        ("a.mp4,,0,1", "empty"),
        ("a.mp4,wave,nan,1", "want seconds"),
        ("a.mp4,wave,x,1", "want seconds"),
    ],
)
def test_a_bad_row_is_named_by_its_line(tmp_path: Path, row: str, said: str) -> None:
    manifest = tmp_path / "m.csv"
    manifest.write_text(f"path,label,start_s,end_s\nok.mp4,wave,0,1\n{row}\n")
    with pytest.raises(ConfigError, match=f"line 3.*{said}"):
        read_clips(manifest)


def test_ucf101_lists_give_both_sides_and_the_group_in_the_name(tmp_path: Path) -> None:
    (tmp_path / "trainlist01.txt").write_text("Archery/v_Archery_g08_c01.avi 1\n")
    (tmp_path / "testlist01.txt").write_text("Archery/v_Archery_g01_c02.avi\n")
    clips = read_clips(tmp_path / "trainlist01.txt", videos=tmp_path / "UCF-101")
    assert [(c.label, c.group, c.split) for c in clips] == [
        ("Archery", "Archery/g08", "train"),
        ("Archery", "Archery/g01", "test"),
    ]
    assert clips[0].path == tmp_path / "UCF-101" / "Archery" / "v_Archery_g08_c01.avi"


def test_hmdb51_lists_leave_out_what_they_mark_with_0(tmp_path: Path) -> None:
    lists = tmp_path / "testTrainMulti_7030_splits"
    lists.mkdir()
    (lists / "brush_hair_test_split1.txt").write_text(
        "April_09_brush_hair_u_nm_np1_ba_goo_0.avi 1 \n"
        "April_09_brush_hair_u_nm_np1_ba_goo_1.avi 2 \nOther_brush_hair_h_cm_np1_fr_bad_2.avi 0 \n"
    )
    clips = read_clips(lists)
    assert [(c.label, c.group, c.split) for c in clips] == [
        ("brush_hair", "April_09", "train"),
        ("brush_hair", "April_09", "test"),
    ]
    assert read_hmdb(lists, tmp_path / "videos")[0].path.parent == tmp_path / "videos" / "brush_hair"


def test_a_kinetics_list_finds_trimmed_and_whole_files_and_lists_the_lost(tmp_path: Path) -> None:
    touch(tmp_path / "abseiling" / "abc_000010_000020.mp4")
    touch(tmp_path / "whole.mp4")
    (tmp_path / "k.csv").write_text(
        "label,youtube_id,time_start,time_end,split\nabseiling,abc,10,20,train\nabseiling,whole,3,13,validate\nabseiling,gone,0,10,test\n"
    )
    trimmed, whole, gone = read_clips(tmp_path / "k.csv")
    assert (trimmed.start_s, trimmed.end_s, trimmed.group, trimmed.split) == (0.0, None, "abc", "train")
    assert (whole.path.name, whole.start_s, whole.end_s, whole.split) == ("whole.mp4", 3.0, 13.0, "val")
    assert not gone.path.exists()


def test_names_that_are_not_of_a_known_data_set_tell_no_group() -> None:
    assert group_in_name(Path("holiday_walk.mp4"), "walk") is None


def test_no_data_and_unknown_labels_are_config_errors(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file or folder"):
        read_clips(tmp_path / "nothing")
    with pytest.raises(ConfigError, match="no clips in it"):
        read_clips(tmp_path)
    with pytest.raises(ConfigError, match=r"'fly'.*the data has wave"):
        keep_labels([Clip(tmp_path, "wave")], ("fly",))
