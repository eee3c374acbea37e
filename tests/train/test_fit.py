"""Fitting on features that are drawn, not decoded: labels differ in the order, not in the frames."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from actrec.train.baseline import fit_frame_layer
from actrec.train.clips import Clip
from actrec.train.config import TrainConfig
from actrec.train.fit import HeadFit, fit_head, make_stream_plan, validation_chunks
from actrec.train.gather import Sample
from actrec.train.history import EpochReport, read_rows
from actrec.train.judge import judge
from actrec.train.keep import LAST, RESUME
from actrec.train.network import Head, NetworkConfig
from actrec.train.streams import Material, StreamSet

LABELS = ("rising", "falling", "background")
WIDTH = 8


def sequence(label: int, rng: np.random.Generator, frames: int = 24) -> np.ndarray:
    """Features whose single frames tell nothing of the label: four states, passed through upwards or downwards."""
    steps = np.arange(frames) + int(rng.integers(4))
    order = (steps if label == 0 else -steps) % 4
    features = rng.normal(0, 0.1, (frames, WIDTH))
    features[np.arange(frames), order] += 1.0
    return features.astype(np.float16)


def samples(count: int, seed: int) -> list[Sample]:
    rng = np.random.default_rng(seed)
    made = []
    for number in range(count):
        label = number % 2
        idle = rng.normal(0, 0.1, (30, WIDTH)).astype(np.float16)
        clip = Clip(Path(f"{seed}-{number}.mp4"), LABELS[label])
        made.append(Sample(clip, sequence(label, rng), (sequence(label, rng),), (idle,)))
    return made


def config(out: Path, **changes: object) -> TrainConfig:
    values: dict[str, object] = {
        "data": "none", "out": out, "device": "cpu", "epochs": 3, "streams": 8, "chunk": 16, "hidden": 16,
        "embedding": 16, "patience": 0, "rate": 2e-2, "dropout": 0.0, "ema": 0.9, "longest_s": 10.0, "seed": 3,
    }  # fmt: skip
    return TrainConfig.model_validate(values | changes)


def run(
    options: TrainConfig, *, resume: bool = False, until: int | None = None
) -> tuple[HeadFit, EpochReport]:
    torch.manual_seed(options.seed)
    train, held = samples(12, 1), samples(6, 2)
    head = Head(
        WIDTH,
        NetworkConfig(
            labels=LABELS, background="background", hidden=16, embedding=16, dropout=options.dropout
        ),
    ).eval()  # as a run builds its network
    plan = make_stream_plan(options)
    chunks = validation_chunks(held, LABELS, "background", plan)
    stream_set = StreamSet(Material(train, LABELS, "background"), plan, steps=8, seed=options.seed)
    module = HeadFit(head, options, stream_set, (held, chunks), LABELS)

    def tell(report: EpochReport, best: bool) -> None:
        if report.epoch == until:
            os.kill(os.getpid(), signal.SIGKILL)

    def snapshot(report: EpochReport) -> dict[str, object]:
        return {"epoch": report.epoch, "weights": module.judged.state_dict()}

    options.out.mkdir(parents=True, exist_ok=True)
    fit_head(module, options, options.out, snapshot=snapshot, tell=tell, start_score=-1.0, resume=resume)
    assert module.report is not None
    return module, module.report


def test_dropout_works_while_a_head_learns_and_only_then(tmp_path: Path) -> None:
    without, _ = run(config(tmp_path / "without", epochs=1))
    dropped, _ = run(config(tmp_path / "with", epochs=1, dropout=0.5))
    assert not torch.equal(without.head.frame.weight, dropped.head.frame.weight)
    assert not dropped.head.training
    features, start = torch.ones(1, 4, WIDTH), dropped.judged.start(1)
    with torch.inference_mode():
        assert torch.equal(dropped.judged(features, start)[0], dropped.judged(features, start)[0])


def test_the_recurrent_head_learns_the_order_that_no_single_frame_shows(tmp_path: Path) -> None:
    train, held = samples(12, 1), samples(6, 2)
    options = config(tmp_path, epochs=6)
    material = Material(train, LABELS, "background")
    layer = fit_frame_layer(material, seed=0)
    frames = torch.from_numpy(np.concatenate([sample.plain for sample in held])).float()
    truth = np.concatenate([[LABELS.index(s.clip.label)] * len(s.plain) for s in held])
    alone = (layer(frames).argmax(dim=1).numpy() == truth).mean()
    _, report = run(options)
    assert alone < 0.7
    assert report.val.clips.accuracy == 1.0
    assert report.val.frames.f1 > 0.95


@pytest.mark.parametrize("place", ["all", "last"])
def test_every_loss_place_learns(tmp_path: Path, place: str) -> None:
    _, report = run(config(tmp_path, epochs=6, loss=place))
    assert report.val.clips.accuracy == 1.0


@pytest.mark.parametrize(
    "changes",
    [
        {"precision": "bf16-mixed"},
        {"accumulate": 2},
        {"ema": 0.0},
        {"smoothing": 0.0, "balance": 0.5, "warmup": 0.5},
    ],
)
def test_every_way_of_fitting_learns_on_a_cpu(tmp_path: Path, changes: dict[str, object]) -> None:
    _, report = run(config(tmp_path, epochs=6, **changes))
    assert report.val.clips.accuracy >= 0.8


def test_without_a_better_epoch_the_run_stops_early(tmp_path: Path) -> None:
    _, report = run(config(tmp_path, epochs=30, patience=2))
    assert report.epoch < 30


def test_a_run_killed_after_two_epochs_resumes_to_the_same_weights(tmp_path: Path) -> None:
    whole, _ = run(config(tmp_path / "whole"))
    code = f"""
