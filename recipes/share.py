"""Give a bundle the int8 encoder of another one on the same encoder, so that both share its pass, and prove it.

    python recipes/share.py models/fights --of models/everyday --run runs/fights

The run says which clips the proof is on: 500 chained frames of its task, int8 against fp32.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from reseal import reseal

from actrec.export.frames import read_stream, task_clips
from actrec.export.parity import compare, run_chain
from actrec.models import ModelError, encoder_file, load_bundle, save_bundle
from actrec.realtime.backends import open_backend

STEPS = 500


def main() -> None:
    """Read the options, write the bundle, and take it back if the proof fails."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--of", type=Path, required=True, help="the bundle whose int8 encoder is taken")
    parser.add_argument("--run", type=Path, required=True, help="the run that the bundle was exported from")
    options = parser.parse_args()
    mine, other = load_bundle(options.bundle), load_bundle(options.of)
    fp32, int8 = encoder_file("fp32"), encoder_file("int8")
    if mine.spec.files[fp32] != other.spec.files[fp32]:
        raise SystemExit(f"{mine.folder} and {other.folder}: not the same {fp32}; nothing was written")
    before = {name: mine.read(name) for name in mine.spec.files}
    reseal(mine, {"precision": "int8"}, {int8: other.read(int8)})
    try:
        bundle = load_bundle(mine.folder)
        frames = read_stream(task_clips(options.run, None), bundle.spec, STEPS)
        exact, small = (open_backend(bundle, precision=p, device="cpu") for p in ("fp32", "int8"))
        parity = compare(run_chain(exact, frames), run_chain(small, frames), small, frames, exact=False)
        parity.require(f"{bundle.id} with the int8 encoder of {other.id}")
    except ModelError as error:
        save_bundle(mine.folder, mine.spec, before)
        raise SystemExit(str(error)) from None
    print(
        f"{bundle.id}: the same label on {parity.agreement:.1%} of {len(frames)} frames, "
        f"{parity.events} events moved by at most {parity.events_moved_s:.1f} s"
    )


if __name__ == "__main__":
    main()
