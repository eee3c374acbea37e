"""Claims about evaluation as a whole, with a model made by hand that tells bright from dark."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from actrec.models import Bundle, ConfigError
from actrec.realtime.backends import open_backend
from actrec.train.clips import Clip
from actrec.train.evaluation.cli import main
from actrec.train.evaluation.clip_frames import Shot, camera_times, shown_by
from actrec.train.evaluation.joined import FADE_S, JoinedPictures, plan_streams, true_spans
from actrec.train.evaluation.memory import first_held, repeated, switch_times
from actrec.train.evaluation.play import WatchedRecognizer, play
from actrec.train.evaluation.reels import background_reel, make_reels
from actrec.train.evaluation.selection import Wanted, select_clips
from actrec.train.evaluation.spans import Span
from actrec.train.evaluation.stream_report import judge_stream, report_streams

COMMAND = [sys.executable, "-m", "actrec.train.evaluation.cli"]
RAMP = np.tile(np.linspace(0, 40, 64)[None, :, None], (48, 1, 3))


def write_level(path: Path, seconds_and_levels: list[tuple[float, int]], fps: int = 25) -> Path:
    """A video of one picture whose light changes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for seconds, level in seconds_and_levels:
            for _ in range(round(seconds * fps)):
                image = (RAMP + level).astype(np.uint8)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    return path


