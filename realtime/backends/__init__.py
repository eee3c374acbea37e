"""What runs the graphs of a bundle: ONNX Runtime, and on demand TorchScript or OpenVINO."""

from .backend import Backend, Runtime, State, open_backend, open_step
from .graph import SPEC_KEY

__all__ = ["SPEC_KEY", "Backend", "Runtime", "State", "open_backend", "open_step"]
