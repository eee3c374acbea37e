"""actrec tells, live, what people are doing in front of a webcam or an IP camera.

The public face; whatever is not here may change. `watch` is the whole loop, `Recognizer` one frame of it.
"""

from .models import Bundle, ConfigError, ModelError, ModelSpec, SourceError, load_bundle, shipped_bundles
from .realtime import Event, Frame, Prediction, Recognizer, SourceOptions, watch

__all__ = [
    "Bundle",
    "ConfigError",
    "Event",
    "Frame",
    "ModelError",
    "ModelSpec",
    "Prediction",
    "Recognizer",
    "SourceError",
    "SourceOptions",
    "load_bundle",
    "shipped_bundles",
    "watch",
]