@pytest.fixture(scope="session")
def levels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A manifest: four bright clips of two groups, four dark ones, a broken one, and an untrimmed video."""
    folder = tmp_path_factory.mktemp("levels")
    rows = ["path,label,group,set,start_s,end_s"]
    for number in range(4):
        write_level(folder / f"bright{number}.mp4", [(2.0 + number / 2, 200)])
        write_level(folder / f"dark{number}.mp4", [(2.0, 10)])
        rows.append(f"bright{number}.mp4,bright,g{number % 2},lamp,,")
        rows.append(f"dark{number}.mp4,dark,g{number % 2},night,,")
    (folder / "broken.mp4").write_text("no video")
    rows.append("broken.mp4,bright,g0,lamp,,")
    write_level(folder / "long.mp4", [(4.0, 10), (3.0, 200), (5.0, 10), (2.0, 200), (4.0, 10)])
    rows += ["long.mp4,bright,g2,long,4.0,7.0", "long.mp4,bright,g2,long,12.0,14.0"]
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n")
    return folder / "manifest.csv"


def test_the_joints_of_a_stream_are_not_given_away(levels: Path, light_model: Bundle) -> None:
    """No cut, no gap and no change of size: the recogniser carries its state through every joint."""
    clips = [(Clip(levels.parent / f"bright{n}.mp4", "bright"), 2.0 + n / 2) for n in range(4)]
    segments = plan_streams(clips, "dark", at_least_s=60.0)[0]
    fades = [before.end_s - after.start_s for before, after in pairwise(segments)]
    assert min(fades) > 0.0
    assert max(fades) <= FADE_S + 1e-9
    pictures = JoinedPictures(segments, light_model.spec)
    recognizer = WatchedRecognizer(light_model)
    played = play("joined", pictures.read, recognizer)
    assert played.breaks == 0
    np.testing.assert_allclose(np.diff(played.times), 0.1, atol=0.021)


def test_a_joined_stream_shows_every_clip_and_says_where(levels: Path) -> None:
    clips = [(Clip(Path(f"{label}{n}"), label), 1.5 + n) for n in range(3) for label in ("jump", "wave")]
    streams = plan_streams(clips, "idle", seed=3, stream_s=20.0)
    shown = {segment.clip for segments in streams for segment in segments if segment.label}
    assert shown == {clip for clip, _ in clips}
    for segments in streams:
        truth = true_spans(segments)
        assert {span.label for span in truth} <= {"jump", "wave"}
        assert all(a.end_s <= b.start_s + 1e-9 for a, b in pairwise(truth))
        # A short clip is shown again until it has lasted.
        assert all(span.end_s - span.start_s > 3.0 for span in truth)


def test_background_clips_fill_the_stretches_without_action() -> None:
    clips = [(Clip(Path("wave"), "wave"), 5.0), (Clip(Path("room"), "idle"), 6.0)]
    segments = [s for stream in plan_streams(clips, "idle", at_least_s=120.0) for s in stream]
    idle = [segment for segment in segments if segment.label is None]
    assert idle
    assert all(s.clip.label == "idle" and s.material == "clip" for s in idle)
    only = plan_streams(clips[1:], "idle")
    assert true_spans(only[0]) == ()


def test_an_untrimmed_video_is_judged_at_its_true_times(levels: Path, light_model: Bundle) -> None:
    clips = [Clip(levels.parent / "long.mp4", "bright", None, a, b) for a, b in ((4.0, 7.0), (12.0, 14.0))]
    reels, unreadable = make_reels(clips, [], light_model.spec)
    assert not unreadable
    assert [reel.kind for reel in reels] == ["untrimmed"]
    played = play(reels[0].name, reels[0].read, WatchedRecognizer(light_model))
    judged = judge_stream(reels[0], played, light_model.spec.labels)
    assert judged.truth == (Span(4.0, 7.0, "bright"), Span(12.0, 14.0, "bright"))
    report = report_streams([judged], light_model.spec)
    assert report.hours * 3600 == pytest.approx(18.0, abs=0.2)
    # At a change the model sees the mean of two frames, which is just dark: one step late up, none late down.
    assert report.frame_accuracy > 0.97
    assert report.events[0.5].f1 == 1.0
    assert report.found == report.spans == 2
    assert report.median_delay_s == pytest.approx(0.44, abs=0.1)
    assert report.flips_per_min == 0.0
    assert report.alarms.on_background == 0
    assert report.start_ap[1] == 1.0
    assert report.calibrated_map > 0.97


def test_spans_of_labels_that_are_not_judged_count_neither_way(levels: Path, light_model: Bundle) -> None:
    path = levels.parent / "long.mp4"
    first, second = Clip(path, "bright", None, 4.0, 7.0), Clip(path, "lightning", None, 12.0, 14.0)
    reels, _ = make_reels([first], [second], light_model.spec)
    judged = judge_stream(
        reels[0], play("long", reels[0].read, WatchedRecognizer(light_model)), light_model.spec.labels
    )
    report = report_streams([judged], light_model.spec)
    assert (report.alarms.right, report.alarms.confused, report.alarms.on_background) == (1, 0, 0)
    assert (report.events[0.5].hits, report.events[0.5].false) == (1, 0)
    assert report.start_ap[1] == 1.0
    assert report.alarms.background_h * 3600 == pytest.approx(18 - 3 - 2, abs=0.2)
    assert judged.counts.sum() == pytest.approx(160, abs=2)


def test_every_event_on_a_background_recording_is_a_false_alarm(levels: Path, light_model: Bundle) -> None:
    reel = background_reel(levels.parent / "long.mp4")
    judged = judge_stream(
        reel, play(reel.name, reel.read, WatchedRecognizer(light_model)), light_model.spec.labels
    )
    report = report_streams([judged], light_model.spec)
    assert report.alarms.on_background == 2
    assert report.alarms.per_hour == pytest.approx(2 / (18 / 3600), rel=0.02)
    assert report.spans == 0
    assert np.isnan(report.frame_map)


def test_a_camera_sends_the_newest_picture_it_has() -> None:
    images = np.arange(25, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 3), np.uint8)
    shot = Shot(np.arange(25) / 25, images, 1.0)
    for fps, wanted in ((10.0, [0, 2, 5, 7, 10, 12, 15, 17, 20, 22]), (5.0, [0, 5, 10, 15, 20])):
        assert [int(p.convert()[0, 0, 0]) for p in shown_by(shot, fps)] == wanted
    assert len(list(shown_by(shot, 60.0))) == 60


def test_a_variable_rate_drops_and_jitters_but_never_runs_backwards() -> None:
    times = camera_times("vfr", 60.0, seed=1)
    steps = np.diff(times)
    assert times[0] == 0.0
    assert steps.min() > 0.0
    assert 20.0 < len(times) / 60.0 < 28.0
    assert steps.max() > 0.06


def test_a_head_without_memory_switches_at_once_after_any_time(light_model: Bundle) -> None:
    backend = open_backend(light_model)
    dark, bright = np.zeros((7, 1), np.float32), np.ones((9, 1), np.float32)
    switches = switch_times([(0, dark), (1, bright)], [(0, dark), (1, bright)], backend, (1.0, 60.0, 3600.0))
    assert [(s.mean_s, s.never, s.pairs) for s in switches] == [(pytest.approx(0.1), 0, 2)] * 3


def test_a_held_label_begins_where_it_begins_to_hold() -> None:
    top = np.array([False, True, False, True, True, True])
    assert first_held(top, 3) == 3
    assert first_held(top, 4) is None
    assert repeated(np.array([[0.0], [1.0], [2.0]], np.float32), 4, 4)[:, 0].tolist() == [1, 2, 0, 1]


def test_clips_are_chosen_by_group_and_label(levels: Path, light_model: Bundle) -> None:
    spec = light_model.spec
    chosen = select_clips(Wanted(levels, where={"set": "lamp"}, groups=("g0",)), spec)
    assert [clip.path.name for clip in chosen.judged] == ["bright0.mp4", "bright2.mp4", "broken.mp4"]
    assert [clip.path.name for clip in chosen.others] == ["bright1.mp4", "bright3.mp4"]
    assert set(chosen.sources.values()) == {"lamp", "night", "long"}
    for wanted, message in (
        (Wanted(levels, groups=("g9",)), "group 'g9': no clip has it"),
        (Wanted(levels, labels=("blue",)), "label 'blue': no clip has it"),
        (Wanted(levels, rename={"dark": "night"}), "--rename night=LABEL"),
        (Wanted(levels, split="val"), "no clip for split 'val'"),
    ):
        with pytest.raises(ConfigError, match=message):
            select_clips(wanted, spec)


def evaluate(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=240, check=False
    )


def test_the_command_writes_tables_json_pictures_and_a_page(
    levels: Path, light_model: Bundle, tmp_path: Path
) -> None:
    done = evaluate(
        "--model", light_model.folder, "--data", levels, "--stream", "--minutes", "1", "--false-alarms", "60",
        "--json", tmp_path / "found.json", "--report", tmp_path / "page",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "broken.mp4" in done.stderr
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["schema"] == "actrec.evaluation/1"
    # The long video's spans are clips too; the broken one is listed, not counted.
    assert found["clips"]["clips"] == 10
    assert found["clips"]["top1"] == 1.0
    assert found["clips"]["sources"]["night"]["top1"] == 1.0
    assert found["clips"]["unreadable"]
    assert found["clips"]["matrix"] == [[4, 0], [0, 6]]
    assert found["stream"]["kinds"] == {"joined": 1, "untrimmed": 1}
    assert found["stream"]["breaks"] == 0
    assert found["stream"]["events"]["0.5"]["f1"] > 0.9
    assert {name for name, camera in found["cameras"].items() if camera["top1"] == 1.0} == {
        "10", "15", "25", "30", "60", "vfr",
    }  # fmt: skip
    assert [s["mean_s"] for s in found["switch"]] == [pytest.approx(0.1)] * 4
    assert found["rules"]["bright"]["rule"]["enter"] == 0.5
    page = (tmp_path / "page" / "report.md").read_text()
    for name in ("confusion.png", "precision-recall-frames.png", "timeline-1.png", "timeline-2.png"):
        assert f"({name})" in page
        assert (tmp_path / "page" / name).stat().st_size > 5000
    assert "per-frame mAP" in done.stdout
    assert "after another activity" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "nobody", "--data", "."], "not a shipped model"),
        (["--model", "LIGHT"], "--data: not given"),
        (["--model", "LIGHT", "--data", "/nowhere"], "no such file or folder"),
        (["--model", "LIGHT", "--data", "LEVELS", "--where", "set"], "want NAME=VALUE"),
        (["--model", "LIGHT", "--data", "LEVELS", "--false-alarms", "1"], "add --stream"),
        (["--model", "LIGHT", "--data", "LEVELS", "--stream", "--background", "/no.mp4"], "no such file"),
        (["--model", "LIGHT", "--data", "LEVELS", "--json", "/nowhere/a.json"], "no folder /nowhere"),
        (["--model", "LIGHT", "--data", "LEVELS", "--json", "/tmp"], "is a folder"),
        (["--model", "LIGHT", "--data", "LEVELS", "--report", "LEVELS"], "is a file"),
    ],
)
def test_bad_usage_is_one_line(
    arguments: list[str],
    message: str,
    levels: Path,
    light_model: Bundle,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    places = {"LIGHT": str(light_model.folder), "LEVELS": str(levels)}
    monkeypatch.setattr(sys, "argv", ["actrec-eval", *(places.get(word, word) for word in arguments)])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2
    said = capsys.readouterr().err
    assert message in said
    assert len(said.strip().splitlines()) == 1


def test_judging_a_bundle_needs_no_torch(levels: Path, light_model: Bundle) -> None:
    code = (
        "import sys; from actrec.train.evaluation import evaluate, page, cli, selection, subject\n"
        "from actrec.models import load_bundle\n"
        f"bundle = load_bundle({str(light_model.folder)!r})\n"
        "wanted = selection.Wanted(__import__('pathlib').Path(sys.argv[1]), where={'set': 'lamp'})\n"
        "chosen = selection.select_clips(wanted, bundle.spec)\n"
        "wishes = evaluate.Wishes(stream=True, minutes=0, sweep=False)\n"
        "print(evaluate.evaluate(bundle, wanted.data, chosen, wishes).clips.figures.top1, 'torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(levels)], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.split() == ["1.0", "False"]


def test_the_shipped_model_names_the_clips_of_actors_it_has_never_seen(
    weizmann_test_clips: list[tuple[Path, str]], shared_data: Path, tmp_path: Path
) -> None:
    assert len(weizmann_test_clips) == 20
    done = evaluate(
        "--model", "weizmann", "--data", shared_data / "manifest.csv", "--where", "set=weizmann",
        "--groups", "ido,shahar", "--no-single-frame", "--json", tmp_path / "found.json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    clips = json.loads((tmp_path / "found.json").read_text())["clips"]
    assert clips["clips"] == 20
    assert clips["top1"] >= 0.9
    assert clips["event_top1"] >= 0.75
    assert set(clips["groups"]) == {"ido", "shahar"}
