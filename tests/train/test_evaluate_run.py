"""Claims about judging a run: it becomes a bundle first, and its own held-out clips are judged."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch

from actrec.train.config import CONFIG_FILE, TrainConfig, write_config
from actrec.train.evaluation.cli import main
from actrec.train.network import Network, NetworkConfig, checkpoint


def test_a_run_is_judged_on_the_clips_that_it_held_out(
    two_classes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.manual_seed(0)
    small = NetworkConfig(
        labels=("across", "updown", "background"), background="background", backbone="timm/test_efficientnet",
        size=32, hidden=16, embedding=16,
    )  # fmt: skip
    run = tmp_path / "mine"
    run.mkdir()
    torch.save(checkpoint(Network(small, pretrained=False).eval(), training_data="none"), run / "best.ckpt")
    write_config(TrainConfig(data=two_classes, out=run, val_share=0.4, workers=0), run / CONFIG_FILE)
    before = sorted(path.name for path in run.iterdir())
    monkeypatch.setattr(
        sys, "argv", ["actrec-eval", "--model", str(run), "--json", str(tmp_path / "found.json")]
    )
    with pytest.raises(SystemExit) as left:
        main()
    said = capsys.readouterr()
    assert left.value.code == 0, said.err
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["model"].startswith("mine@")
    assert found["selection"] == "split val"
    assert found["clips"]["clips"] == 4
    assert len(found["clips"]["beside"]) == 2
    assert "fitted on 6 other clips" in said.out
    assert sorted(path.name for path in run.iterdir()) == before


def test_a_run_that_cannot_be_exported_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "best.ckpt").write_bytes(b"no checkpoint")
    monkeypatch.setattr(sys, "argv", ["actrec-eval", "--model", str(tmp_path), "--data", str(tmp_path)])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert "the run cannot be exported" in lines[-1]
    assert "best.ckpt" in lines[-1]
