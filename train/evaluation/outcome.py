"""All that an evaluation found, as one value that can be written as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...models import ModelSpec
from .answers import Answers
from .clip_frames import Camera
from .clip_report import ClipReport
from .intervals import wilson
from .memory import Switch
from .stream_report import Judged, StreamReport
from .tables import Table, camera_hits, camera_table, clip_tables, memory_table, rule_table, stream_tables
from .thresholds import Choice

SCHEMA = "actrec.evaluation/1"
_NOT_WRITTEN = {"probabilities", "truth"}


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What was judged, on what, and what came out; parts that were not asked for are None or empty."""

    model: str
    spec: ModelSpec
    data: str
    selection: str
    clips: ClipReport
    streams: StreamReport | None
    judged: Sequence[Judged]
    switches: Sequence[Switch]
    cameras: Mapping[Camera, Answers]
    rules: Mapping[str, Choice]
    per_hour: float
    seconds: Mapping[str, float]

    def tables(self) -> list[Table]:
        """Return every table."""
        tables = clip_tables(self.clips)
        if self.streams is not None:
            tables += stream_tables(self.streams)
        if self.switches:
            tables.append(memory_table(self.switches))
        if self.cameras:
            tables.append(camera_table(self.cameras, self.spec.labels, self.spec.fps))
        if self.rules:
            tables.append(rule_table(self.rules, self.per_hour))
        return tables

    def to_dict(self) -> dict[str, Any]:
        """Return plain values; a figure that does not exist is null."""
        cameras = {}
        for camera, answers in self.cameras.items():
            hits, clips = camera_hits(answers, self.spec.labels)
            name = camera if isinstance(camera, str) else f"{camera:g}"
            top1 = hits / clips if clips else math.nan
            cameras[name] = {"top1": top1, "clips": clips, "interval": wilson(hits, clips)}
        clips = plain(self.clips)
        clips |= clips.pop("figures")
        found: dict[str, Any] = {
            "schema": SCHEMA,
            "model": self.model,
            "data": self.data,
            "selection": self.selection,
            "labels": list(self.spec.labels),
            "background": self.spec.background,
            "temperature": self.spec.temperature,
            "clips": clips,
            "stream": self.streams,
            "switch": self.switches or None,
            "cameras": cameras or None,
            "rules": self.rules or None,
            "seconds": self.seconds,
        }
        return {name: plain(value) for name, value in found.items() if value is not None}

    def write_json(self, path: Path) -> None:
        """Write one JSON object."""
        text = json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False)
        path.write_text(text + "\n", encoding="utf-8")


def plain(value: Any) -> Any:
    """Return dataclasses (with their properties), mappings and arrays as JSON has them; NaN becomes None."""
    if is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in fields(value) if field.name not in _NOT_WRITTEN]
        names += [name for name, part in vars(type(value)).items() if isinstance(part, property)]
        return {name: plain(getattr(value, name)) for name in names}
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    return value
