"""From the start of the process to the first prediction line.

python benchmarks/startup.py --runs 7
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time

COMMAND = ["-m", "actrec.realtime", "--source", "demo", "--headless", "--duration", "5", "--predictions", "-"]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=7)
    options = parser.parse_args()
    times = []
    for _ in range(options.runs):
        began = time.monotonic()
        command = [sys.executable, *COMMAND]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            assert process.stdout is not None
            line = process.stdout.readline()
            times.append(time.monotonic() - began)
            process.terminate()
        assert b"actrec.prediction/1" in line
    print(
        f"first prediction after {statistics.median(times):.2f} s (median of {len(times)}, most {max(times):.2f} s)"
    )


if __name__ == "__main__":
    main()
