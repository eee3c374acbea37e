"""Claims about which int8 encoder is taken: proved first, then judged on clips that the training did not see."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import onnx
import pytest
import torch

from actrec.export import choose, parity
from actrec.export.accuracy import MOST_CLIPS, Named, count_named, divide_as_trained, held_out
from actrec.export.choose import Choice, Variant, choose_int8
from actrec.export.frames import drawn_stream, task_clips
from actrec.export.parity import Parity
from actrec.export.run import Wish, run_export
from actrec.models import Bundle, ModelError, load_bundle
from actrec.train.clips import Clip

from .conftest import LABELS, save_run

GOOD = Parity(100, False, 0.3, 0.3, 1.0, 0.0, 0.0, 0.99, 5, False, 0.1, 0.1)
BAD = Parity(100, False, 0.9, 0.9, 1.0, 0.0, 0.0, 0.97, 5, False, 0.1, 0.1)


def variants(*told: tuple[Parity, int | None], clips: int = 50) -> Iterator[Variant]:
    for number, (proof, right) in enumerate(told):
        named = None if right is None else Named(right, clips)
        yield Variant((number, 0), onnx.ModelProto(), {"onnx": proof}, named)


def choice(*told: tuple[Parity, int | None], exact: int | None = 48) -> Choice:
    return choose_int8(variants(*told), None if exact is None else Named(exact, 50))


def test_the_first_variant_that_is_proved_and_names_as_many_clips_is_taken() -> None:
    taken = choice((BAD, None), (GOOD, 40), (GOOD, 48), (GOOD, 50))
    assert taken.variant.keep == (2, 0)
    assert taken.default
    assert "validation clips named: int8 48 of 50 (96.0%), fp32 48 of 50 (96.0%)" in taken.said
    assert choice((GOOD, 49)).default, "more than fp32 is no fault"


def test_a_point_less_is_within_and_more_is_not() -> None:
    exact = Named(198, 200)
    assert choose_int8(variants((GOOD, 196), clips=200), exact).default
    assert not choose_int8(variants((GOOD, 195), clips=200), exact).default


def test_if_none_is_within_a_point_the_best_is_kept_and_fp32_stays_the_default() -> None:
    taken = choice((GOOD, 40), (BAD, None), (GOOD, 45), (GOOD, 44))
    assert taken.variant.keep == (2, 0)
    assert not taken.default
    assert taken.said.endswith(
        "int8 45 of 50 (90.0%), fp32 48 of 50 (96.0%): more than a point less, so fp32 stays the default"
    )


def test_without_held_out_clips_agreement_decides_and_the_line_says_so() -> None:
    taken = choice((BAD, None), (GOOD, None), (GOOD, None), exact=None)
    assert taken.variant.keep == (1, 0)
    assert taken.default
    assert "no labelled validation clips here, so chosen by its agreement with fp32 alone" in taken.said


def test_if_no_variant_is_proved_the_error_has_the_figure() -> None:
    with pytest.raises(ModelError, match=r"int8 in onnx: the same label on 97.0% of 100 steps, want 98%"):
        choice((BAD, None), (BAD, None))


def test_held_out_clips_are_those_of_validation_each_label_as_often_as_it_can_be() -> None:
    clips = [Clip(Path(f"walk{n}"), "walk", split="val") for n in range(100)]
    clips += [Clip(Path(f"wave{n}"), "wave", split="val") for n in range(10)]
    clips += [Clip(Path(f"seen{n}"), "wave", split="train") for n in range(9)]
    clips += [Clip(Path(f"test{n}"), "wave", split="test") for n in range(9)]
    clips += [Clip(Path("jump"), "jump", split="val"), Clip(Path("free"), "walk")]
    taken = held_out(clips, LABELS)
    assert len(taken) == MOST_CLIPS == len(set(taken))
    assert {clip.split for clip in taken} == {"val"}
    assert sum(clip.label == "wave" for clip in taken) == 10
    assert taken == held_out(clips, LABELS)
    assert held_out(clips[:1], LABELS) == clips[:1]


def test_the_shipped_int8_encoder_names_unseen_actors_as_fp32_does(
    weizmann_test_clips: list[tuple[Path, str]],
) -> None:
    bundle = load_bundle("weizmann")
    clips = [Clip(path, label) for path, label in weizmann_test_clips[::2]]
    exact, small = count_named(bundle, "fp32", clips), count_named(bundle, "int8", clips)
    assert exact is not None
    assert small is not None
    assert exact.clips == small.clips == 10
    assert exact.right >= 9
    assert abs(exact.right - small.right) <= 1


def test_clips_that_cannot_be_read_are_not_counted(light_model: Bundle, tmp_path: Path) -> None:
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    label = light_model.spec.labels[0]
    assert count_named(light_model, "fp32", [Clip(tmp_path / "broken.mp4", label)]) is None


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose option `val_share` drew what is held out, and the clips that it names."""
    folder = tmp_path_factory.mktemp("task")
    frames = drawn_stream(48, 120)
    for number in range(6):
        for label, order in (("walk", 1), ("wave", -1)):
            path = folder / "clips" / label / f"{label}{number}.mp4"
            path.parent.mkdir(parents=True, exist_ok=True)
            with av.open(str(path), "w") as container:
                video = container.add_stream("mpeg4", rate=10)
                video.width = video.height = 48
                video.pix_fmt = "yuv420p"
                for frame in np.roll(frames[20 * number : 20 * number + 20], 7 * number, axis=1)[::order]:
                    container.mux(video.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
                container.mux(video.encode())
    run, _ = save_run(folder / "run")
    saved = torch.load(run / "best.ckpt", weights_only=True)
    saved["rule"] = {"enter": 1.0, "leave": 1.0}  # an event near a threshold would be this network's noise
    torch.save(saved, run / "best.ckpt")
    (run / "run.yaml").write_text(f"data: {folder / 'clips'}\nout: {run}\nval_share: 0.34\nworkers: 0\n")
    return run


def test_what_the_run_drew_for_validation_is_held_out_and_the_run_folder_left_alone(task: Path) -> None:
    clips = task_clips(task, None)
    assert not held_out(clips, LABELS)
    before = sorted(task.iterdir())
    divided = divide_as_trained(task, clips)
    taken = held_out(divided, LABELS)
    assert {clip.label for clip in taken} == {"walk", "wave"}
    assert 2 <= len(taken) < len(clips)
    assert sorted(task.iterdir()) == before
    assert divide_as_trained(task, divided) is divided
    assert divide_as_trained(task.parent, clips) is clips


@pytest.mark.parametrize("within", [1.0, -2.0])
def test_an_export_says_both_accuracies_and_makes_int8_the_default_only_if_it_is_as_good(
    task: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    within: float,
) -> None:
    monkeypatch.setattr(parity, "AGREEMENT", 0.0)  # a network that knows nothing has no labels to agree on
    monkeypatch.setattr(choose, "WITHIN", within)
    bundle = run_export(task, tmp_path / "small", Wish(("onnx",), int8=True, verify=24), "small")
    said = capsys.readouterr().out
    assert {"encoder.onnx", "encoder.int8.onnx"} <= set(bundle.spec.files)
    assert bundle.spec.precision == ("int8" if within > 0 else "fp32")
    assert ("fp32 stays the default" in said) == (within < 0)
    clips = held_out(divide_as_trained(task, task_clips(task, None)), LABELS)
    for precision in ("int8", "fp32"):
        assert f"{precision} {count_named(bundle, precision, clips)}" in said
