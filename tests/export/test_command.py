"""Claims about `actrec-export` as people run it: exit codes, one line, and nothing half-written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from actrec.export.cli import main
from actrec.export.parity import Parity
from actrec.models import ModelError, load_bundle

from .conftest import Exported, save_run

COMMAND = [sys.executable, "-c", "from actrec.export.cli import main; main()"]


def call(*arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "COLUMNS": "200", **variables}
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=240,
        env=environment,
        check=False,
    )


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    return lines[0]


def test_a_run_becomes_a_bundle_and_a_table(tmp_path: Path) -> None:
    run, _ = save_run(tmp_path / "run")
    done = call(run, "--out", tmp_path / "small", "--format", "onnx,triton", "--step", "--verify", "24")
    assert done.returncode == 0, done.stderr
    assert load_bundle(tmp_path / "small").spec.name == "small"
    assert "encoder.onnx" in done.stdout
    assert "ms, 2 thr." in done.stdout
    assert "parity holds over 24 chained steps" in done.stderr
    assert "Warning" not in done.stderr
    assert (tmp_path / "small-triton" / "small" / "config.pbtxt").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing"], "no such checkpoint"),
        (["empty"], "no best.ckpt or last.ckpt"),
        (["text.ckpt"], "not a checkpoint that can be read safely"),
        (["evil.ckpt"], "not a checkpoint that can be read safely"),
        (["run", "--format", "caffe"], "--format caffe: unknown; want onnx, torchscript, triton"),
        (["run", "--format", "torchscript", "--int8"], "add onnx"),
        (["run", "--int8"], "give --data"),
        (["run", "--data", "missing"], "no such file or folder"),
        (["both"], "a live stream has no end"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    tmp_path: Path,
    arguments: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.ckpt").write_text("not a checkpoint")
    if "evil.ckpt" in arguments:
        torch.save(
            {"format": "actrec.checkpoint/1", "config": Path("code that runs when unpickled")},
            tmp_path / "evil.ckpt",
        )
    if arguments[0] in ("run", "both"):
        save_run(tmp_path / arguments[0], bidirectional=arguments[0] == "both")
    places = [str(tmp_path / part) if part in ("missing",) or (not part.startswith("-") and index == 0) else part
              for index, part in enumerate(arguments)]  # fmt: skip
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(sys, "argv", ["actrec-export", *places, "--out", str(tmp_path / "out")])
    with pytest.raises(SystemExit) as ended:  # a process of its own would load PyTorch nine times
        main()
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert message in line
    assert not (tmp_path / "out").exists()


def test_a_process_with_bad_input_ends_with_one_line_and_exit_code_2(tmp_path: Path) -> None:
    assert "no such checkpoint" in one_line(call(tmp_path / "missing", "--out", tmp_path / "out"))


def test_parity_that_fails_writes_nothing_and_says_the_figure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from actrec.export import parity, run

    folder, _ = save_run(tmp_path / "run")
    monkeypatch.setattr(parity, "LIMIT", 1e-12)
    with pytest.raises(
        ModelError, match=r"differ by [0-9.e-]+ over 24 steps, at most 1e-12; nothing was written"
    ):
        run.run_export(folder, tmp_path / "out", run.Wish(("onnx",), verify=24), "out")
    assert not (tmp_path / "out").exists()


def test_without_pytorch_the_command_says_the_pip_line(tmp_path: Path) -> None:
    (tmp_path / "block.py").write_text(
        "import importlib.util as u\n"
        "real = u.find_spec\n"
        "u.find_spec = lambda name, *rest: None if name in ('torch', 'onnx') else real(name, *rest)\n"
        "from actrec.export.cli import main\nmain()\n"
    )
    done = subprocess.run(
        [sys.executable, str(tmp_path / "block.py"), "run", "--out", str(tmp_path / "out")],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert 'pip install "actrec[train]"' in one_line(done)


def test_a_killed_export_leaves_no_bundle_that_is_not_whole(tmp_path: Path) -> None:
    script = tmp_path / "write.py"
    script.write_text(
        "import sys\nfrom pathlib import Path\nfrom actrec.models import load_bundle, save_bundle\n"
        "whole = load_bundle(sys.argv[1])\nfiles = {name: whole.read(name) for name in whole.spec.files}\n"
        "files['ballast.bin'] = bytes(30_000_000)\nprint('go', flush=True)\n"
        "for number in range(1000):\n    save_bundle(Path(sys.argv[2]), whole.spec, files)\n"
    )
    small = tmp_path / "from"
    from actrec.models import save_bundle

    spec = _any_spec()
    save_bundle(small, spec, {"encoder.onnx": b"e" * 1000, "head.onnx": b"h" * 1000})
    for attempt in range(6):
        out = tmp_path / f"out{attempt}" / "bundle"
        process = subprocess.Popen(
            [sys.executable, str(script), str(small), str(out)], stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.03 + 0.05 * attempt)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        if out.exists():
            assert load_bundle(out).spec.name == spec.name
        for rest in out.parent.glob(".bundle-*") if out.parent.exists() else ():
            if not (rest / "spec.json").exists():
                with pytest.raises(ModelError):
                    load_bundle(rest)


def _any_spec():  # type: ignore[no-untyped-def]
    from actrec.models import ModelSpec, StateSpec

    return ModelSpec(
        name="any", labels=("a", "b"), fps=10, size=16, resize="squash", features=1, cell="gru", layers=1, hidden=1,
        head_state=(StateSpec(name="state", shape=(1, 1)),), backbone="none", backbone_licence="none",
        training_data="none",
    )  # fmt: skip


def test_a_fault_names_the_figure_for_nan_too() -> None:
    parity = Parity(100, True, float("nan"), 0.0, 1.0, 0.0, 0.0, 1.0, 0, True, 0.0, 0.1)
    assert parity.fault() == "logits differ by nan over 100 steps, at most 0.0001"


def test_exported_bundles_hold_what_the_formats_say(export_run: Callable[..., Exported]) -> None:
    files = export_run(cell="gru", input="compensated").bundle.spec.files
    assert set(files) == {"README.md", "encoder.onnx", "encoder.ts", "head.onnx", "head.ts", "step.onnx"}
