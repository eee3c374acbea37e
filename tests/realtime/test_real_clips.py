"""The main claim, on real video of people that no training has seen: from a file and from a real RTSP server."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from stream_servers import RtspServer

Labels = dict[str, str]


def top_events(sources: Sequence[str], *options: str) -> Labels:
    """Run `actrec-live` and return the label of the event with the best score of each source."""
    command = [sys.executable, "-m", "actrec.realtime", "--model", "weizmann", "--headless", "--events", "-"]
    for source in sources:
        command += ["--source", source]
    done = subprocess.run([*command, *options], capture_output=True, text=True, timeout=120, check=True)
    ended = defaultdict(list)
    for line in done.stdout.splitlines():
        event = json.loads(line)
        if event["type"] == "end":
            ended[event["source"]].append((event["top_score"], event["label"]))
    return {source: max(events)[1] for source, events in ended.items()}


def right(said: Labels, wanted: Labels) -> int:
    return sum(said.get(name) == label for name, label in wanted.items())


@pytest.fixture(scope="module")
def wanted(weizmann_test_clips: list[tuple[Path, str]]) -> Labels:
    return {path.stem: label for path, label in weizmann_test_clips}


@pytest.fixture(scope="module")
def from_files(weizmann_test_clips: list[tuple[Path, str]]) -> Labels:
    return top_events([f"{path.stem}={path}" for path, _ in weizmann_test_clips])


def test_unseen_people_are_recognised_in_files(from_files: Labels, wanted: Labels) -> None:
    assert len(wanted) == 20
    assert right(from_files, wanted) >= 15, from_files


def test_and_from_an_rtsp_camera_as_well(
    from_files: Labels,
    wanted: Labels,
    weizmann_test_clips: list[tuple[Path, str]],
    encoded: Callable[..., Path],
    rtsp_server: Callable[..., RtspServer],
) -> None:
    mounts = {
        f"/{path.stem}": (encoded(path, size=(180, 144), fps=25), 25) for path, _ in weizmann_test_clips
    }
    server = rtsp_server(mounts)  # over and over again, as nothing tells a camera when to stop
    said: Labels = {}
    for first in range(0, len(weizmann_test_clips), 4):
        part = weizmann_test_clips[first : first + 4]
        said |= top_events(
            [f"{path.stem}={server.url(f'/{path.stem}')}" for path, _ in part], "--duration", "6"
        )
    assert right(said, wanted) >= right(from_files, wanted) - 1, said
