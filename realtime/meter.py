"""Measuring so that ratios hold on a machine that does other things too.

Stages run in turns, a few calls each, again and again: what else the machine does then falls on all of them
alike. The warm-up is left out, and the figures of a stage are those over all its turns.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

TURN = 5
"""Calls of one turn of a stage."""


@dataclass(frozen=True)
class Timing:
    """What one call costs: wall time in ms (median, 95th and 99th percentile), processor time in ms (median)."""

    name: str
    p50: float
    p95: float
    p99: float
    cpu: float
    calls: int


class Meter:
    """Gathers the calls of one stage."""

    def __init__(self, name: str, call: Callable[[], object]) -> None:
        self.name = name
        self._call = call
        self._wall: list[float] = []
        self._cpu: list[float] = []

    def turn(self, calls: int, *, note: bool = True) -> None:
        """Make some calls."""
        for _ in range(calls):
            cpu, wall = time.process_time(), time.perf_counter()
            self._call()
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            if note:
                self._wall.append(wall)
                self._cpu.append(cpu)

    def timing(self) -> Timing:
        """Return the figures."""
        p50, p95, p99 = (float(value) * 1e3 for value in np.percentile(self._wall, (50, 95, 99)))
        return Timing(self.name, p50, p95, p99, float(np.median(self._cpu)) * 1e3, len(self._wall))


def take_turns(
    meters: Sequence[Meter], turns: int, calls: int = TURN, advance: Callable[[], None] = lambda: None
) -> list[Timing]:
    """Warm all stages up, then let them take turns of some calls each; return their figures in order."""
    for meter in meters:
        meter.turn(calls, note=False)
    for _ in range(turns):
        for meter in meters:
            meter.turn(calls)
        advance()
    return [meter.timing() for meter in meters]


def memory_mb() -> dict[str, float]:
    """Return the resident memory of this process, now and at most, in MB; empty where the system does not say."""
    try:
        with open("/proc/self/status", encoding="ascii") as file:  # noqa: PTH123
            lines = dict(line.split(":", 1) for line in file if line.startswith("Vm"))
        return {"now": int(lines["VmRSS"].split()[0]) / 1e3, "peak": int(lines["VmHWM"].split()[0]) / 1e3}
    except (OSError, KeyError, ValueError):
        return {}


def machine() -> dict[str, Any]:
    """Say what the figures were measured on."""
    import onnxruntime

    return {
        "cores": os.cpu_count(),
        "processor": _processor(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "onnxruntime": onnxruntime.__version__,
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:  # noqa: PTH123
            return next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or "unknown"


def rounded(timing: Any) -> dict[str, Any]:
    """Return a timing as it stands in the JSON, times rounded to a microsecond."""
    return {
        key: round(value, 3) if isinstance(value, float) else value for key, value in asdict(timing).items()
    }
