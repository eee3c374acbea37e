"""What does a model make of the drawn demo, whose true labels are known?

    python benchmarks/demo_truth.py --model weizmann --seeds 0 1 2 --seconds 180

A span counts as named if an event with its label overlaps it; a false event overlaps no span of its label.
"""

from __future__ import annotations

import argparse
from collections import Counter

from rich.console import Console
from rich.table import Table

from actrec import Event, Recognizer
from actrec.realtime.pipeline import Pipeline
from actrec.realtime.results import Step
from actrec.realtime.sources import SourceOptions, open_feeds, parse_source
from actrec.realtime.sources.demo import Span, demo_script
from actrec.realtime.watch import DEFAULT_MODEL


def events_of(model: str, seed: int, seconds: float) -> list[Event]:
    """Run the demo through the live path, every due frame, and return the events that ended."""
    feeds = open_feeds(
        [parse_source(f"demo:seed={seed},seconds={seconds:g}")], SourceOptions(live_demo=False)
    )
    said: list[Event] = []
    for item in Pipeline(feeds, [Recognizer(model)]).steps():
        said.extend(item.events if isinstance(item, Step) else item)
    return [event for event in said if event.type == "end"]


def overlaps(event: Event, span: Span) -> bool:
    """Return whether the event and the span share a moment."""
    assert event.media_end is not None
    return event.media_start < span.end_s and event.media_end > span.start_s


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--seconds", type=float, default=180.0)
    options = parser.parse_args()
    spans, named, false = Counter[str](), Counter[str](), Counter[str]()
    instead: dict[str, Counter[str]] = {}
    for seed in options.seeds:
        script = demo_script(seed, options.seconds)
        events = events_of(options.model, seed, options.seconds)
        for span in script:
            spans[span.label] += 1
            labels = {event.label for event in events if overlaps(event, span)}
            named[span.label] += span.label in labels
            instead.setdefault(span.label, Counter()).update(labels - {span.label})
        for event in events:
            false[event.label] += not any(
                span.label == event.label and overlaps(event, span) for span in script
            )
    table = Table(
        "true label", "spans", "named", "events of other labels", title=f"the demo under {options.model}"
    )
    for label, count in sorted(spans.items()):
        others = ", ".join(f"{other} {times}" for other, times in instead[label].most_common(4))
        table.add_row(label, str(count), "-" if label == "idle" else str(named[label]), others)
    Console().print(table)
    acted = sum(count for label, count in spans.items() if label != "idle")
    print(f"{sum(named.values())} of {acted} actions named; false events: {dict(+false)}")


if __name__ == "__main__":
    main()
