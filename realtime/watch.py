"""The loop in one call, for people who write Python: `for event in watch("rtsp://...", "weizmann"): ...`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ..models import Bundle, ConfigError, Precision, load_bundle
from .backends import Runtime
from .pipeline import Pipeline
from .recognizer import Recognizer, group_key
from .results import Event
from .sources import SourceOptions, open_feeds, parse_source
from .threads import encoder_threads

DEFAULT_MODEL = "everyday"


def build_recognizers(
    models: Sequence[str | Path | Bundle],
    *,
    device: str = "auto",
    threads: int = 1,
    runtime: Runtime = "onnx",
    precision: Precision | None = None,
    motion_gate: bool = False,
) -> list[Recognizer]:
    """Load models; those that share an encoder share a recognizer. Raises ModelError, ConfigError."""
    bundles = [model if isinstance(model, Bundle) else load_bundle(model) for model in models]
    groups: dict[tuple[object, ...], list[Bundle]] = {}
    for bundle in bundles:
        groups.setdefault(group_key(bundle, runtime, precision), []).append(bundle)
    return [
        Recognizer(
            *group,
            device=device,
            threads=threads,
            runtime=runtime,
            precision=precision,
            motion_gate=motion_gate,
        )
        for group in groups.values()
    ]


def watch(
    sources: str | Sequence[str],
    model: str | Path | Bundle | Sequence[str | Path | Bundle] = DEFAULT_MODEL,
    *,
    device: str = "auto",
    threads: int | None = None,
    threshold: float | None = None,
    duration_s: float | None = None,
    motion_gate: bool = False,
    options: SourceOptions | None = None,
) -> Iterator[Event]:
    """Yield the events of one or many sources as they happen.

    sources: what `actrec-live --source` takes. threshold: replaces every label's `enter` threshold. motion_gate:
    skip the encoder, and the conversion of pictures, while nothing moves. The
    iteration ends when all sources have ended; leave it with `break` at any time. Raises SourceError if a
    source cannot be opened, ModelError, ConfigError.
    """
    texts = [sources] if isinstance(sources, str) else list(sources)
    models = [model] if isinstance(model, (str, Path, Bundle)) else list(model)
    options = replace(options or SourceOptions(), lazy=motion_gate)
    if not texts:
        raise ConfigError("sources: got none, want at least one; give 0, a file or an address")
    feeds = open_feeds([parse_source(text) for text in texts], options)
    recognizers = build_recognizers(
        models, device=device, threads=threads or encoder_threads(len(feeds)), motion_gate=motion_gate
    )
    pipeline = Pipeline(
        feeds,
        recognizers,
        threshold=threshold,
        max_staleness_s=options.max_staleness_s,
        duration_s=duration_s,
    )
    for item in pipeline.steps():
        yield from item if isinstance(item, tuple) else item.events
    for feed in feeds:
        if feed.error is not None:
            raise feed.error
