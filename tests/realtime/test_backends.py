"""Claims about what runs a bundle: what it accepts, what it refuses, and that it refuses in one line."""

from __future__ import annotations

import hashlib
import random
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

sys.path.insert(0, str(Path(__file__).parent.parent))

from light_model import save_light_model

from actrec.models import Bundle, ConfigError, ModelError, load_bundle, save_bundle
from actrec.realtime.backends import SPEC_KEY, open_backend


@pytest.fixture(scope="module")
def light(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return save_light_model(tmp_path_factory.mktemp("light") / "light")


def resealed(bundle: Bundle, folder: Path, **files: bytes) -> Bundle:
    """Write the bundle anew with other files under hashes that fit: damage that only the contents can show."""
    contents = {name: bundle.read(name) for name in bundle.spec.files}
    return save_bundle(
        folder, bundle.spec, contents | {name.replace("_onnx", ".onnx"): data for name, data in files.items()}
    )


def changed(bundle: Bundle, name: str, change: Callable[[onnx.ModelProto], None]) -> bytes:
    graph = onnx.load_from_string(bundle.read(name))
    change(graph)
    return graph.SerializeToString()


def test_state_goes_in_and_comes_out_and_is_kept_nowhere(light: Bundle) -> None:
    backend = open_backend(light, device="cpu", threads=1)
    bright = np.full((1, 16, 16, 3), 200, np.uint8)
    start = backend.encoder_start(1)
    first, after = backend.encode(bright, start)
    again, _ = backend.encode(bright, start)
    np.testing.assert_array_equal(first, again)
    dark, _ = backend.encode(np.zeros_like(bright), after)
    fresh, _ = backend.encode(np.zeros_like(bright), start)
    assert dark[0, 0] > fresh[0, 0] + 0.3, "the brightness of the frame before is in the state"
    logits, state = backend.step(first[:, None], backend.head_start(1))
    assert logits.shape == (1, 1, 2)
    assert state["state"].shape == (1, 1, 1)


@pytest.mark.parametrize("name", ["spec.json", "encoder.onnx", "head.onnx"])
def test_a_thousand_flipped_bytes_are_a_thousand_model_errors(
    light: Bundle, tmp_path: Path, name: str
) -> None:
    folder = shutil.copytree(light.folder, tmp_path / "light")
    whole, rng = (folder / name).read_bytes(), random.Random(name)
    for _ in range(1000):
        broken = bytearray(whole)
        broken[rng.randrange(len(broken))] ^= 1 << rng.randrange(8)
        (folder / name).write_bytes(broken)
        with pytest.raises(ModelError):
            load_bundle(folder)
    (folder / name).write_bytes(whole)
    load_bundle(folder)


@pytest.mark.parametrize("name", ["spec.json", "encoder.onnx", "head.onnx"])
def test_a_truncated_or_empty_or_missing_file_is_a_model_error(
    light: Bundle, tmp_path: Path, name: str
) -> None:
    folder = shutil.copytree(light.folder, tmp_path / "light")
    whole = (folder / name).read_bytes()
    for length in {0, 1, len(whole) // 2, len(whole) - 1, *range(2, len(whole), max(1, len(whole) // 50))}:
        (folder / name).write_bytes(whole[:length])
        with pytest.raises(ModelError):
            load_bundle(folder)
    (folder / name).unlink()
    with pytest.raises(ModelError, match="not whole"):
        load_bundle(folder)


def test_a_file_that_changes_after_loading_is_refused_before_a_session_is_made(
    light: Bundle, tmp_path: Path
) -> None:
    bundle = load_bundle(shutil.copytree(light.folder, tmp_path / "light"))
    (bundle.folder / "head.onnx").write_bytes(b"something else")
    with pytest.raises(ModelError, match="hash"):
        open_backend(bundle, device="cpu")


def test_damage_under_a_hash_that_fits_is_a_model_error_or_loads_whole(light: Bundle, tmp_path: Path) -> None:
    """Who makes the hashes fit can write what he likes: it must not crash, hang or load by half."""
    whole, rng = light.read("head.onnx"), random.Random(5)
    refused = 0
    for count in range(60):
        broken = bytearray(whole)
        for _ in range(1 + count % 8):
            broken[rng.randrange(len(broken))] ^= 1 << rng.randrange(8)
        bundle = resealed(light, tmp_path / f"light{count}", head_onnx=bytes(broken))
        try:
            open_backend(bundle, device="cpu", threads=1)
        except ModelError:
            refused += 1
    assert refused > 20


@pytest.mark.parametrize("runtime", ["onnx", "openvino"])
@pytest.mark.parametrize("data", [b"", b"not a graph", bytes(range(256)) * 64])
def test_what_is_no_graph_is_a_model_error(light: Bundle, tmp_path: Path, runtime: str, data: bytes) -> None:
    if runtime == "openvino":
        pytest.importorskip("openvino")
    bundle = resealed(light, tmp_path / "light", head_onnx=data)
    with pytest.raises(ModelError, match=r"head\.onnx"):
        open_backend(bundle, runtime=runtime, device="cpu")  # type: ignore[arg-type]


def test_a_graph_whose_ports_are_not_those_of_the_spec_is_a_model_error(
    light: Bundle, tmp_path: Path
) -> None:
    def dim(graph: onnx.ModelProto) -> None:
        graph.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 32

    def kind(graph: onnx.ModelProto) -> None:
        graph.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.FLOAT

    def name(graph: onnx.ModelProto) -> None:
        old = graph.graph.input[0].name
        graph.graph.input[0].name = "image"
        for node in graph.graph.node:
            for place, used in enumerate(node.input):
                node.input[place] = "image" if used == old else used

    for number, change in enumerate((dim, kind, name)):
        data = changed(light, "encoder.onnx", change)
        bundle = resealed(light, tmp_path / f"light{number}", encoder_onnx=data)
        with pytest.raises(ModelError, match=r"encoder\.onnx: .*(frames|cannot load)"):
            open_backend(bundle, device="cpu")


def test_a_graph_with_the_spec_of_another_model_or_none_is_a_model_error(
    light: Bundle, tmp_path: Path
) -> None:
    def other(graph: onnx.ModelProto) -> None:
        entry = next(entry for entry in graph.metadata_props if entry.key == SPEC_KEY)
        entry.value = entry.value.replace("bright", "bleak")

    def none(graph: onnx.ModelProto) -> None:
        del graph.metadata_props[:]

    for number, (change, message) in enumerate(((other, "differs"), (none, "not a graph of actrec"))):
        bundle = resealed(light, tmp_path / f"light{number}", head_onnx=changed(light, "head.onnx", change))
        with pytest.raises(ModelError, match=message):
            open_backend(bundle, device="cpu")


def test_a_graph_that_keeps_its_weights_in_another_file_is_a_model_error(
    light: Bundle, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(bytes(64))

    def outside(graph: onnx.ModelProto) -> None:
        graph.graph.initializer.append(onnx.helper.make_tensor("stolen", onnx.TensorProto.FLOAT, [1], [1.0]))
        tensor = graph.graph.initializer[-1]
        del tensor.float_data[:]
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value=str(secret))
        node = graph.graph.node[-1]
        output = node.output[0]
        node.output[0] = "before"
        graph.graph.node.append(onnx.helper.make_node("Add", ["before", "stolen"], [output], name="leak"))

    bundle = resealed(light, tmp_path / "light", head_onnx=changed(light, "head.onnx", outside))
    with pytest.raises(ModelError, match="cannot load"):
        open_backend(bundle, device="cpu")


def test_an_encoder_that_two_bundles_share_is_opened_once(light: Bundle, tmp_path: Path) -> None:
    other = light.spec.model_copy(update={"name": "other"})
    graph = onnx.load_from_string(light.read("head.onnx"))
    del graph.metadata_props[:]
    graph.metadata_props.add(key=SPEC_KEY, value=other.embedded_text("model"))
    files = {"encoder.onnx": light.read("encoder.onnx"), "head.onnx": graph.SerializeToString()}
    second = save_bundle(tmp_path / "other", other, files)
    assert second.encoder_hash() == light.encoder_hash()
    lender = open_backend(light, device="cpu")
    assert open_backend(second, device="cpu", lender=lender).encoder is lender.encoder
    assert open_backend(second, device="cpu").encoder is not lender.encoder


def test_wishes_that_cannot_be_met_say_what_would_mend_them(light: Bundle) -> None:
    with pytest.raises(ConfigError, match="onnx, torchscript or openvino"):
        open_backend(light, runtime="tensorrt")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="auto, cpu, cuda"):
        open_backend(light, device="gpu")
    with pytest.raises(ConfigError, match="at least 1"):
        open_backend(light, threads=0)
    with pytest.raises(ModelError, match=r"no encoder\.int8\.onnx"):
        open_backend(light, precision="int8", device="cpu")
    with pytest.raises(ModelError, match=r"no encoder\.ts"):
        open_backend(light, runtime="torchscript", device="cpu")


def test_a_gpu_that_is_not_there_is_said_and_auto_takes_the_cpu(light: Bundle) -> None:
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this machine has the CUDA provider")
    assert open_backend(light).device == "cpu"
    with pytest.raises(ConfigError, match="onnxruntime-gpu"):
        open_backend(light, device="cuda:0")


def test_a_bundle_of_an_older_or_newer_schema_is_refused_by_its_name(light: Bundle, tmp_path: Path) -> None:
    folder = shutil.copytree(light.folder, tmp_path / "light")
    for version in ("actrec.bundle/0", "actrec.bundle/2"):
        text = (light.folder / "spec.json").read_text("utf-8").replace("actrec.bundle/1", version)
        (folder / "spec.json").write_text(text, "utf-8")
        with pytest.raises(ModelError, match=version):
            load_bundle(folder)


def test_each_file_of_a_bundle_is_what_its_hash_says(light: Bundle) -> None:
    for name, wanted in light.spec.files.items():
        assert hashlib.sha256((light.folder / name).read_bytes()).hexdigest() == wanted
