"""TorchScript, for those who have PyTorch anyway: the only place where the live path imports it."""

from __future__ import annotations

import io
import os
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...models import ConfigError, ModelError
from .graph import SPEC_KEY, Arrays, Port, Signature, check_spec

_TRIAL_STREAMS = 2
_TRIAL_STEPS = 3


class TorchScriptGraph:
    """A graph in a TorchScript module, called by position in the order of its signature."""

    def __init__(
        self, data: bytes, where: str, spec_text: str, signature: Signature, device: str, threads: int | None
    ) -> None:
        # Threads that spin while they wait take whole cores from decoding; heeded if PyTorch is not loaded yet.
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        try:
            import torch
        except ImportError:
            raise ConfigError('--runtime torchscript needs PyTorch; pip install "actrec[train]"') from None
        self._torch = torch
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        if device.startswith("cuda") and not torch.cuda.is_available():
            raise ConfigError(f"--device {device}: this PyTorch sees no NVIDIA GPU; use --device cpu")
        if threads is not None:
            torch.set_num_threads(threads)
        self.device = device
        extra: dict[str, Any] = {SPEC_KEY: ""}
        try:
            with warnings.catch_warnings():
                # PyTorch announces that TorchScript gets no new features: no news for a stored graph.
                warnings.simplefilter("ignore")
                self._module: Any = torch.jit.load(  # type: ignore[no-untyped-call]
                    io.BytesIO(data), map_location=device, _extra_files=extra
                )
        except Exception as error:
            raise ModelError(
                f"{where}: PyTorch cannot load it ({_first_line(error)}); export it again"
            ) from None
        text = extra[SPEC_KEY]
        embedded = text.decode(errors="replace") if isinstance(text, bytes) else text
        check_spec(where, embedded or None, spec_text)
        self._inputs = [port.name for port in signature.inputs]
        self._outputs = [port.name for port in signature.outputs]
        self._try(where, signature)

    def run(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        """Return every output by name for every input by name."""
        torch = self._torch
        with torch.inference_mode():
            given = (
                torch.from_numpy(np.ascontiguousarray(inputs[name])).to(self.device) for name in self._inputs
            )
            results = self._module(*given)
        arrays = [result.cpu().numpy() for result in results]
        return dict(zip(self._outputs, arrays, strict=True))

    def _try(self, where: str, signature: Signature) -> None:
        """Run the graph once on zeros, because TorchScript states no shapes that could be read instead."""
        zeros = {port.name: np.zeros(_fill(port), port.dtype) for port in signature.inputs}
        try:
            found = self.run(zeros)
        except Exception as error:
            raise ModelError(
                f"{where}: does not run as its spec says ({_first_line(error)}); export it again"
            ) from None
        for port in signature.outputs:
            array = found[port.name]
            if array.shape != _fill(port) or array.dtype != port.dtype:
                got = f"{array.dtype} {list(array.shape)}"
                raise ModelError(
                    f"{where}: output {port.name} is {got}, the spec says {port}; export the model again"
                )


def _fill(port: Port) -> tuple[int, ...]:
    free = iter((_TRIAL_STREAMS, _TRIAL_STEPS))
    return tuple(next(free) if dim is None else dim for dim in port.dims)


def _first_line(error: Exception) -> str:
    lines = [line for line in str(error).strip().splitlines() if line.strip()]
    return lines[0][:200] if lines else type(error).__name__
