"""The findings as tables of text: the same for the screen and for the report."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .answers import Answers
from .clip_frames import VFR, Camera
from .clip_report import ClipReport, Figures, Mistake, Part
from .intervals import Interval, rate_ceiling, wilson
from .memory import Switch
from .stream_report import StreamReport
from .thresholds import Choice

SHOWN_PARTS = 30
SHOWN_MISTAKES = 20


@dataclass(frozen=True, slots=True)
class Table:
    """A title, the names of the columns, rows of text, and a line that says how to read them."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


def clip_tables(report: ClipReport) -> list[Table]:
    """Return the tables of an evaluation on clips."""
    own = report.figures
    rows = [_figures_row("the model, on the live path", own)]
    rows += [_figures_row(name, figures) for name, figures in report.beside.items()]
    low, high = report.top1_interval
    note = f"top-1, 95 %: {percent(low)} to {percent(high)} (Wilson)"
    if report.top1_by_group is not None and report.f1_by_group is not None:
        note += f"; drawing whole groups: {span(report.top1_by_group)}, macro F1 {span(report.f1_by_group)}"
    note += f". Best event has the right label: {percent(report.event_top1)} of the clips"
    note += f" ({report.no_event} without an event)."
    tables = [
        Table(
            f"{own.clips} clips",
            ("named by", "top-1", "top-5", "precision", "recall", "F1", "ECE"),
            rows,
            note,
        ),
        Table(
            "Labels",
            ("label", "precision", "recall", "F1", "true", "said"),
            [
                (label, percent(s.precision), percent(s.recall), percent(s.f1), str(s.truth), str(s.said))
                for label, s in report.each.items()
            ],
        ),
    ]
    for title, parts in (("Groups", report.groups), ("Sources", report.sources)):
        if len(parts) > 1 or (parts and title == "Sources"):
            tables.append(_parts_table(title, parts))
    if report.mistakes:
        tables.append(_mistakes_table(report.mistakes))
    return tables


def stream_tables(report: StreamReport) -> list[Table]:
    """Return the tables of an evaluation on streams."""
    alarms = report.alarms
    ceiling = rate_ceiling(alarms.on_background, alarms.background_h)
    kinds = ", ".join(f"{count} {kind}" for kind, count in report.kinds.items())
    found = f"{report.found} of {report.spans}"
    rows = [
        ("frames named rightly", percent(report.frame_accuracy), f"ECE {number(report.frame_ece, 3)}"),
        ("per-frame mAP", percent(report.frame_map), f"calibrated (mcAP) {percent(report.calibrated_map)}"),
        *(
            (f"events, F1 at tIoU {tiou:g}", percent(t.f1), f"{t.hits} hit, {t.missed} missed, {t.false} false")
            for tiou, t in report.events.items()
        ),
        ("activities found", found, f"after {number(report.median_delay_s, 2)} s (median)"),
        ("time to detect, 90 %", f"{number(report.p90_delay_s, 2)} s", "of those found"),
        ("needless label flips", f"{number(report.flips_per_min, 2)} a minute",
         f"true changes: {number(report.true_changes_per_min, 2)} a minute"),
        ("false alarms on background", f"{number(alarms.per_hour, 2)} an hour",
         f"{alarms.on_background} in {alarms.background_h * 60:.1f} min; 97.5 % sure: < {number(ceiling, 1)}"),
        ("events with a wrong label", str(alarms.confused), f"while something else happened; {alarms.right} right"),
        ("streams taken for broken", str(report.breaks), "cuts or gaps at which the past was forgotten"),
    ]  # fmt: skip
    starts = Table(
        "Starts of activities: point-level AP",
        ("within", *(f"{offset} s" for offset in report.start_ap)),
        [("AP, %", *(number(100 * value, 1) for value in report.start_ap.values()))],
    )
    labels = Table(
        "Labels on streams",
        ("label", "spans", "AP", "cAP", *(f"F1 at {tiou:g}" for tiou in report.events), "found", "median s"),
        [
            (
                label, str(s.spans), percent(s.ap), percent(s.calibrated_ap),
                *(percent(tally.f1) for tally in s.events.values()), f"{s.found}", number(s.median_delay_s, 2),
            )
            for label, s in report.each.items() if s.spans
        ],
    )  # fmt: skip
    title = f"{report.streams} streams ({kinds}), {report.hours * 60:.1f} min, {report.frames} steps"
    return [Table(title, ("figure", "value", ""), rows), starts, labels]


