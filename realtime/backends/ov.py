"""OpenVINO: an optional runtime for Intel processors, on the same ONNX files."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...models import ConfigError, ModelError
from .graph import SPEC_KEY, Arrays, Port, Signature, check_spec

_DTYPES = {"f32": "float32", "u8": "uint8"}


class OpenVinoGraph:
    """A graph compiled by OpenVINO for the CPU."""

    device = "cpu"

    def __init__(
        self, data: bytes, where: str, spec_text: str, signature: Signature, device: str, threads: int | None
    ) -> None:
        try:
            import openvino
        except ImportError:
            raise ConfigError('--runtime openvino needs OpenVINO; pip install "actrec[openvino]"') from None
        if device not in ("auto", "cpu"):
            raise ConfigError(f"--device {device}: actrec runs OpenVINO on the CPU only; use --device cpu")
        # bfloat16, the default where the processor has it, would cost the third decimal.
        options: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
        if threads is not None:
            options["INFERENCE_NUM_THREADS"] = threads
        try:
            core = openvino.Core()
            model = core.read_model(model=data)
            compiled = core.compile_model(model, "CPU", options)
            inputs, outputs = _ports(compiled.inputs), _ports(compiled.outputs)
            embedded = _embedded(model)
        except Exception as error:
            raise ModelError(
                f"{where}: OpenVINO cannot load it ({_first_line(error)}); export it again"
            ) from None
        check_spec(where, embedded, spec_text)
        signature.check(where, inputs, outputs)
        self._request = compiled.create_infer_request()
        self._outputs = [port.name for port in signature.outputs]

    def run(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        """Return every output by name for every input by name."""
        self._request.infer({name: np.ascontiguousarray(array) for name, array in inputs.items()})
        return {name: self._request.get_tensor(name).data.copy() for name in self._outputs}


def _embedded(model: Any) -> str | None:
    """Return the spec in the ONNX metadata, which OpenVINO keeps under `framework`."""
    try:
        return str(model.get_rt_info(["framework", SPEC_KEY]).astype(str))
    except RuntimeError:
        return None


def _ports(nodes: Any) -> list[Port]:
    return [
        Port(
            node.get_any_name(),
            _DTYPES.get(node.get_element_type().get_type_name(), node.get_element_type().get_type_name()),
            tuple(dim.get_length() if dim.is_static else None for dim in node.get_partial_shape()),
        )
        for node in nodes
    ]


def _first_line(error: Exception) -> str:
    lines = [line for line in str(error).strip().splitlines() if line.strip()]
    return lines[0][:200] if lines else type(error).__name__
