"""The end of `--init BUNDLE`: a bundle at once, with the encoder's own files and the new head."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..models import CARD_FILE, Bundle, EventRule, ModelError, save_bundle
from ..realtime.backends import SPEC_KEY, open_backend
from .network import Network

STEPS, LIMIT = 50, 1e-3


def write_bundle(folder: Path, name: str, network: Network, saved: dict[str, Any], origin: Bundle) -> Bundle:
    """Write `network`'s head beside the encoder files of `origin`, and prove it on a chain of steps.

    Two bundles with the same encoder file share one pass over a frame. `saved` is the checkpoint. Raises
    ModelError if the graph's answers differ from PyTorch's.
    """
    config = network.config
    encoder_files = {file: origin.read(file) for file in origin.spec.files if _carries_over(file)}
    spec = origin.spec.model_copy(
        update={
            "name": name,
            "labels": config.labels,
            "background": config.background,
            "multi_label": False,
            "head_state": network.head.state_specs,
            "cell": config.cell,
            "layers": config.layers,
            "hidden": config.hidden,
            "temperature": saved["temperature"],
            "smoothing_s": saved["smoothing_s"],
            "horizon_s": saved["horizon_s"],
            "rule": EventRule(),
            "rules": {label: EventRule(**rule) for label, rule in saved["rules"].items()},
            "training_data": saved["training_data"],
            "metrics": saved["metrics"],
            "files": {},
            "seal": "",
        }
    )
    spec = type(spec).model_validate(spec.model_dump())
    card = f"# {name}\n\nThe encoder is that of {origin.id}; the head is new.\n\n{saved['card']}"
    head = _trace_head(network, spec.embedded_text("model"))
    bundle = save_bundle(folder, spec, {**encoder_files, "head.onnx": head, CARD_FILE: card.encode()})
    _prove(network, bundle)
    return bundle


def _carries_over(file: str) -> bool:
    return file.startswith("encoder") and file.endswith(".onnx")


@torch.inference_mode()
def _trace_head(network: Network, text: str) -> bytes:
    import onnx

    file = io.BytesIO()
    inputs = (torch.zeros(2, 3, network.encoder.features), network.head.start(2))
    axes = {
        "features": {0: "streams", 1: "time"},
        "state": {0: "streams"},
        "logits": {0: "streams", 1: "time"},
    }
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # a head of four layers traces well, in a tenth of the dynamo exporter's time
        torch.onnx.export(
            network.head.eval(), inputs, file, dynamo=False, opset_version=18,  # type: ignore[arg-type]
            input_names=["features", "state"], output_names=["logits", "next_state"],
            dynamic_axes={**axes, "next_state": {0: "streams"}},
        )  # fmt: skip
    graph = onnx.load_from_string(file.getvalue())
    for output in graph.graph.output:  # the tracer forgets the fixed axes of some outputs
        shape = (
            (len(network.config.labels),) if output.name == "logits" else network.head.state_specs[0].shape
        )
        dims = output.type.tensor_type.shape.dim
        for dim, size in zip(dims[-len(shape) :], shape, strict=True):
            dim.dim_value = size
    graph.metadata_props.add(key=SPEC_KEY, value=text)
    return bytes(graph.SerializeToString(deterministic=True))


@torch.inference_mode()
def _prove(network: Network, bundle: Bundle) -> None:
    backend = open_backend(
        bundle, precision="fp32" if "encoder.onnx" in bundle.spec.files else None, device="cpu"
    )
    features = np.random.default_rng(0).random((2, STEPS, bundle.spec.features), np.float32)
    wanted, _ = network.head(torch.from_numpy(features), network.head.start(2))
    state, worst = backend.head_start(2), 0.0
    for step in range(STEPS):
        logits, state = backend.step(features[:, step : step + 1], state)
        worst = max(worst, float(np.abs(logits[:, 0] - wanted[:, step].numpy()).max()))
    if worst > LIMIT:
        raise ModelError(
            f"{bundle.folder}: the head's graph differs by {worst:.2g} from PyTorch, at most {LIMIT:g}"
        )
