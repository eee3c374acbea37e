"""Claims about how a command leaves while a thread hangs in a driver."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

COMMAND = [sys.executable, "-m", "actrec.realtime"]
BUSY = """
import sys, cv2, numpy as np
from actrec.realtime.command import run_app
from actrec.realtime.threads import MayHang
image = np.zeros((400, 400, 3), np.uint8)
def hang():
    while True:
        cv2.add(image, image)
def command():
    MayHang(hang, "busy").start()
    print("said")
    sys.exit(143)
run_app(command)
"""


def test_a_thread_in_a_driver_does_not_abort_the_end_of_a_command() -> None:
    """The interpreter ends such a thread inside C++, which calls abort: some of ten runs would show it."""
    for _ in range(10):
        done = subprocess.run([sys.executable, "-c", BUSY], capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stdout, done.stderr) == (143, "said\n", "")


def test_a_frozen_server_does_not_hold_up_the_end(encoded: Any, rtsp_server: Any, tmp_path: Path) -> None:
    server = rtsp_server({"/cam": encoded(seconds=2.0)})
    said = tmp_path / "said.jsonl"
    options = ["--source", server.url(), "--headless", "--predictions", str(said)]
    process = subprocess.Popen([*COMMAND, *options], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and not (said.exists() and said.stat().st_size):
        time.sleep(0.1)
    server.freeze()
    time.sleep(0.3)
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == 143, stderr
    assert "Traceback" not in stderr
    assert time.monotonic() - began < 6.0
