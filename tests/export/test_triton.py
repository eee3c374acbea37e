"""Claims about the Triton repository, by the server's own published schema."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any

import onnx
import pytest
from google.protobuf import text_format

from actrec.export.triton import write_repository
from actrec.models import ModelError

from .conftest import Exported


@pytest.fixture(scope="module")
def schema(missing: Callable[[str], None]) -> Any:
    """The generated module of `model_config.proto`, taken out of tritonclient without the gRPC that it imports."""
    try:
        path = next(file for file in files("tritonclient") or () if file.name == "model_config_pb2.py")
    except (PackageNotFoundError, StopIteration):
        missing("needs the package tritonclient")
        raise
    spec = importlib.util.spec_from_file_location("model_config_pb2", str(path.locate()))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_config_fits_the_schema_and_the_graph(exported: Exported, schema: Any, tmp_path: Path) -> None:
    spec = exported.bundle.spec
    folder = write_repository(spec, exported.bundle.read("step.onnx"), tmp_path / "models") / spec.name
    config = text_format.Parse((folder / "config.pbtxt").read_text("utf-8"), schema.ModelConfig())
    graph = onnx.load(str(folder / "1" / "model.onnx")).graph
    kinds = {schema.TYPE_FP32: onnx.TensorProto.FLOAT, schema.TYPE_UINT8: onnx.TensorProto.UINT8}

    def port(entry: Any, name: str = "") -> tuple[str, int, list[int]]:
        return name or entry.name, kinds[entry.data_type], list(entry.dims)

    def of_graph(ports: Any) -> set[tuple[str, int, tuple[int, ...]]]:
        return {
            (
                p.name,
                p.type.tensor_type.elem_type,
                tuple(d.dim_value for d in p.type.tensor_type.shape.dim[1:]),
            )
            for p in ports
        }

    states = config.sequence_batching.state
    inputs = [port(entry) for entry in config.input] + [port(state, state.input_name) for state in states]
    outputs = [port(entry) for entry in config.output] + [port(state, state.output_name) for state in states]
    assert {(name, kind, tuple(dims)) for name, kind, dims in inputs} == of_graph(graph.input)
    assert {(name, kind, tuple(dims)) for name, kind, dims in outputs} == of_graph(graph.output)
    assert config.name == spec.name == folder.name
    assert config.max_batch_size > 1
    assert config.sequence_batching.WhichOneof("strategy_choice") == "oldest"
    for state in states:
        (start,) = state.initial_state
        assert start.zero_data
        assert list(start.dims) == list(state.dims)
    assert (folder / "labels.txt").read_text("utf-8").split() == list(spec.labels)


def test_a_field_that_the_schema_does_not_know_would_be_caught(schema: Any) -> None:
    with pytest.raises(text_format.ParseError):
        text_format.Parse('name: "x"\nsequence_batching { states { } }', schema.ModelConfig())


def test_a_folder_of_something_else_is_left_alone(exported: Exported, tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "thesis.txt").write_text("mine")
    with pytest.raises(ModelError, match="move it away"):
        write_repository(exported.bundle.spec, b"", tmp_path / "models")
    assert (tmp_path / "models" / "thesis.txt").read_text() == "mine"
