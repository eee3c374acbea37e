"""Claims about encoders with temporal shift: int8 on a trained head, cameras side by side, a new stream."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray

from actrec.export.frames import drawn_stream
from actrec.export.graphs import export_onnx, plan_encoder
from actrec.export.parity import AGREEMENT, LIMIT, TorchRunner, compare, run_chain
from actrec.export.quantize import KEEP, calibration_feeds, to_int8
from actrec.export.run import Parts
from actrec.models import Bundle, load_bundle
from actrec.realtime.backends import Backend, open_backend
from actrec.realtime.frame import Frame
from actrec.realtime.gate import SETTLE_FRAMES
from actrec.realtime.recognizer import Recognizer
from actrec.train.network import Network

from .conftest import Exported, real_stream
from .restore import restore_network


@pytest.fixture(scope="module")
def shifted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Network, Bundle]:
    """The shipped `weizmann` with its last three residual blocks shifted: trained weights and a trained head."""
    source = load_bundle("weizmann")
    plain = restore_network(source)
    network = Network(plain.config.model_copy(update={"shift": 3}), pretrained=False).eval()
    for mine, theirs in zip(network.modules(), plain.modules(), strict=True):
        if isinstance(mine, torch.nn.Conv2d) and isinstance(theirs, torch.nn.Conv2d):
            mine.bias = theirs.bias  # the batch norms are folded into them
    network.load_state_dict(plain.state_dict())
    update = {"encoder_state": network.encoder.state_specs, "precision": "fp32"}
    parts = Parts("")
    parts.encoders["fp32"] = export_onnx(plan_encoder(network))
    parts.head = onnx.load_from_string(source.read("head.onnx"))
    folder = tmp_path_factory.mktemp("shifted")
    return network, parts.bundle(folder, source.spec.model_copy(update=update))


def test_a_shifted_encoder_in_int8_names_the_same_and_makes_the_same_events(
    shifted: tuple[Network, Bundle], shared_data: Path
) -> None:
    network, bundle = shifted
    frames = real_stream(shared_data, bundle.spec)
    wanted = run_chain(TorchRunner(network, bundle.spec), frames)
    exact = open_backend(bundle, device="cpu", threads=1)
    parity = compare(wanted, run_chain(exact, frames), exact, frames, exact=True)
    assert parity.fault() is None
    assert parity.events > 3
    feeds = calibration_feeds(exact, real_stream(shared_data, bundle.spec, count=256, seed=1))
    found = []
    for keep in KEEP:
        small = _int8(bundle, feeds, keep)
        found.append(compare(wanted, run_chain(small, frames), small, frames, exact=False))
        if found[-1].fault() is None:
            break
    assert found[-1].fault() is None, found
    assert found[-1].agreement >= AGREEMENT


def _int8(bundle: Bundle, feeds: list[dict[str, NDArray[np.generic]]], keep: tuple[int, int]) -> Backend:
    encoder = onnx.load_from_string(bundle.read("encoder.onnx"))
    parts = Parts("", encoders={"int8": to_int8(encoder, feeds, keep=keep)})
    parts.head = onnx.load_from_string(bundle.read("head.onnx"))
    return open_backend(parts.bundle(bundle.folder, bundle.spec), precision="int8", device="cpu", threads=1)


def test_shifted_cameras_side_by_side_are_each_what_they_are_alone_and_forget(
    exported: Exported, shared_data: Path
) -> None:
    spec = exported.bundle.spec
    lanes = np.split(real_stream(shared_data, spec)[:90], 3)

    def seen(camera: int, step: int) -> Frame:
        time_s = step / spec.fps
        return Frame(lanes[camera][step], f"{camera}", step, time_s, time_s, time_s)

    alone = []
    for camera in range(3):
        recognizer = Recognizer(exported.bundle, device="cpu", threads=1)
        alone.append([recognizer.update(seen(camera, step)) for step in range(30)])
    together = Recognizer(exported.bundle, device="cpu", threads=1)
    for _ in range(2):
        for step in range(30):
            found = together.update_batch([seen(camera, step) for camera in range(3)])
            for camera, result in enumerate(found):
                other = alone[camera][step]
                assert other is not None
                mine = result.predictions[exported.bundle.id]
                np.testing.assert_allclose(mine.probabilities, other.probabilities, atol=LIMIT)
        for camera in range(3):
            together.forget(f"{camera}")


def test_behind_the_motion_gate_a_still_picture_is_seen_until_the_whole_past_is_of_it(
    exported: Exported,
) -> None:
    states = len(exported.bundle.spec.encoder_state)
    gated = Recognizer(exported.bundle, device="cpu", threads=1, motion_gate=True)
    plain = Recognizer(exported.bundle, device="cpu", threads=1)
    picture = drawn_stream(exported.bundle.spec.size, 1)[0]
    for step in range(25):
        frame = Frame(picture, "door", step, step / 10, step / 10, step / 10)
        mine, other = gated.update(frame), plain.update(frame)
        assert mine is not None
        assert other is not None
        np.testing.assert_allclose(mine.probabilities, other.probabilities, atol=1e-6)
    assert gated.encoded == SETTLE_FRAMES + max(0, states - 1)