import sys, torch; torch.set_num_threads(1); sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
from test_fit import config, run
run(config(Path({str(tmp_path / "cut")!r})), until=2)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert [row["epoch"] for row in read_rows(tmp_path / "cut" / "log.csv")] == [1, 2]
    resumed, _ = run(config(tmp_path / "cut"), resume=True)
    assert [row["epoch"] for row in read_rows(tmp_path / "cut" / "log.csv")] == [1, 2, 3]
    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, resumed.state_dict()[name]), name
    logs = [(tmp_path / name / "log.csv").read_text() for name in ("whole", "cut")]
    assert logs[0] == logs[1]


def test_killed_at_any_of_ten_moments_a_checkpoint_is_the_old_one_or_the_new_one(tmp_path: Path) -> None:
    code = """
import os, random, signal, sys, time, torch
from pathlib import Path
from actrec.train.keep import write_whole
path, draw = Path(sys.argv[1]), random.Random(7)
torch.set_num_threads(1)  # threads do not live on in a child

def write_on(first, told):
    count = first
    while True:
        write_whole({"count": count, "weights": torch.full((300_000,), float(count))}, path)
        if count == first:
            os.write(told, b"going")
        count += 1

for kill in range(10):  # a child, so that what takes seconds to import is imported once
    heard, told = os.pipe()
    child = os.fork()
    if child == 0:
        write_on(1000 * kill, told)
    os.close(told)
    assert os.read(heard, 5) == b"going"
    time.sleep(draw.uniform(0.0, 0.05))
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    saved = torch.load(path, weights_only=True)
    assert saved["count"] >= 1000 * kill
    assert (saved["weights"] == saved["count"]).all()
print("ten times")
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / LAST)], capture_output=True, text=True, timeout=120
    )
    assert done.stdout == "ten times\n", done.stderr


def test_checkpoints_can_be_read_without_running_code_from_them(tmp_path: Path) -> None:
    run(config(tmp_path, epochs=1))
    for name in (LAST, RESUME):
        assert torch.load(tmp_path / name, weights_only=True)


def test_a_change_of_label_is_seen_as_fast_after_an_hour_as_after_a_second(tmp_path: Path) -> None:
    module, _ = run(config(tmp_path, epochs=6))
    head, rng = module.judged.eval(), np.random.default_rng(9)
    hour = np.concatenate([sequence(0, rng, 24) for _ in range(1500)])
    after = sequence(1, rng, 60)

    @torch.inference_mode()
    def frames_to_switch(before: np.ndarray) -> int:
        _, state = head(torch.from_numpy(before).float()[None], head.start(1))
        logits, _ = head(torch.from_numpy(after).float()[None], state)
        return int(np.flatnonzero(logits[0].argmax(dim=-1).numpy() == 1)[0])

    short, long = frames_to_switch(hour[:10]), frames_to_switch(hour)
    assert abs(long - short) <= max(1, 0.1 * short)


def test_a_head_without_recurrent_part_is_the_single_frame() -> None:
    from actrec.train.run import answer_by_frame

    train, held = samples(8, 1), samples(4, 2)
    layer = fit_frame_layer(Material(train, LABELS, "background"), seed=0)
    head = Head(WIDTH, NetworkConfig(labels=LABELS, hidden=16, embedding=16))
    answer_by_frame(head.eval(), layer)
    features = torch.from_numpy(held[0].plain).float()[None]
    assert torch.allclose(head(features, head.start(1))[0], layer(features))
    assert judge(head, held, [], LABELS).clips.accuracy <= 1.0