def memory_table(switches: Sequence[Switch]) -> Table:
    """Return the table of label-switch times."""
    first = switches[0].mean_s if switches else math.nan
    return Table(
        "Time to switch label, after another activity for ...",
        ("for", "mean s", "median s", "90 %", "not within 10 s", "mean, against the first"),
        [
            (
                _age(s.age_s), number(s.mean_s, 2), number(s.median_s, 2), number(s.p90_s, 2),
                f"{s.never} of {s.pairs}", f"{100 * (s.mean_s / first - 1):+.1f} %" if first else "",
            )
            for s in switches
        ],
        "Simulated: the features of clips, repeated, through the live head and smoother.",
    )  # fmt: skip


def camera_table(by_camera: Mapping[Camera, Answers], labels: Sequence[str], trained_fps: float) -> Table:
    """Return the table of the sweep over frame rates, against the rate of training."""
    shares = {camera: camera_hits(answers, labels) for camera, answers in by_camera.items()}
    base = _share(*shares[trained_fps])
    return Table(
        "Cameras of other rates (the same clips, sent anew)",
        ("camera", "top-1", "95 %", "against the rate of training"),
        [
            (
                "variable rate" if camera == VFR else f"{camera:g} fps",
                percent(_share(*hits)),
                span(wilson(*hits)),
                f"{100 * (_share(*hits) - base):+.1f} points",
            )
            for camera, hits in shares.items()
        ],
    )


def camera_hits(answers: Answers, labels: Sequence[str]) -> tuple[int, int]:
    """Return how many clips were named rightly, of how many."""
    hits = [labels[int(a.probabilities.argmax())] == a.clip.label for a in answers.judged]
    return sum(hits), len(hits)


def rule_table(choices: Mapping[str, Choice], per_hour: float) -> Table:
    """Return the table of thresholds that keep to a budget of false alarms."""
    return Table(
        f"Thresholds for at most {per_hour:g} false alarms an hour, on these streams",
        ("label", "enter", "leave", "false alarms", "found", "within its share"),
        [
            (
                label, f"{c.rule.enter:.3f}", f"{c.rule.leave:.3f}", str(c.false_alarms),
                f"{c.found} of {c.truth}", "yes" if c.kept else "no",
            )
            for label, c in choices.items()
        ],
        "Choose them on validation streams, never on the test; actrec-train does so and writes them down.",
    )  # fmt: skip


def percent(share: float) -> str:
    """Return a share as per cent with one decimal, or a dash."""
    return "–" if math.isnan(share) else f"{100 * share:.1f} %"


def number(value: float, digits: int) -> str:
    """Return a number, or a dash."""
    return "–" if not math.isfinite(value) else f"{value:.{digits}f}"


def span(interval: Interval) -> str:
    """Return an interval of shares."""
    return f"{100 * interval[0]:.1f} – {100 * interval[1]:.1f} %"


def _figures_row(name: str, figures: Figures) -> tuple[str, ...]:
    shares = (
        figures.top1, figures.top5, figures.macro_precision, figures.macro_recall, figures.macro_f1,
    )  # fmt: skip
    return (name, *(percent(share) for share in shares), number(figures.ece, 3))


def _parts_table(title: str, parts: Mapping[str, Part]) -> Table:
    worst = sorted(parts.items(), key=lambda item: (item[1].top1, item[0]))[:SHOWN_PARTS]
    rest = len(parts) - len(worst)
    rows = [(name, str(p.clips), percent(p.top1), span(p.interval)) for name, p in worst]
    note = f"The worst {SHOWN_PARTS}; {rest} more are in the JSON file." if rest else ""
    return Table(title, (title.lower()[:-1], "clips", "top-1", "95 %"), rows, note)


def _mistakes_table(mistakes: Sequence[Mistake]) -> Table:
    rest = len(mistakes) - SHOWN_MISTAKES
    return Table(
        f"Mistakes: {len(mistakes)} clips",
        ("clip", "true", "said", "score", "of the true one"),
        [
            ("/".join(Path(m.clip).parts[-2:]), m.truth, m.said, f"{m.score:.2f}", f"{m.true_score:.2f}")
            for m in mistakes[:SHOWN_MISTAKES]
        ],
        f"The surest {SHOWN_MISTAKES}; {rest} more are in the JSON file." if rest > 0 else "",
    )


def _age(age_s: float) -> str:
    if age_s >= 3600:
        return f"{age_s / 3600:g} h"
    return f"{age_s / 60:g} min" if age_s >= 60 else f"{age_s:g} s"


def _share(hits: int, total: int) -> float:
    return hits / total if total else math.nan
