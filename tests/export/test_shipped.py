"""Claims about the models that come with the package: the same answers in every runtime, on real video."""

from __future__ import annotations

import csv
import importlib.util
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from actrec.export.frames import read_stream
from actrec.export.graphs import export_torchscript, plan_encoder, plan_head
from actrec.export.parity import AGREEMENT, LIMIT, Chain, TorchRunner, compare, run_chain
from actrec.export.run import Parts
from actrec.models import Bundle, ModelSpec, load_bundle, shipped_bundles
from actrec.realtime.backends import Backend, Runtime, open_backend
from actrec.train.clips import Clip

from .restore import restore_network

STEPS = 500
SETS = {"weizmann": ("weizmann",), "fights": ("cctv_fights", "hockey_fights")}
EVERYDAY = ("weizmann", "home_falls", "push_ups", "ut_interaction")


def real_frames(folder: Path, spec: ModelSpec) -> NDArray[np.uint8]:
    """Return clips of the sets that a model is about, one after another, in an order drawn once."""
    wanted = SETS.get(spec.name, EVERYDAY)
    with (folder / "manifest.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["set"] in wanted]
    assert rows
    spans = [(float(row["start_s"] or 0), float(row["end_s"]) if row["end_s"] else None) for row in rows]
    clips = [
        Clip(folder / row["path"], row["label"], None, *span) for row, span in zip(rows, spans, strict=True)
    ]
    return read_stream(clips, spec, STEPS)


@pytest.fixture(scope="module", params=shipped_bundles())
def shipped(request: pytest.FixtureRequest, shared_data: Path) -> tuple[Bundle, NDArray[np.uint8], Chain]:
    bundle = load_bundle(request.param)
    frames = real_frames(shared_data, bundle.spec)
    return bundle, frames, run_chain(TorchRunner(restore_network(bundle), bundle.spec), frames)


def backends(bundle: Bundle) -> list[Backend]:
    """Return fp32 in every runtime; TorchScript is not shipped, so it is made anew from the same network."""
    network = restore_network(bundle)
    scripts = {
        "encoder.ts": export_torchscript(plan_encoder(network)), "head.ts": export_torchscript(plan_head(network)),
    }  # fmt: skip
    made = Parts("", scripts=scripts).bundle(bundle.folder, bundle.spec)
    found = [
        open_backend(bundle, precision="fp32", device="cpu", threads=1),
        open_backend(made, runtime="torchscript", device="cpu", threads=1),
    ]
    if importlib.util.find_spec("openvino") is not None:
        found.append(open_backend(bundle, runtime="openvino", precision="fp32", device="cpu", threads=1))
    return found


def test_some_models_are_shipped() -> None:
    assert "weizmann" in shipped_bundles()


def test_every_runtime_agrees_with_pytorch_over_500_steps_of_real_video(
    shipped: tuple[Bundle, NDArray[np.uint8], Chain],
) -> None:
    bundle, frames, wanted = shipped
    assert len(frames) == STEPS
    for backend in backends(bundle):
        parity = compare(wanted, run_chain(backend, frames), backend, frames, exact=True)
        where = f"{bundle.id} in {backend.runtime}"
        assert parity.fault() is None, where
        assert max(parity.logits, parity.state, parity.chunks, parity.batch) <= LIMIT, where
        assert parity.events > 3, f"{where}: a comparison of no events would say nothing"


def test_int8_says_the_same_of_500_steps_of_real_video(
    shipped: tuple[Bundle, NDArray[np.uint8], Chain],
) -> None:
    bundle, frames, wanted = shipped
    assert bundle.spec.precision == "int8"
    for runtime in runtimes():
        require_same_labels_and_events(bundle, runtime, frames, wanted)


def test_int8_sees_people_it_was_not_calibrated_on_as_fp32_does(shared_data: Path) -> None:
    bundle = load_bundle("weizmann")
    judged = weizmann_frames(shared_data, bundle.spec, lambda actor: actor in ("ido", "shahar"))
    exact = open_backend(bundle, precision="fp32", device="cpu", threads=1)
    for runtime in runtimes():
        require_same_labels_and_events(bundle, runtime, judged, run_chain(exact, judged))


def runtimes() -> list[Runtime]:
    """Return the runtimes that run an int8 graph here."""
    return ["onnx", "openvino"] if importlib.util.find_spec("openvino") is not None else ["onnx"]


def require_same_labels_and_events(
    bundle: Bundle, runtime: Runtime, frames: NDArray[np.uint8], wanted: Chain
) -> None:
    """Hold the shipped int8 encoder against what fp32 said."""
    small = open_backend(bundle, runtime=runtime, precision="int8", device="cpu", threads=1)
    parity = compare(wanted, run_chain(small, frames), small, frames, exact=False)
    where = f"{bundle.id} in {runtime}"
    assert parity.agreement >= AGREEMENT, where
    assert parity.events_moved_s <= parity.interval_s + 1e-6, where
    assert parity.events > 3, f"{where}: a comparison of no events would say nothing"


def weizmann_frames(folder: Path, spec: ModelSpec, take: Callable[[str], bool]) -> NDArray[np.uint8]:
    """Return the frames of some actors' clips, one clip after another."""
    with (folder / "manifest.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["set"] == "weizmann" and take(row["group"])]
    return read_stream([Clip(folder / row["path"], row["label"]) for row in rows], spec, STEPS)
