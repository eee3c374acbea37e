"""Choose a shipped model's thresholds: events for what happens in validation clips, none where nothing happens.

    python recipes/thresholds.py models/everyday --run runs/everyday/everyday.csv --data ../shared/data \\
        --minutes 24 --checkpoint runs/everyday/best.ckpt

For each label the threshold that best parts its clips from all others (Youden's J: the share of its clips with the
event, less that of other clips; the middle of equally good ones), raised until none of the idle minutes gives it,
nor would a step lower: other minutes are a little worse. A label that would lose too much by that is set by hand.
Everything goes through the code that runs live, on clips and scenes of the validation side.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from idle_hours import watch_idle
from reseal import reseal
from watching import bundle_options, watch_clips

from actrec.models import EventRule, ModelSpec, load_bundle
from actrec.realtime.events import EventMachine
from actrec.realtime.recognizer import Recognizer
from actrec.realtime.results import Prediction
from actrec.train.keep import write_whole

GRID = tuple(round(float(enter), 2) for enter in np.arange(0.50, 0.96, 0.05))
MARGIN = 1
"""Steps of the grid between a threshold and what an idle minute reached."""
LEAVE = 2.0 / 3.0
"""An event ends below this share of its threshold."""


def main() -> None:
    """Choose, print and write."""
    parser = bundle_options(__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--minutes", type=int, default=8, help="of each kind of idle scene")
    parser.add_argument(
        "--least-found",
        type=float,
        default=0.0,
        help="do not raise a threshold below this share of its clips",
    )
    parser.add_argument(
        "--by-hand", nargs="*", default=[], metavar="LABEL=ENTER", help="take these in place of the choice"
    )
    parser.add_argument("--checkpoint", type=Path, help="write them into it too, for an export that follows")
    options = parser.parse_args()
    by_hand = {label: float(enter) for label, enter in (each.split("=") for each in options.by_hand)}
    bundle = load_bundle(options.bundle)
    recognizer = Recognizer(str(options.bundle), threads=1)
    clips = [(row.label, said) for row, _, said in watch_clips(recognizer, options.run, "val")]
    idle = [said for _, said in watch_idle(recognizer, options.data, "val", options.minutes)]
    spec, rules = bundle.spec, {}
    for label in spec.labels:
        if label == spec.background:
            continue
        fired = {enter: np.array([fires(spec, label, enter, said) for _, said in clips]) for enter in GRID}
        mine = np.array([true == label for true, _ in clips])
        gain = np.array([fired[enter][mine].mean() - fired[enter][~mine].mean() for enter in GRID])
        best = np.flatnonzero(gain > gain.max() - 1e-9)
        place = int(best[len(best) // 2])
        while place + 1 < len(GRID) and any(
            fires(spec, label, GRID[max(0, place - MARGIN)], said) for said in idle
        ):
            if fired[GRID[place + 1]][mine].mean() < options.least_found:
                break
            place += 1
        enter = by_hand.get(label, GRID[place])
        rules[label] = rule(spec, enter)
        print(
            f"{label}: {enter:.2f}; {fired[enter][mine].sum()} of {mine.sum()} clips, "
            f"{fired[enter][~mine].sum()} of {(~mine).sum()} others, "
            f"{sum(fires(spec, label, enter, said) for said in idle)} of {len(idle)} idle minutes",
            flush=True,
        )
    sealed = reseal(bundle, {"rules": rules}, {})
    print(f"wrote {sealed.folder} as {sealed.id}")
    if options.checkpoint:
        hand_back(rules, options.checkpoint)


def hand_back(rules: dict[str, EventRule], checkpoint: Path) -> None:
    """Put the rules into a run's checkpoint."""
    saved = torch.load(checkpoint, map_location="cpu", weights_only=True)
    saved["rules"] = {label: rule.model_dump() for label, rule in rules.items()}
    write_whole(saved, checkpoint)


def rule(spec: ModelSpec, enter: float) -> EventRule:
    """Return the spec's common rule with another threshold."""
    return spec.rule.model_copy(update={"enter": enter, "leave": round(enter * LEAVE, 3)})


def fires(spec: ModelSpec, label: str, enter: float, said: list[Prediction]) -> bool:
    """Return whether a label would make an event at a threshold."""
    machine = EventMachine(spec.model_copy(update={"rules": {label: rule(spec, enter)}}), live=False)
    return any(event.label == label for one in said for event in machine.update(one))


if __name__ == "__main__":
    main()
