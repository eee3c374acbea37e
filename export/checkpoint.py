"""From a run to what an export needs: its network, the spec of its bundle, and its card."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ..models import CARD_FILE, ModelError, ModelSpec
from ..train.network import Network, load_network
from .graphs import refuse_bidirectional

_TOLD = (
    "temperature",
    "smoothing_s",
    "horizon_s",
    "rule",
    "rules",
    "multi_label",
    "training_data",
    "metrics",
)
"""Fields of the spec that a checkpoint may carry under the same key; the others follow from its network."""


@dataclass(frozen=True)
class Trained:
    """A network in eval mode, what its bundle says of it, and its model card."""

    network: Network
    spec: ModelSpec
    card: str


def read_trained(path: Path, *, name: str, size: int | None = None) -> Trained:
    """Read a run folder (its best checkpoint) or a checkpoint.

    name: of the bundle. size: side of the square in pixels, if another than it was trained at. The card is
    the run's README.md, or the checkpoint's `card`, or a short one made of the spec. Raises ModelError:
    no checkpoint, one that cannot be read safely, a bidirectional head, values that fit no spec.
    """
    file = find_checkpoint(path)
    network, saved = load_network(file)
    refuse_bidirectional(network)
    if size is not None and size != network.config.size:
        network = _resized(network, size, file)
    spec = make_spec(network, saved, name=name, where=str(file))
    written = file.parent / CARD_FILE
    if written.is_file():
        return Trained(network, spec, written.read_text(encoding="utf-8"))
    told = str(saved.get("card") or "")
    return Trained(network, spec, told if told.startswith("#") else make_card(spec, told))


def find_checkpoint(path: Path) -> Path:
    """Return the checkpoint itself, or the best (else the last) one of a run folder. Raises ModelError."""
    if not path.is_dir():
        return path
    for name in ("best.ckpt", "last.ckpt"):
        if (path / name).is_file():
            return path / name
    raise ModelError(f"{path}: no best.ckpt or last.ckpt in it; give a run folder that actrec-train wrote")


def make_spec(network: Network, saved: Mapping[str, Any], *, name: str, where: str) -> ModelSpec:
    """Return the spec of a network's bundle; `saved` is the whole checkpoint. Raises ModelError."""
    config = network.config
    told = {key: saved[key] for key in _TOLD if key in saved}
    values = {
        "name": safe_name(name),
        "labels": config.labels,
        "background": config.background,
        "fps": config.fps,
        "size": config.size,
        "resize": config.resize,
        "features": network.encoder.features,
        "encoder_state": network.encoder.state_specs,
        "head_state": network.head.state_specs,
        "cell": config.cell,
        "layers": config.layers,
        "hidden": config.hidden,
        "backbone": config.backbone,
        "backbone_licence": network.licence,
        "training_data": "not told",
    }
    try:
        return ModelSpec.model_validate(values | told)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "spec"
        raise ModelError(f"{where}: {place}: {first['msg']}; train again with this actrec") from None


def make_card(spec: ModelSpec, told: str = "") -> str:
    """Return a short model card; `told` is what the training has to say of itself."""
    figures = "".join(f"| {name} | {value:.4g} |\n" for name, value in spec.metrics.items())
    measured = f"| figure | value |\n| --- | --- |\n{figures}" if figures else "Nothing was measured yet.\n"
    background = f" Background, which makes no event: {spec.background}." if spec.background else ""
    return (
        f"# {spec.name}\n\n"
        f"Labels: {', '.join(spec.labels)}.{background}\n\n"
        f"Sees {spec.fps:g} frames a second of {spec.size} x {spec.size} pixels ({spec.resize}); "
        f"{spec.layers} x {spec.cell.upper()} of {spec.hidden} on {spec.backbone} ({spec.backbone_licence}).\n\n"
        + (told or f"Training data: {spec.training_data}.\n\n{measured}")
    )


def safe_name(text: str) -> str:
    """Return `text` as a bundle may be called: lower case, digits, `-` and `_`."""
    return re.sub(r"[^a-z0-9_-]+", "-", text.lower()).strip("-_")[:64] or "model"


def _resized(network: Network, size: int, where: Path) -> Network:
    if not 16 <= size <= 1024:
        raise ModelError(f"--size {size}: want 16 to 1024 pixels")
    other = Network(network.config.model_copy(update={"size": size}), pretrained=False)
    try:
        other.load_state_dict(network.state_dict())
    except RuntimeError:
        backbone = network.config.backbone
        raise ModelError(
            f"{where}: {backbone} is tied to {network.config.size} pixels; export it without --size"
        ) from None
    return other.eval()
