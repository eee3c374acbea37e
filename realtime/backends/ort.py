"""ONNX Runtime: the default, on the CPU, or on an NVIDIA GPU where its provider is installed."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from ...models import ConfigError, ModelError
from .graph import SPEC_KEY, Arrays, Port, Signature, check_spec

_DTYPES = {"tensor(uint8)": "uint8", "tensor(float)": "float32"}


class OrtGraph:
    """A graph in an ONNX Runtime session."""

    def __init__(
        self, data: bytes, where: str, spec_text: str, signature: Signature, device: str, threads: int | None
    ) -> None:
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.log_severity_level = 3
        if threads is not None:
            options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # A pool that spins takes whole cores between two frames; another camera or the decoder can use them.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        providers = _providers(device)
        try:
            self._session = onnxruntime.InferenceSession(data, options, providers=providers)
            embedded = self._session.get_modelmeta().custom_metadata_map.get(SPEC_KEY)
            inputs, outputs = _ports(self._session.get_inputs()), _ports(self._session.get_outputs())
        except Exception as error:
            raise ModelError(
                f"{where}: ONNX Runtime cannot load it ({_first_line(error)}); export it again"
            ) from None
        used = self._session.get_providers()[0]
        if device.startswith("cuda") and used != "CUDAExecutionProvider":
            raise ConfigError(
                f"--device {device}: ONNX Runtime fell back to {used}; check the NVIDIA driver and CUDA"
            )
        self.device = "cuda" if used == "CUDAExecutionProvider" else "cpu"
        check_spec(where, embedded, spec_text)
        signature.check(where, inputs, outputs)
        self._outputs = [port.name for port in signature.outputs]

    def run(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        """Return every output by name for every input by name."""
        feeds = {name: np.ascontiguousarray(array) for name, array in inputs.items()}
        return dict(zip(self._outputs, self._session.run(self._outputs, feeds), strict=True))


def _providers(device: str) -> list[Any]:
    have = onnxruntime.get_available_providers()
    if device == "cpu" or (device == "auto" and "CUDAExecutionProvider" not in have):
        return ["CPUExecutionProvider"]
    if "CUDAExecutionProvider" not in have:
        raise ConfigError(
            f"--device {device}: this ONNX Runtime has no CUDA; pip install onnxruntime-gpu instead of onnxruntime"
        )
    number = int(device.partition(":")[2] or 0)
    # TF32 would cost the fourth decimal, and with it the same events on every machine.
    return [("CUDAExecutionProvider", {"device_id": number, "use_tf32": 0}), "CPUExecutionProvider"]


def _ports(nodes: Any) -> list[Port]:
    return [
        Port(
            node.name,
            _DTYPES.get(node.type, node.type),
            tuple(dim if isinstance(dim, int) else None for dim in node.shape or ()),
        )
        for node in nodes
    ]


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__
