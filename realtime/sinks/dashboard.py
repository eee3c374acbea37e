"""The terminal dashboard of `--tui`: one row for each source, refreshed a few times a second."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ..command import stderr
from ..lettering import Colour
from ..overlay import STATE_COLOURS
from ..palette import BAD, GOOD, QUIET, SOFT, WARN, label_colours
from ..results import Event, Step
from ..scene import Scene, SourceView, worth_showing
from ..sources.feed import FeedStatus
from ..timeline import Span
from .messages import Messages

REFRESH_PER_S = 4
STRIP_CELLS = 30
WIDE = 120
"""Columns from which on there is room for the strip."""
EVENTS_SHOWN, MESSAGES_SHOWN, MESSAGES_KEPT = 8, 4, 20
STALE_S = 1.0


class Dashboard:
    """Draws on the alternate screen of stderr, with rich's own thread; log lines are shown at its foot.

    `quiet` names the background labels. The caller's terminal is as it was after `close`.
    """

    def __init__(
        self, sources: Sequence[str], *, quiet: frozenset[str] = frozenset(), console: Console | None = None
    ) -> None:
        self._lock = threading.Lock()
        self._views = {name: SourceView(name) for name in sources}
        self._statuses: dict[str, FeedStatus] = {}
        self._quiet = quiet
        self._events: deque[Event] = deque(maxlen=EVENTS_SHOWN)
        self._messages = Messages()
        self._began = time.monotonic()
        # What is printed to the commands' console becomes messages, so the screen needs one of its own.
        self._console = Console(stderr=True) if console is None or console is stderr else console
        self._live = Live(
            console=self._console,
            get_renderable=self._render,
            screen=True,
            redirect_stdout=False,
            refresh_per_second=REFRESH_PER_S,
        )
        self._live.start()
        self._messages.begin()

    def step(self, step: Step) -> None:
        """Note the newest of this source."""
        with self._lock:
            self._view(step.frame.source).step(step)
            self._note(step.events)

    def events(self, events: tuple[Event, ...]) -> None:
        """Note events that ended without a frame."""
        with self._lock:
            for event in events:
                self._view(event.source).events((event,))
            self._note(events)

    def statuses(self, statuses: Mapping[str, FeedStatus]) -> None:
        """Note the state of the sources."""
        with self._lock:
            self._statuses = dict(statuses)
            for name, status in statuses.items():
                self._view(name).status(status)

    def close(self) -> None:
        """Give the terminal back; the last log lines are printed again, as the screen took them along."""
        if self._live.is_started:
            self._live.stop()
            self._messages.end()
            for line in self._messages.newest(MESSAGES_KEPT):
                stderr.print(line, style="dim", markup=False)

    def _view(self, name: str) -> SourceView:
        return self._views.setdefault(name, SourceView(name))

    def _note(self, events: tuple[Event, ...]) -> None:
        self._events.extend(event for event in events if event.type in ("new", "end"))

    def _render(self) -> RenderableType:
        with self._lock:
            scenes = worth_showing([view.scene() for view in self._views.values()])
            statuses = dict(self._statuses)
            events = list(self._events)
        width, height = self._console.size
        parts: list[RenderableType] = [self._head(scenes, statuses)]
        room = height - 4 - (EVENTS_SHOWN + 2 if height > 24 else 0) - MESSAGES_SHOWN
        parts.append(self._table(scenes, statuses, width, max(1, room)))
        if height > 24:
            parts.append(_event_panel(events, self._quiet))
        parts.extend(
            Text(line, style="dim", no_wrap=True, overflow="ellipsis")
            for line in self._messages.newest(MESSAGES_SHOWN)
        )
        return Group(*parts)

    def _head(self, scenes: Sequence[Scene], statuses: Mapping[str, FeedStatus]) -> RenderableType:
        running = sum(status.state == "running" for status in statuses.values())
        dropped = sum(status.dropped for status in statuses.values())
        rate = sum(scene.fps_sampled for scene in scenes)
        minutes, seconds = divmod(int(time.monotonic() - self._began), 60)
        clock = f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"
        return Text.assemble(
            (" actrec ", "bold reverse"),
            f"  {running}/{len(statuses)} running   {rate:.0f} frames/s seen   ",
            (f"{dropped} dropped", _style(WARN) if any(scene.too_slow for scene in scenes) else ""),
            (f"   {clock}   Ctrl-C to stop", "dim"),
            no_wrap=True,
        )

    def _table(
        self, scenes: Sequence[Scene], statuses: Mapping[str, FeedStatus], width: int, rows: int
    ) -> RenderableType:
        table = Table(box=None, expand=True, pad_edge=False, header_style="dim", padding=(0, 1))
        table.add_column("source", no_wrap=True, overflow="ellipsis", ratio=2, min_width=8)
        table.add_column("status", no_wrap=True, overflow="ellipsis", ratio=2, min_width=14)
        for name in ("in", "seen", "age"):
            table.add_column(name, justify="right", no_wrap=True)
        table.add_column("label", no_wrap=True, overflow="ellipsis", ratio=2, min_width=8)
        table.add_column("score", no_wrap=True)
        if width >= WIDE:
            table.add_column("last minute", no_wrap=True)
        for name in ("recon.", "drops"):
            table.add_column(name, justify="right", no_wrap=True)
        for scene in scenes[:rows]:
            status = statuses.get(scene.name, scene.status)
            table.add_row(*self._row(scene, status, wide=width >= WIDE))
        if len(scenes) > rows:
            return Group(table, Text(f"and {len(scenes) - rows} more", style="dim"))
        return table

    def _row(self, scene: Scene, status: FeedStatus, *, wide: bool) -> list[Text]:
        words = (
            f"{status.state}: {status.detail}"
            if status.detail and status.state != "running"
            else status.state
        )
        if scene.too_slow:
            words = "too slow"
        row = [
            Text(scene.name, style="bold"),
            Text(f"● {words}", style=_style(WARN if scene.too_slow else STATE_COLOURS[status.state])),
            Text(f"{status.fps_in:.1f}"),
            Text(f"{scene.fps_sampled:.1f}"),
            _age(scene, status),
        ]
        prediction = scene.prediction
        if prediction is None:
            row += [Text("–", style="dim"), Text("")]
        else:
            colour = label_colours(prediction.labels, self._quiet)[prediction.label]
            row += [
                Text(prediction.label, style=f"bold {_style(colour)}"),
                _bar(prediction.score, colour, 10 if wide else 4),
            ]
        if wide:
            row.append(_strip(scene, self._quiet))
        row += [
            Text(str(status.reconnects), style=_style(WARN) if status.reconnects else "dim"),
            Text(str(status.dropped), style=_style(WARN) if status.dropped else "dim"),
        ]
        return row


def _style(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def _age(scene: Scene, status: FeedStatus) -> Text:
    if scene.age_s is None or status.state == "ended":
        return Text("–", style="dim")
    words = f"{1000 * scene.age_s:.0f} ms" if scene.age_s < STALE_S else f"{scene.age_s:.1f} s"
    return Text(words, style="" if scene.age_s < STALE_S else _style(BAD))


def _bar(score: float, colour: Colour, cells: int) -> Text:
    filled = round(score * cells)
    return Text.assemble(
        ("━" * filled, _style(colour)), ("━" * (cells - filled), "#3a3f47"), f" {100 * score:3.0f} %"
    )


def _strip(scene: Scene, quiet: frozenset[str], length_s: float = 60.0) -> Text:
    labels = scene.prediction.labels if scene.prediction is not None else ()
    colours = label_colours(labels, quiet)
    text = Text()
    for cell in range(STRIP_CELLS):
        middle = scene.now - length_s * (1 - (cell + 0.5) / STRIP_CELLS)
        span = _span_at(scene.spans, middle)
        colour = None if span is None else colours.get(span.label, QUIET)
        text.append(
            "·" if colour is None else "▁" if colour == QUIET else "▆",
            "#3a3f47" if colour is None else _style(colour),
        )
    return text


def _span_at(spans: Sequence[Span], moment: float) -> Span | None:
    return next((span for span in reversed(spans) if span.start <= moment <= span.end), None)


def _event_panel(events: Sequence[Event], quiet: frozenset[str]) -> RenderableType:
    lines = []
    for event in list(events)[::-1]:
        begins = event.type == "new"
        live = event.start_time != event.media_start
        moment = event.start_time if begins or event.end_time is None else event.end_time
        clock = time.strftime("%H:%M:%S", time.localtime(moment)) if live else f"{moment:8.1f} s"
        colour = label_colours((event.label,), quiet)[event.label]
        tail = "" if event.end_time is None else f"  {event.end_time - event.start_time:.1f} s"
        lines.append(
            Text.assemble(
                (f"{clock}  ", "dim"),
                ("▶ " if begins else "■ ", _style(GOOD if begins else SOFT)),
                (event.label, f"bold {_style(colour)}" if begins else _style(SOFT)),
                (f"  {event.source}  {event.score if begins else event.top_score:.2f}{tail}", ""),
            )
        )
    while len(lines) < EVENTS_SHOWN:
        lines.append(Text(""))
    return Panel(Group(*lines), title="events", title_align="left", border_style="#3a3f47")
