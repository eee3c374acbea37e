"""Where frames come from: cameras, streams, files and the drawn demo."""

from __future__ import annotations

from .feed import Feed, FeedStatus
from .open import SourceOptions, SourceSpec, open_feeds, parse_source, redact

__all__ = ["Feed", "FeedStatus", "SourceOptions", "SourceSpec", "open_feeds", "parse_source", "redact"]
