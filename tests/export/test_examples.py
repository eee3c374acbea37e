"""The examples for use without actrec really run, and say what actrec says."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from actrec.export.frames import drawn_stream
from actrec.export.parity import run_chain
from actrec.realtime.backends import open_backend

from .conftest import Exported

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def stream(exported: Exported) -> tuple[NDArray[np.uint8], list[str]]:
    """Frames on which the label changes, and the labels that actrec gives them."""
    spec = exported.bundle.spec
    frames = drawn_stream(spec.size, 40)
    chain = run_chain(open_backend(exported.bundle, device="cpu", threads=1), frames)
    return frames, [spec.labels[index] for index in chain.logits.argmax(axis=1)]


def run(*command: str, cwd: Path) -> list[str]:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_step_py_gives_the_same_labels(
    exported: Exported, stream: tuple[NDArray[np.uint8], list[str]], tmp_path: Path
) -> None:
    frames, wanted = stream
    with av.open(str(tmp_path / "video.mkv"), "w") as container:
        video = container.add_stream("ffv1", rate=Fraction(10))
        video.width = video.height = frames.shape[1]
        video.pix_fmt = "bgr0"
        for frame in frames:
            container.mux(
                video.encode(av.VideoFrame.from_ndarray(frame, format="rgb24").reformat(format="bgr0"))
            )
        container.mux(video.encode())
    step = str(exported.bundle.folder / "step.onnx")
    assert run(sys.executable, str(EXAMPLES / "step.py"), step, "video.mkv", cwd=tmp_path) == wanted


def test_step_mjs_gives_the_same_labels(
    exported: Exported,
    stream: tuple[NDArray[np.uint8], list[str]],
    node_project: Path,
) -> None:
    frames, wanted = stream
    frames.tofile(node_project / "frames.bin")
    folder = exported.bundle.folder
    command = ("node", "step.mjs", str(folder / "step.onnx"), "frames.bin", str(folder / "spec.json"))
    assert run(*command, cwd=node_project) == wanted


@pytest.fixture(scope="module")
def node_project(
    tmp_path_factory: pytest.TempPathFactory,
    need_tool: Callable[[str, str], str],
    missing: Callable[[str], None],
) -> Path:
    need_tool("node", "nodejs")
    npm = need_tool("npm", "npm")
    folder = tmp_path_factory.mktemp("node")
    shutil.copy(EXAMPLES / "step.mjs", folder)
    done = subprocess.run(
        [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", ".", "onnxruntime-web"],
        cwd=folder, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        missing(f"npm cannot install onnxruntime-web ({done.stderr.strip().splitlines()[-1:]})")
    return folder
