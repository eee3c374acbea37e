"""Claims about the files of an exported bundle: what is in them, and what is not."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from actrec.export.checkpoint import read_trained
from actrec.export.frames import drawn_stream
from actrec.export.graphs import export_onnx, onnx_bytes, plan_encoder
from actrec.export.quantize import calibration_feeds, to_fp16, to_int8
from actrec.export.run import Draft, Wish
from actrec.models import ModelError, ModelSpec, load_bundle
from actrec.realtime.backends import SPEC_KEY, open_backend

from .conftest import Exported, save_run

LOOPS = {"Loop", "If", "Scan"}


def graphs(exported: Exported) -> dict[str, onnx.ModelProto]:
    bundle = exported.bundle
    return {
        name: onnx.load_from_string(bundle.read(name)) for name in bundle.spec.files if name.endswith(".onnx")
    }


def test_only_standard_ops_without_loops_and_with_free_batch_and_time(exported: Exported) -> None:
    found = graphs(exported)
    assert set(found) == {"encoder.onnx", "head.onnx", "step.onnx"}
    for graph in found.values():
        onnx.checker.check_model(graph, full_check=True)
        assert [entry.domain for entry in graph.opset_import] == [""]
        assert not LOOPS.intersection(node.op_type for node in graph.graph.node)
        assert all(port.type.tensor_type.shape.dim[0].dim_param for port in graph.graph.input)
    head = found["head.onnx"]
    assert head.graph.input[0].type.tensor_type.shape.dim[1].dim_param
    assert {"GRU", "LSTM"}.intersection(node.op_type for node in head.graph.node)


def test_each_file_says_what_it_is(exported: Exported) -> None:
    spec = exported.bundle.spec
    for name, graph in graphs(exported).items():
        told = {entry.key: entry.value for entry in graph.metadata_props}
        assert told == {SPEC_KEY: spec.embedded_text("encoder" if name.startswith("encoder") else "model")}
    for name in ("encoder.ts", "head.ts"):
        archive = zipfile.ZipFile(io.BytesIO(exported.bundle.read(name)))
        entry = next(entry for entry in archive.namelist() if entry.endswith(f"extra/{SPEC_KEY}"))
        assert archive.read(entry).decode() == spec.embedded_text(
            "encoder" if name == "encoder.ts" else "model"
        )
    assert '"labels"' in spec.embedded_text("model")


def test_no_file_names_a_path_of_the_machine_that_exported(exported: Exported) -> None:
    for name in exported.bundle.spec.files:
        data = exported.bundle.read(name)
        parts = [data]
        if name.endswith(".ts"):
            archive = zipfile.ZipFile(io.BytesIO(data))
            parts = [archive.read(entry) for entry in archive.namelist()]
        for part in parts:
            assert b"site-packages" not in part
            assert str(Path(__file__).parents[2]).encode() not in part


def test_models_on_one_encoder_carry_the_same_file(tmp_path: Path, exported: Exported) -> None:
    encoder = onnx.load_from_string(exported.bundle.read("encoder.onnx"))
    other: ModelSpec = exported.bundle.spec.model_copy(
        update={"name": "other", "labels": ("x", "y"), "background": None, "training_data": "elsewhere"}
    )
    assert onnx_bytes(encoder, other.embedded_text("encoder")) == exported.bundle.read("encoder.onnx")


def test_an_export_again_gives_the_same_encoder(exported: Exported) -> None:
    trained = read_trained(exported.run, name="small")
    again = onnx_bytes(export_onnx(plan_encoder(trained.network)), trained.spec.embedded_text("encoder"))
    assert again == exported.bundle.read("encoder.onnx")


def test_another_size_and_opset_are_heeded(tmp_path: Path) -> None:
    run, _ = save_run(tmp_path / "run")
    trained = read_trained(run, name="small", size=48)
    assert trained.spec.size == 48
    assert trained.spec.encoder_state[0].shape[1:] == (48, 48)
    graph = export_onnx(plan_encoder(trained.network), opset=18)
    assert [entry.version for entry in graph.opset_import] == [18]
    assert [dim.dim_value for dim in graph.graph.input[0].type.tensor_type.shape.dim][1:] == [48, 48, 3]


def test_a_bidirectional_network_is_refused_with_the_reason(tmp_path: Path) -> None:
    run, _ = save_run(tmp_path / "run", bidirectional=True)
    with pytest.raises(ModelError, match=r"bidirectional.*a live stream has no end"):
        read_trained(run, name="small")


def test_int8_is_per_channel_and_leaves_the_picture_exact(export_run: Callable[..., Exported]) -> None:
    exported = export_run(cell="gru", input="compensated")
    bundle, frames = exported.bundle, drawn_stream(32, 40)
    encoder = onnx.load_from_string(bundle.read("encoder.onnx"))
    backend = open_backend(bundle, device="cpu", threads=1)
    feeds = calibration_feeds(backend, frames)
    text = bundle.spec.embedded_text("encoder")
    kept = {}
    for name, keep in (("int8", (0, 0)), ("float", (2, 2))):
        small = to_int8(encoder, feeds, keep=keep)
        scales = {
            item.name: item.dims for item in small.graph.initializer if item.name.endswith("weight_scale")
        }
        assert any(len(dims) == 1 and dims[0] > 1 for dims in scales.values()), "one scale for each channel"
        kept[name] = sum(node.op_type == "DequantizeLinear" for node in small.graph.node)
        data = onnx_bytes(small, text)
        contents = {**{file: bundle.read(file) for file in bundle.spec.files}, "encoder.int8.onnx": data}
        spec = bundle.spec.model_copy(update={"files": dict.fromkeys(contents, "0" * 64)})
        other = open_backend(Draft(bundle.folder, spec, contents), precision="int8", device="cpu", threads=1)
        state = wanted_state = backend.encoder_start(1)
        for frame in frames[:6]:
            features, state = other.encode(frame[None], state)
            wanted, wanted_state = backend.encode(frame[None], wanted_state)
            np.testing.assert_array_equal(state["encoder_state_0"], wanted_state["encoder_state_0"])
            away = np.linalg.norm(features - wanted) / np.linalg.norm(wanted)
            assert away < 0.25
    assert kept["float"] < kept["int8"]


def test_fp16_halves_the_file_and_hardly_moves_the_features(exported: Exported) -> None:
    bundle = exported.bundle
    encoder = onnx.load_from_string(bundle.read("encoder.onnx"))
    half = to_fp16(encoder)
    onnx.checker.check_model(half, full_check=True)
    data = onnx_bytes(half, bundle.spec.embedded_text("encoder"))
    assert len(data) < 0.65 * len(bundle.read("encoder.onnx"))
    contents = {**{file: bundle.read(file) for file in bundle.spec.files}, "encoder.fp16.onnx": data}
    spec = bundle.spec.model_copy(update={"files": dict.fromkeys(contents, "0" * 64)})
    backend = open_backend(bundle, device="cpu", threads=1)
    other = open_backend(Draft(bundle.folder, spec, contents), precision="fp16", device="cpu", threads=1)
    state = backend.encoder_start(1)
    for frame in drawn_stream(32, 6):
        features, after = other.encode(frame[None], state)
        wanted, state = backend.encode(frame[None], state)
        for name, array in state.items():
            if array.dtype == np.uint8:
                np.testing.assert_array_equal(after[name], array)
            else:
                np.testing.assert_allclose(after[name], array, atol=0.02 * float(np.abs(array).max()))
        np.testing.assert_allclose(features, wanted, atol=0.02 * float(np.abs(wanted).max()))


def test_what_was_exported_loads_with_its_card(exported: Exported) -> None:
    bundle = load_bundle(exported.bundle.folder)
    assert bundle.spec.files == exported.bundle.spec.files
    assert b"drawn weights" in bundle.read("README.md")
    assert Wish().verify == 100
