"""A model repository for NVIDIA Triton: the fused step, its state kept by the server for each sequence."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from ..models import ModelError, ModelSpec, StateSpec

MAX_BATCH = 16
MAX_STREAMS = 256
IDLE_S = 60
_TYPES = {"float32": "TYPE_FP32", "uint8": "TYPE_UINT8"}


def write_repository(spec: ModelSpec, step_graph: bytes, folder: Path) -> Path:
    """Write `folder/<name>/{config.pbtxt,labels.txt,1/model.onnx}`, whole or not at all; return `folder`.

    step_graph: the file of the fused graph. A client sends `frame` with a sequence id of its own for each
    camera and gets `logits`; an older repository there is replaced. Raises ModelError when `folder` holds
    something else.
    """
    if folder.exists() and not (folder / spec.name / "config.pbtxt").is_file():
        raise ModelError(f"{folder}: holds something that is not a repository of {spec.name}; move it away")
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        version = scratch / spec.name / "1"
        version.mkdir(parents=True)
        (version / "model.onnx").write_bytes(step_graph)
        (scratch / spec.name / "labels.txt").write_text(
            "".join(f"{label}\n" for label in spec.labels), "utf-8"
        )
        (scratch / spec.name / "config.pbtxt").write_text(triton_config(spec), "utf-8")
        scratch.chmod(0o755)
        shutil.rmtree(folder, ignore_errors=True)
        scratch.rename(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return folder


def triton_config(spec: ModelSpec) -> str:
    """Return the `config.pbtxt` of the fused step; dims leave out the batch axis, which the server adds."""
    states = "".join(_state(state) for state in (*spec.encoder_state, *spec.head_state))
    return f"""\
name: "{spec.name}"
backend: "onnxruntime"
max_batch_size: {MAX_BATCH}
input {{
  name: "frame"
  data_type: TYPE_UINT8
  dims: [ {spec.size}, {spec.size}, 3 ]
}}
output {{
  name: "logits"
  data_type: TYPE_FP32
  dims: [ {len(spec.labels)} ]
  label_filename: "labels.txt"
}}
sequence_batching {{
  max_sequence_idle_microseconds: {IDLE_S * 1_000_000}
  oldest {{
    max_candidate_sequences: {MAX_STREAMS}
    max_queue_delay_microseconds: 5000
  }}
{states}}}
"""


def _state(state: StateSpec) -> str:
    kind, dims = _TYPES[state.dtype], ", ".join(str(axis) for axis in state.shape)
    return f"""\
  state {{
    input_name: "{state.name}"
    output_name: "next_{state.name}"
    data_type: {kind}
    dims: [ {dims} ]
    initial_state {{
      name: "zeros of {state.name}"
      data_type: {kind}
      dims: [ {dims} ]
      zero_data: true
    }}
  }}
"""
