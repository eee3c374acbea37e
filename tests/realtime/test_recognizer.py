"""Claims about streams and their state, with the shipped model on real frames."""

from __future__ import annotations

import numpy as np
import pytest

from actrec import Frame, Recognizer
from actrec.models import ConfigError, load_bundle

MODEL = "weizmann"


def drawn(name: str, seed: int, steps: int = 12) -> list[Frame]:
    """Ten frames a second of blocks that move in front of noise."""
    rng = np.random.default_rng(seed)
    scene = np.kron(rng.integers(40, 200, (9, 12, 3), dtype=np.uint8), np.ones((16, 16, 1), np.uint8))
    frames = []
    for step in range(steps):
        image = scene.copy()
        left = 10 + step * (5 + seed)
        image[40:100, left : left + 20] = 250
        frames.append(Frame(image, name, step, step / 10, step / 10, 0.0))
    return frames


def test_a_frame_that_is_not_due_gives_none() -> None:
    recognizer = Recognizer(MODEL)
    frame = drawn("door", 0)[0]
    assert recognizer.update(frame) is not None
    assert recognizer.update(Frame(frame.image, "door", 1, 0.02, 0.02, 0.0)) is None
    assert recognizer.update(Frame(frame.image, "door", 2, 0.09, 0.09, 0.0)) is not None


def test_many_streams_in_one_batch_are_as_each_alone() -> None:
    streams = [drawn(f"camera{seed}", seed) for seed in range(4)]
    together = Recognizer(MODEL)
    batches = [together.update_batch(frames) for frames in zip(*streams, strict=True)]
    for number, frames in enumerate(streams):
        alone = Recognizer(MODEL)
        for batch, frame in zip(batches, frames, strict=True):
            wanted = alone.update(frame)
            got = batch[number].predictions[together.bundles[0].id]
            assert wanted is not None
            assert got.source == frame.source
            np.testing.assert_allclose(got.probabilities, wanted.probabilities, atol=1e-4)


def test_a_reconnect_starts_the_stream_anew() -> None:
    recognizer, fresh = Recognizer(MODEL), Recognizer(MODEL)
    for frame in drawn("door", 1):
        recognizer.update(frame)
    again = [
        Frame(frame.image, "door", frame.index, 2.0 + frame.media_time, 0.0, 0.0, epoch=1)
        for frame in drawn("door", 2)
    ]
    results = [recognizer.update_batch([frame])[0] for frame in again]
    assert [result.broken for result in results] == ["reconnect"] + [None] * (len(again) - 1)
    for result, frame in zip(results, again, strict=True):
        wanted = fresh.update(frame)
        assert wanted is not None
        assert np.array_equal(
            result.predictions[recognizer.bundles[0].id].probabilities, wanted.probabilities
        )


def test_probabilities_are_probabilities() -> None:
    recognizer = Recognizer(MODEL)
    for frame in drawn("door", 3):
        prediction = recognizer.update(frame)
        assert prediction is not None
        assert prediction.probabilities.sum() == pytest.approx(1.0, abs=1e-5)
        assert prediction.top(3)[0] == (prediction.label, prediction.score)


def test_the_motion_gate_saves_the_encoder_and_keeps_the_label() -> None:
    still = [Frame(drawn("door", 0)[0].image, "door", n, n / 10, n / 10, 0.0) for n in range(60)]
    gated, plain = Recognizer(MODEL, motion_gate=True), Recognizer(MODEL)
    for frame in still:
        first, second = gated.update(frame), plain.update(frame)
        assert first is not None
        assert second is not None
        np.testing.assert_allclose(first.probabilities, second.probabilities, atol=1e-4)
    assert gated.gated > 40
    assert gated.encoded + gated.gated == 60


def test_the_same_model_twice_and_two_encoders_are_refused() -> None:
    bundle = load_bundle(MODEL)
    with pytest.raises(ConfigError, match="twice"):
        Recognizer(bundle, bundle)
    with pytest.raises(ConfigError, match="at least one"):
        Recognizer()


def test_models_on_one_encoder_share_its_pass_and_say_what_each_alone_says() -> None:
    names = ("everyday", "fights")
    together = Recognizer(*names)
    alone = [Recognizer(name) for name in names]
    for frame in drawn("door", 2):
        (result,) = together.update_batch([frame])
        for recognizer in alone:
            wanted = recognizer.update(frame)
            assert wanted is not None
            assert np.array_equal(result.predictions[wanted.model].probabilities, wanted.probabilities)
    assert together.encoded == len(drawn("door", 2))
