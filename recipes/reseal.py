"""Writing a bundle again with another spec: its head carries a copy, and the seal is over everything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import onnx

from actrec.export.graphs import onnx_bytes
from actrec.models import Bundle, save_bundle


def reseal(bundle: Bundle, update: Mapping[str, Any], files: Mapping[str, bytes]) -> Bundle:
    """Write `bundle` with fields of its spec updated and with `files` added to, or in place of, its own."""
    spec = bundle.spec.model_copy(update=dict(update))
    contents = {name: bundle.read(name) for name in bundle.spec.files} | dict(files)
    head = onnx.load_from_string(contents["head.onnx"])
    contents["head.onnx"] = onnx_bytes(head, spec.embedded_text("model"))
    return save_bundle(bundle.folder, spec, contents)
