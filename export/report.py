"""What an export came to: sizes, speed on this machine, and how far each file is from PyTorch."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from ..models import Bundle, ModelSpec, Precision
from ..realtime.backends import Runtime, open_backend
from .parity import Parity

THREADS = (1, 2)
_WARM_UP, _TIMED = 5, 30


@dataclass(frozen=True)
class Line:
    """One runtime and precision: its encoder's file, its proof, and ms per frame by threads."""

    file: str
    runtime: Runtime
    parity: Parity
    ms: Mapping[int, float]


def measure(
    bundle: Bundle, runtime: Runtime, precision: Precision, frames: NDArray[np.uint8]
) -> dict[int, float]:
    """Return the median time in ms of a frame, encoder and head together, by threads."""
    result = {}
    for threads in THREADS:
        backend = open_backend(bundle, runtime=runtime, precision=precision, device="cpu", threads=threads)
        encoder_state, head_state = backend.encoder_start(1), backend.head_start(1)
        times = []
        for count in range(_WARM_UP + _TIMED):
            frame = frames[count % len(frames)][None]
            began = time.perf_counter()
            features, encoder_state = backend.encode(frame, encoder_state)
            _, head_state = backend.step(features[:, None], head_state)
            times.append(time.perf_counter() - began)
        result[threads] = float(np.median(times[_WARM_UP:])) * 1e3
    return result


def print_table(spec: ModelSpec, sizes: Mapping[str, int], lines: Sequence[Line], note: str = "") -> None:
    """Print the table of an export to stdout, and a line below it."""
    table = Table(
        title=f"{spec.name}: {spec.backbone}, {spec.size} px, {spec.cell.upper()}", title_justify="left"
    )
    for column in (
        "file",
        "MB",
        "runtime",
        *(f"ms, {n} thr." for n in THREADS),
        "max diff",
        "same label",
        "events",
    ):
        table.add_column(column, justify="left" if column in ("file", "runtime") else "right", no_wrap=True)
    for line in lines:
        parity = line.parity
        events = (
            f"{parity.events}, same"
            if parity.events_same
            else f"{parity.events}, <= {parity.events_moved_s:.2f} s"
        )
        table.add_row(
            line.file, _megabytes(sizes[line.file]), line.runtime, *(f"{line.ms[n]:.1f}" for n in THREADS),
            f"{max(parity.logits, parity.chunks, parity.batch):.1e}", f"{parity.agreement:.1%}", events,
        )  # fmt: skip
    shown = {line.file for line in lines}
    for name, size in sizes.items():
        if name not in shown:
            table.add_row(name, _megabytes(size))
    console = Console(width=None if Console().is_terminal else 116)
    console.print(table)
    if note:
        console.print(note, soft_wrap=True, highlight=False)


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.2f}"
