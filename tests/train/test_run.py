"""`actrec-train` from a folder of clips to a run folder, on small videos that are drawn on the spot."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml

from actrec.train.cli import main
from actrec.train.history import read_rows
from actrec.train.keep import LAST
from actrec.train.network import load_network

QUICK = ["--size", "32", "--epochs", "3", "--passes", "1", "--streams", "4", "--chunk", "16", "--hidden", "16",
         "--workers", "0", "--threads", "1", "--device", "cpu"]  # fmt: skip


def train(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["actrec-train", *map(str, arguments)])
    with pytest.raises(SystemExit) as left:
        main()
    assert isinstance(left.value.code, int)
    return left.value.code


@pytest.fixture(scope="module")
def run_folder(two_classes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "first"
    (two_classes / "across" / "broken.mp4").write_text("no video")
    with pytest.MonkeyPatch.context() as patch:
        assert train(patch, "--data", two_classes, "--out", out, "--cache", out.parent / "cache", *QUICK) == 0
    (two_classes / "across" / "broken.mp4").unlink()
    return out


def test_a_run_leaves_checkpoints_log_pictures_and_metrics(run_folder: Path) -> None:
    network, saved = load_network(run_folder / "best.ckpt")
    assert network.config.labels == ("across", "updown", "background")
    assert set(saved["rules"]) == {"across", "updown"}
    assert 0.25 <= saved["temperature"] <= 4.0
    assert "5 clips" not in saved["training_data"]
    load_network(run_folder / "last.ckpt")
    rows = read_rows(run_folder / "log.csv")
    assert [row["epoch"] for row in rows] == [0, 1, 2, 3]
    wanted = {
        f"{side}_{name}"
        for side in ("train", "val")
        for name in ("loss", "accuracy", "precision", "recall", "f1")
    }
    assert wanted <= set(rows[0])
    assert {"val_clip_accuracy", "val_single_frame_clip_accuracy"} <= set(
        json.loads((run_folder / "metrics.json").read_text())
    )
    for picture in ("curves.png", "confusion.png", "confusion-frames.png"):
        assert (run_folder / picture).stat().st_size > 5000


def test_the_best_epoch_is_never_below_the_single_frame_on_validation(run_folder: Path) -> None:
    rows = read_rows(run_folder / "log.csv")
    best = torch.load(run_folder / "best.ckpt", weights_only=True)["score"]
    assert best >= rows[0]["val_score"] - 1e-6
    assert best == pytest.approx(max(row["val_score"] for row in rows), abs=1e-5)


def test_the_head_begins_as_the_single_frame(
    run_folder: Path, two_classes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("--data", two_classes, "--out", tmp_path / "run", "--cache", run_folder.parent / "cache")
    assert train(monkeypatch, *arguments, *QUICK, "--epochs", "1", "--rate", "1e-12") == 0
    network, _ = load_network(tmp_path / "run" / LAST)
    assert float(network.head.past.weight.detach().abs().max()) < 1e-8
    start, end = read_rows(tmp_path / "run" / "log.csv")
    assert end["val_loss"] == pytest.approx(start["val_loss"], rel=1e-4)
    others = ("--epochs", "1", "--rate", "1e-12", "--no-from-frame")
    assert train(monkeypatch, *arguments, *QUICK, *others) == 0
    network, _ = load_network(tmp_path / "run" / LAST)
    assert float(network.head.past.weight.detach().abs().max()) > 1e-3


def test_an_unreadable_clip_is_listed_and_the_run_goes_on(run_folder: Path) -> None:
    assert "broken.mp4" in (run_folder / "unreadable.txt").read_text()


def test_the_written_config_rebuilds_the_run(
    run_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = yaml.safe_load((run_folder / "run.yaml").read_text())
    assert written["epochs"] == 3
    assert written["smoothing"] == 0.1
    assert train(monkeypatch, "--config", run_folder / "run.yaml", "--out", tmp_path / "again") == 0
    first, again = (
        torch.load(folder / "best.ckpt", weights_only=True) for folder in (run_folder, tmp_path / "again")
    )
    for name, tensor in first["weights"].items():
        assert torch.equal(tensor, again["weights"][name]), name
    assert (run_folder / "log.csv").read_text() == (tmp_path / "again" / "log.csv").read_text()


def test_a_new_head_on_the_encoder_of_a_run(
    run_folder: Path, two_classes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = (
        "--data",
        two_classes,
        "--out",
        tmp_path / "mine",
        "--init",
        run_folder,
        "--background",
        "off",
    )
    assert train(monkeypatch, *arguments, "--cache", tmp_path, "--cell", "lstm", *QUICK[2:]) == 0
    before, _ = load_network(run_folder / "best.ckpt")
    after, _ = load_network(tmp_path / "mine" / "best.ckpt")
    assert (after.config.size, after.config.cell, after.config.background) == (32, "lstm", None)
    for name, tensor in before.encoder.state_dict().items():
        assert torch.equal(tensor, after.encoder.state_dict()[name])


def test_two_processes_fit_together_and_one_of_them_writes(two_classes: Path, tmp_path: Path) -> None:
    arguments = ["--data", two_classes, "--out", tmp_path / "run", "--cache", tmp_path / "cache", *QUICK]
    done = subprocess.run(
        [sys.executable, "-m", "actrec.train", *map(str, arguments), "--devices", "2"],
        capture_output=True, text=True, timeout=180, check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stderr.count("validation clips named:") == 1
    assert [row["epoch"] for row in read_rows(tmp_path / "run" / "log.csv")] == [0, 1, 2, 3]
    load_network(tmp_path / "run" / "best.ckpt")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--data", "NOWHERE"], "no such file or folder"),
        (["--data", "EMPTY"], "no clips in it"),
        (["--data", "LONELY"], "'alone': one clip"),
        (["--data", "CLIPS", "--backbone", "resnet9000"], "backbone 'resnet9000': unknown"),
        (["--data", "CLIPS", "--cell", "rnn"], "cell: got 'rnn'"),
        (["--data", "CLIPS", "--labels", "across,fly"], "label 'fly'"),
        (["--data", "CLIPS", "--background", "nothing"], "--background nothing"),
        (["--data", "CLIPS", "--where", "set=x"], "only a manifest has columns"),
        (["--data", "CLIPS", "--init", "no-such-model"], "no-such-model"),
        (["--data", "CLIPS", "--device", "cuda:7"], "sees no GPU"),
        (["--config", "NOWHERE/run.yaml"], "give the run.yaml"),
        ([], "--data: not given"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    arguments: list[str],
    said: str,
    two_classes: Path,
    draw_clip,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "empty").mkdir()
    for name, label in (("1", "alone"), ("2", "pair"), ("3", "pair")):
        draw_clip(tmp_path / "lonely" / label / f"{name}.mp4", "across", int(name), 0.5)
    places = {
        "NOWHERE": tmp_path / "nowhere",
        "EMPTY": tmp_path / "empty",
        "LONELY": tmp_path / "lonely",
        "CLIPS": two_classes,
    }
    given = [
        part.replace(name, str(path))
        for part in arguments
        for name, path in [next(((n, p) for n, p in places.items() if part.startswith(n)), ("\0", Path()))]
    ]
    if "cuda:7" in given and torch.cuda.is_available():
        pytest.skip("a GPU is here")
    assert train(monkeypatch, *given, "--out", tmp_path / "out", "--workers", "0") == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if "error:" in line]
    assert len(lines) == 1
    assert said in lines[0]
    assert "Traceback" not in lines[0]


def test_real_people_whom_training_has_not_seen_are_recognised(
    shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = (
        "--data",
        shared_data / "manifest.csv",
        "--where",
        "set=weizmann",
        "--labels",
        "bend,jack,run",
    )
    sides = (
        "--test-groups",
        "ido,shahar",
        "--val-groups",
        "eli",
        "--out",
        tmp_path / "run",
        "--cache",
        tmp_path,
    )
    quick = (
        "--size",
        "64",
        "--passes",
        "1",
        "--epochs",
        "6",
        "--streams",
        "8",
        "--chunk",
        "32",
        "--hidden",
        "64",
    )
    assert (
        train(monkeypatch, *arguments, *sides, *quick, "--workers", "1", "--threads", "1", "--device", "cpu")
        == 0
    )
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert metrics["test_clip_accuracy"] >= 5 / 6
    network, saved = load_network(tmp_path / "run" / "best.ckpt")
    assert network.config.labels == ("bend", "jack", "run", "background")
    assert "never seen: ido, shahar" in saved["training_data"]
