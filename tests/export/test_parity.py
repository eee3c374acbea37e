"""Claims about parity: of every runtime with PyTorch, over many chained steps, down to the events."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from actrec.export.frames import drawn_stream
from actrec.export.parity import (
    AGREEMENT,
    LIMIT,
    Chain,
    TorchRunner,
    compare,
    events_of,
    run_chain,
    step_apart,
)
from actrec.models import ModelError
from actrec.realtime.backends import Backend, Runtime, State, open_backend

from .conftest import Exported, real_stream

STEPS = 500


@pytest.fixture(scope="module")
def reference(exported: Exported, shared_data: Path) -> tuple[NDArray[np.uint8], Chain]:
    frames = real_stream(shared_data, exported.bundle.spec, STEPS)
    return frames, run_chain(TorchRunner(exported.network, exported.bundle.spec), frames)


@pytest.mark.parametrize("runtime", ["onnx", "torchscript", "openvino"])
def test_each_runtime_says_the_same_as_pytorch_over_500_chained_steps_of_real_video(
    exported: Exported, reference: tuple[NDArray[np.uint8], Chain], runtime: Runtime, missing: Any
) -> None:
    if runtime == "openvino" and importlib.util.find_spec("openvino") is None:
        pytest.skip("OpenVINO is optional and not installed")
    frames, wanted = reference
    backend = open_backend(exported.bundle, runtime=runtime, device="cpu", threads=1)
    parity = compare(wanted, run_chain(backend, frames), backend, frames, exact=True)
    assert parity.fault() is None
    assert parity.steps == STEPS
    assert max(parity.logits, parity.state, parity.chunks, parity.batch) <= LIMIT
    assert parity.events_same
    assert parity.events > 0, "a comparison of no events would say nothing"


def test_a_clip_and_its_frames_and_odd_chunks_give_the_same_logits(exported: Exported) -> None:
    backend = open_backend(exported.bundle, device="cpu", threads=1)
    features = (
        np.random.default_rng(0).standard_normal((2, 23, exported.bundle.spec.features)).astype(np.float32)
    )
    at_once, end = backend.step(features, backend.head_start(2))
    for sizes in ([1] * 23, [1, 2, 3, 5, 7, 5], [22, 1]):
        state, said = backend.head_start(2), []
        for part in np.split(features, np.cumsum(sizes)[:-1], axis=1):
            logits, state = backend.step(part, state)
            said.append(logits)
        np.testing.assert_allclose(np.concatenate(said, axis=1), at_once, atol=LIMIT)
        np.testing.assert_allclose(state["state"], end["state"], atol=LIMIT)


def test_the_fused_step_says_what_encoder_and_head_say(
    exported: Exported, reference: tuple[NDArray[np.uint8], Chain]
) -> None:
    frames, wanted = reference
    assert step_apart(exported.bundle, "fp32", wanted, frames) <= LIMIT


class Drifting:
    """A backend whose head's state is off by a little more at each step."""

    def __init__(self, backend: Backend, drift: float) -> None:
        self.spec, self._backend, self._drift = backend.spec, backend, drift
        self.encode, self.encoder_start, self.head_start = (
            backend.encode,
            backend.encoder_start,
            backend.head_start,
        )

    def step(
        self, features: NDArray[np.float32], state: Mapping[str, NDArray[Any]]
    ) -> tuple[NDArray[np.float32], State]:
        logits, after = self._backend.step(features, state)
        return logits, {name: array + np.float32(self._drift) for name, array in after.items()}


def test_a_state_that_drifts_is_caught_with_the_figure(
    exported: Exported, reference: tuple[NDArray[np.uint8], Chain]
) -> None:
    frames, wanted = reference[0][:60], reference[1]
    wanted = Chain(wanted.features[:60], wanted.logits[:60], wanted.encoder_state, wanted.head_state)
    runner = Drifting(open_backend(exported.bundle, device="cpu", threads=1), 1e-3)
    parity = compare(wanted, run_chain(runner, frames), runner, frames, exact=True)
    fault = parity.fault()
    assert fault is not None
    assert f"{parity.logits:.3g}" in fault
    with pytest.raises(ModelError, match=r"drifting: logits differ by .* over 60 steps"):
        parity.require("drifting")


def test_events_that_move_or_vanish_are_caught_even_when_labels_agree(exported: Exported) -> None:
    spec = exported.bundle.spec
    quiet, loud = np.array([3.0, 0.0, 0.0], np.float32), np.array([0.0, 3.0, 0.0], np.float32)
    early = np.stack([quiet] * 10 + [loud] * 10 + [quiet] * 20)
    late = np.stack([quiet] * 13 + [loud] * 7 + [quiet] * 20)
    ends = [event for event in events_of(early, spec) if event.type == "end"]
    assert [event.label for event in ends] == ["walk"]
    backend = open_backend(exported.bundle, device="cpu", threads=1)
    frames = drawn_stream(spec.size, 40)
    whole = run_chain(backend, frames)
    for logits, moved in ((late, 0.3), (np.stack([quiet] * 40), float("inf"))):
        one = Chain(whole.features, early, whole.encoder_state, whole.head_state)
        other = Chain(whole.features, logits, whole.encoder_state, whole.head_state)
        parity = compare(one, other, backend, frames, exact=False)
        assert parity.events_moved_s == pytest.approx(moved)
        assert parity.agreement < AGREEMENT or parity.events_moved_s > parity.interval_s
        assert parity.fault() is not None
