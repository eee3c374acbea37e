"""What the screen says of a run: stages with progress and time, and a line of figures for every epoch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

if TYPE_CHECKING:  # history pulls PyTorch in, and the screen is there before it
    from .history import EpochReport

_HEADER = (
    "        [bold]train[/]                                   [bold]validation[/]\n"
    "[dim]epoch    loss   acc  prec   rec    F1      loss   acc  prec   rec    F1  clips[/]"
)


@dataclass(slots=True)
class Screen:
    """Writes to stderr; keeps how long each stage took."""

    console: Console
    seconds: dict[str, float] = field(default_factory=dict)

    def say(self, text: str) -> None:
        """Print one line."""
        self.console.print(text, highlight=False)

    @contextmanager
    def stage(self, name: str, total: int | None = None) -> Iterator[Callable[[], None]]:
        """Show a stage with a bar while it lasts; yields what moves the bar on by one."""
        began = monotonic()
        bar = Progress(
            TextColumn("{task.description:<28}"), BarColumn(32), MofNCompleteColumn(), TimeElapsedColumn(),
            TextColumn("left"), TimeRemainingColumn(), console=self.console, transient=True,
            disable=not self.console.is_terminal,
        )  # fmt: skip
        with bar:
            task = bar.add_task(name, total=total)
            yield lambda: bar.advance(task)
        self.add(name, monotonic() - began)

    def add(self, name: str, seconds: float) -> None:
        """Add to a stage's time."""
        self.seconds[name] = self.seconds.get(name, 0.0) + seconds

    def epoch_header(self) -> None:
        """Print the head of the epochs' table."""
        self.say(_HEADER)

    def epoch(self, report: EpochReport, best: bool, left_s: float | None) -> None:
        """Print one epoch's line."""
        train, val = report.train, report.val
        line = f"{report.epoch:>3}/{report.epochs:<3} {report.train_loss:6.3f}"
        line += "".join(f"{100 * x:6.1f}" for x in (train.accuracy, train.precision, train.recall, train.f1))
        line += f"   {val.loss:7.3f}"
        frames = val.frames
        line += "".join(
            f"{100 * x:6.1f}" for x in (frames.accuracy, frames.precision, frames.recall, frames.f1)
        )
        line += f" {100 * val.clips.accuracy:6.1f}"
        line += " [green]best[/]" if best else "     "
        line += "" if left_s is None else f"  [dim]{clock(left_s)} left[/]"
        self.say(line)

    def times(self) -> None:
        """Print the table of stages."""
        whole = sum(self.seconds.values()) or 1.0
        table = Table(title=None, box=None, header_style="bold", pad_edge=False)
        for name, justify in (("stage", "left"), ("seconds", "right"), ("share", "right")):
            table.add_column(name, justify=justify)  # type: ignore[arg-type]
        for name, seconds in self.seconds.items():
            table.add_row(name, f"{seconds:.1f}", f"{100 * seconds / whole:.0f} %")
        table.add_row("[bold]all[/]", f"[bold]{whole:.1f}[/]", "")
        self.console.print(table)


def clock(seconds: float) -> str:
    """Return a duration for people: `8 s`, `3:05`, `1:02:10`."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
