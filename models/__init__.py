"""The contract of the project: spec, bundle and the only preprocessing. No PyTorch in here."""

from .bundle import (
    CARD_FILE,
    SPEC_FILE,
    Bundle,
    encoder_file,
    load_bundle,
    names_shipped,
    passed_over,
    save_bundle,
    shipped_bundles,
)
from .errors import ConfigError, ModelError, SourceError
from .prepare import PrepareSpec, prepare
from .spec import EventRule, ModelSpec, Precision, Resize, StateSpec

__all__ = [
    "CARD_FILE",
    "SPEC_FILE",
    "Bundle",
    "ConfigError",
    "EventRule",
    "ModelError",
    "ModelSpec",
    "Precision",
    "PrepareSpec",
    "Resize",
    "SourceError",
    "StateSpec",
    "encoder_file",
    "load_bundle",
    "names_shipped",
    "passed_over",
    "prepare",
    "save_bundle",
    "shipped_bundles",
]
