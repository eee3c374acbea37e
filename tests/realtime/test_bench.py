"""Claims about `actrec-bench`, and what it shows of the loop."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from actrec.models import ConfigError, load_bundle
from actrec.realtime.bench import Stages, read_frames
from actrec.realtime.bench_cli import bench
from actrec.realtime.meter import Meter, take_turns

MODEL = "weizmann"
STAGES = ["decode", "prepare", "encoder", "head", "smoothing + events", "overlay", "JSON",
          "recogniser (prepare to smoothing)", "end to end"]  # fmt: skip


def test_the_command_gives_every_stage_and_every_runtime(tmp_path: Path) -> None:
    file = tmp_path / "bench.json"
    bench(MODEL, "demo", "onnx", "1,2", "1,2", 2, str(file))
    figures = json.loads(file.read_text("utf-8"))
    assert figures["schema"] == "actrec.bench/1"
    assert [stage["name"] for stage in figures["stages_ms"]] == STAGES
    for stage in figures["stages_ms"]:
        assert 0.0 < stage["p50"] <= stage["p95"] <= stage["p99"]
    rows = {
        (row["runtime"], row["precision"], row["threads"], row["batch"])
        for row in figures["encoders_ms_per_frame"]
    }
    assert {("onnx", "fp32", threads, batch) for threads in (1, 2) for batch in (1, 2)} <= rows
    assert figures["memory_mb"]["peak"] >= figures["memory_mb"]["now"] > 10
    assert figures["machine"]["cores"] >= 1


def test_head_and_state_cost_at_most_a_tenth_of_the_encoder() -> None:
    bundle = load_bundle(MODEL)
    stages = Stages(bundle, read_frames("demo", bundle.spec.fps, 8), "onnx", 1)
    shares = []
    for _ in range(
        3
    ):  # what else the machine does weighs most on what is short, so the least of three counts
        costs = {timing.name: timing.cpu for timing in take_turns(stages.meters()[:4], 20)}
        shares.append((costs["head"] + costs["smoothing + events"]) / costs["encoder"])
    assert min(shares) <= 0.10


def test_the_loop_copies_no_full_frame() -> None:
    bundle = load_bundle(MODEL)
    stages = Stages(bundle, read_frames("demo", bundle.spec.fps, 8), "onnx", 1)
    assert 0.0 < stages.copied_share() < 0.5


def test_a_meter_tells_waiting_from_working() -> None:
    waiting, working = take_turns(
        [Meter("waiting", lambda: time.sleep(0.004)), Meter("working", lambda: sum(range(100_000)))], turns=2
    )
    assert waiting.p50 >= 4.0
    assert waiting.cpu < 2.0
    assert working.cpu > 0.3
    assert waiting.calls == working.calls == 10


@pytest.mark.parametrize("text", ["", "0", "one", "1,,2", "1000"])
def test_numbers_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="--threads"):
        bench(MODEL, "demo", "onnx", text, "1", 2, None)
