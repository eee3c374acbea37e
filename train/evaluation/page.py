"""The report: one Markdown page and its pictures in a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..report import draw_confusion
from .outcome import Outcome
from .pictures import draw_precision_recall, draw_timeline, one_hot
from .tables import Table

PAGE = "report.md"
MOST_TIMELINES = 6


def write_report(outcome: Outcome, folder: Path) -> Path:
    """Write `report.md` and its pictures into a folder; return the page."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures = _draw(outcome, folder)
    lines = [
        f"# {outcome.model} on {Path(outcome.data).name}",
        "",
        f"Judged: {outcome.selection}. The model knows {', '.join(outcome.spec.labels)}"
        f"{f'; {outcome.spec.background} is its background' if outcome.spec.background else ''}.",
        "",
    ]
    for table in outcome.tables():
        lines += to_markdown(table)
    if outcome.clips.unreadable:
        lines += [
            "## Not readable, left out",
            "",
            *(f"- {reason}" for reason in outcome.clips.unreadable),
            "",
        ]
    lines += ["## Pictures", ""]
    for name, title in pictures:
        lines += [f"![{title}]({name})", ""]
    page = folder / PAGE
    page.write_text("\n".join(lines), encoding="utf-8")
    return page


def to_markdown(table: Table) -> list[str]:
    """Return a table as lines of Markdown."""
    lines = [f"## {table.title}", "", _row(table.columns), _row(["---"] * len(table.columns))]
    lines += [_row(row) for row in table.rows]
    return [*lines, "", *([table.note, ""] if table.note else [])]


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def _draw(outcome: Outcome, folder: Path) -> list[tuple[str, str]]:
    clips, spec = outcome.clips, outcome.spec
    draw_confusion(clips.matrix, spec.labels, "Clips", folder / "confusion.png")
    hot = one_hot(clips.truth, len(spec.labels))
    draw_precision_recall(clips.probabilities, hot, spec, "Clips", folder / "precision-recall.png")
    pictures = [
        ("confusion.png", "Confusion of the clips"),
        ("precision-recall.png", "Precision and recall of the clips"),
    ]
    if outcome.judged:
        scores = np.concatenate([j.played.probabilities[j.counts] for j in outcome.judged])
        hot = np.concatenate([j.hot[j.counts] for j in outcome.judged])
        name = "precision-recall-frames.png"
        draw_precision_recall(scores, hot, spec, "Streams, by frame", folder / name)
        pictures.append((name, "Precision and recall of the frames of the streams"))
    for number, judged in enumerate(outcome.judged[:MOST_TIMELINES], 1):
        name = f"timeline-{number}.png"
        draw_timeline(judged, spec, folder / name)
        pictures.append((name, f"{judged.played.name}: what was true above what was said"))
    return pictures
