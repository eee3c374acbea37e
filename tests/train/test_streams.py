from pathlib import Path

import numpy as np
import pytest

from actrec.train.clips import Clip
from actrec.train.gather import Sample
from actrec.train.streams import WARM_UP, Joiner, Material, StreamPlan, StreamSet, weigh

LABELS = ("walk", "wave", "background")


def marked(value: float, frames: int = 20, mark: float = 0.0) -> np.ndarray:
    """Features [T, 3]: the label's number, the frame's number in its clip, and a mark."""
    return np.stack([np.full(frames, value), np.arange(frames), np.full(frames, mark)], axis=1).astype(
        np.float16
    )


def material(clips: tuple[int, int] = (3, 3)) -> Material:
    samples = [
        Sample(Clip(Path(f"{label}{n}.mp4"), label), marked(i, mark=n), (marked(i, 15, n),), (marked(2, 40),))
        for i, label in enumerate(LABELS[:2])
        for n in range(clips[i])
    ]
    return Material(samples, LABELS, "background")


def test_every_frame_carries_the_label_of_the_clip_that_it_is_from() -> None:
    features, labels, ages = Joiner(material(), StreamPlan(10.0), np.random.default_rng(0)).take(
        2000, fresh=True
    )
    assert np.array_equal(features[:, 0].astype(int), labels)
    assert set(labels) == {0, 1, 2}
    changes = np.flatnonzero(np.diff(labels)) + 1
    assert (ages[changes] == 0).all()
    assert (np.diff(ages)[np.diff(labels) == 0] == 1).mean() > 0.95


def test_inside_a_stream_no_clip_tells_by_its_first_frames_that_it_begins() -> None:
    joiner = Joiner(material(), StreamPlan(10.0), np.random.default_rng(0))
    first, _, _ = joiner.take(5, fresh=True)
    assert first[0, 1] == 0
    rest, _, _ = joiner.take(3000, fresh=False)
    assert rest[20:, 1].min() >= WARM_UP


def test_taking_in_pieces_gives_the_same_stream_as_taking_at_once() -> None:
    plan = StreamPlan(10.0)
    whole = Joiner(material(), plan, np.random.default_rng(3)).take(300, fresh=True)
    joiner = Joiner(material(), plan, np.random.default_rng(3))
    parts = [joiner.take(100, fresh=step == 0) for step in range(3)]
    for index in range(3):
        assert np.array_equal(whole[index], np.concatenate([part[index] for part in parts]))


def test_labels_are_balanced_however_many_clips_they_have() -> None:
    plan = StreamPlan(10.0, longest_s=2.0, background_share=0.0)
    _, labels, _ = Joiner(material((1, 9)), plan, np.random.default_rng(0)).take(20000, fresh=True)
    assert (labels == 0).mean() == pytest.approx(0.5, abs=0.05)


def test_balance_lies_between_equally_often_and_as_often_as_there_are_clips() -> None:
    def first_share(balance: float) -> float:
        plan = StreamPlan(10.0, background_share=0.0, balance=balance)
        first = [
            Joiner(material((1, 9)), plan, np.random.default_rng(seed)).take(1, fresh=True)[1][0]
            for seed in range(2000)
        ]
        return float(np.mean(np.array(first) == 0))

    assert first_share(1.0) == pytest.approx(0.5, abs=0.04)
    assert first_share(0.5) == pytest.approx(0.25, abs=0.04)
    assert first_share(0.0) == pytest.approx(0.1, abs=0.03)


def test_stretches_last_from_a_second_to_the_longest() -> None:
    _, labels, _ = Joiner(material(), StreamPlan(10.0, longest_s=60.0), np.random.default_rng(0)).take(
        30000, fresh=True
    )
    lengths = np.diff(np.flatnonzero(np.diff(labels)))
    assert lengths.min() >= 10
    assert 300 < lengths.max() <= 600


def test_an_epoch_depends_on_seed_epoch_and_rank_only() -> None:
    def chunks(epoch: int = 0, seed: int = 0, rank: int = 0) -> list[np.ndarray]:
        each = StreamSet(material(), StreamPlan(10.0, streams=2), steps=3, seed=seed, rank=rank)
        each.epoch = epoch
        return [chunk.features.numpy() for chunk in each]

    assert all(np.array_equal(one, other) for one, other in zip(chunks(), chunks(), strict=True))
    for changed in (chunks(epoch=1), chunks(seed=1), chunks(rank=1)):
        assert not np.array_equal(chunks()[0], changed[0])


def test_the_loss_is_placed_on_all_late_or_last_frames() -> None:
    ages = np.array([[0, 1, 2, 3, 4, 5, 6, 0]])
    assert weigh(ages, StreamPlan(10.0, loss="all")).tolist() == [[1.0] * 8]
    assert weigh(ages, StreamPlan(10.0, loss="late", late_s=0.5)).tolist() == [[0, 0, 0, 0, 0, 1, 1, 0]]
    assert weigh(ages[:, :7], StreamPlan(10.0, loss="last", late_s=0.5)).tolist() == [[0, 0, 0, 0, 0, 0, 1]]


def test_without_a_background_label_no_idle_material_is_used() -> None:
    sample = Sample(Clip(Path("a.mp4"), "walk"), marked(0), (), (marked(2),))
    made = Material([sample, Sample(Clip(Path("b.mp4"), "wave"), marked(1))], LABELS[:2], None)
    _, labels, _ = Joiner(made, StreamPlan(10.0), np.random.default_rng(0)).take(500, fresh=True)
    assert set(labels) == {0, 1}
