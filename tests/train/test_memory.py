"""Large arrays that come and go do not cost fresh pages each time."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

FAULTS = """
import resource, sys
import numpy as np
from actrec.train.memory import keep_freed_memory

def come_and_go():
    for _ in range(10):
        np.ones(10_000_000)  # 80 MB

if sys.argv[1] == "keep":
    print(keep_freed_memory())
come_and_go()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
come_and_go()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def run(how: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", FAULTS, how], capture_output=True, text=True, check=True)
    return done.stdout.split()


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told to keep memory")
def test_memory_that_is_kept_is_not_cleared_anew() -> None:
    (faults,) = run("as it is")
    said, fewer = run("keep")
    assert said == "True"
    assert int(fewer) * 20 < int(faults)


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    from actrec.train import memory

    monkeypatch.setattr(memory.ctypes, "CDLL", lambda _: object())
    assert memory.keep_freed_memory() is False
