"""Claims about bias correction: rounded weights, and means that stay where they were."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from actrec.export.bias import correct_bias, on_int8_grid


def two_layers(seed: int) -> onnx.ModelProto:
    """Return two convolutions with a ReLU between them; the second has no bias."""
    rng = np.random.default_rng(seed)
    weights = {
        "w1": rng.normal(size=(8, 3, 3, 3)), "b1": rng.normal(size=8), "w2": rng.normal(size=(5, 8, 1, 1)),
    }  # fmt: skip
    weights["w2"][4] = 0.0  # a channel that says nothing has no scale
    nodes = [
        helper.make_node("Conv", ["x", "w1", "b1"], ["a"], name="first"),
        helper.make_node("Relu", ["a"], ["r"], name="relu"),
        helper.make_node("Conv", ["r", "w2"], ["y"], name="second"),
    ]
    ports = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", "c", "h", "w"]) for name in ("x", "y")
    ]
    arrays = [numpy_helper.from_array(array.astype(np.float32), name) for name, array in weights.items()]
    graph = helper.make_graph(nodes, "two", ports[:1], ports[1:], arrays)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)


def means(model: onnx.ModelProto, feeds: list[dict[str, NDArray[np.float32]]]) -> NDArray[np.float64]:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.mean([session.run(["y"], feed)[0].mean(axis=(0, 2, 3)) for feed in feeds], axis=0)


def still_pictures(count: int) -> list[dict[str, NDArray[np.float32]]]:
    """Return pictures that are nearly the same everywhere, as those of motion are."""
    rng = np.random.default_rng(1)
    return [{"x": (2.0 + 0.05 * rng.normal(size=(1, 3, 9, 9))).astype(np.float32)} for _ in range(count)]


def weights_of(model: onnx.ModelProto) -> dict[str, NDArray[np.float32]]:
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}


def test_weights_are_rounded_and_the_means_stay() -> None:
    model, feeds = two_layers(0), still_pictures(20)
    corrected = correct_bias(model, feeds, exact=())
    onnx.checker.check_model(corrected)
    before, after = weights_of(model), weights_of(corrected)
    for name in ("w1", "w2"):
        np.testing.assert_array_equal(after[name], on_int8_grid(before[name]))
    rounded = onnx.ModelProto()
    rounded.CopyFrom(model)
    for tensor in rounded.graph.initializer:
        if tensor.name.startswith("w"):
            tensor.CopyFrom(numpy_helper.from_array(after[tensor.name], tensor.name))
    away = np.abs(means(rounded, feeds) - means(model, feeds)).max()
    assert away > 1e-2, "rounding has to shift the means, else there is nothing to correct"
    np.testing.assert_allclose(means(corrected, feeds), means(model, feeds), atol=1e-4)


def test_what_is_to_stay_exact_stays() -> None:
    model = two_layers(3)
    corrected = correct_bias(model, still_pictures(4), exact={"first"})
    for name in ("w1", "b1"):
        np.testing.assert_array_equal(weights_of(corrected)[name], weights_of(model)[name])
    assert not np.array_equal(weights_of(corrected)["w2"], weights_of(model)["w2"])


def test_the_grid_has_127_steps_to_each_side() -> None:
    grid = on_int8_grid(np.array([[-2.0, 0.5, 1.0], [0.0, 0.0, 0.0]], np.float32))
    np.testing.assert_allclose(grid, [[-2.0, 32 / 63.5, 64 / 63.5], [0.0, 0.0, 0.0]], rtol=1e-6)
