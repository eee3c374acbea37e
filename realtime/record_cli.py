"""`actrec-record`: labelled clips from a camera, into a folder that `actrec-train` reads."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Annotated, Literal

import typer

from .command import FAULT, INTERRUPTED, TERMINATED, new_app, run_app, say_error

app = new_app()


@app.command()
def record(
    label: Annotated[str, typer.Option(help="What is done in the clips.", show_default=False)],
    out: Annotated[Path, typer.Option(help="Folder of clips; it may hold clips already.")] = Path("mine"),
    source: Annotated[
        str, typer.Option(help="0 (webcam), /dev/video0, rtsp://, http(s)://, a file or demo.")
    ] = "0",
    clips: Annotated[int, typer.Option(help="How many.", min=1)] = 5,
    seconds: Annotated[float, typer.Option(help="How long each is.", min=0.2)] = 3.0,
    countdown: Annotated[
        float, typer.Option(help="Seconds before each clip; 0 cuts them back to back.", min=0.0)
    ] = 3.0,
    group: Annotated[
        str | None,
        typer.Option(
            help="Name of what must stay on one side of a split, for example the person and the room "
            "(default: each take, from one countdown to the next)."
        ),
    ] = None,
    fps: Annotated[float, typer.Option(help="Keep at most so many frames a second.", min=1.0)] = 25.0,
    headless: Annotated[bool, typer.Option("--headless", help="No preview.")] = False,
    pace: Annotated[bool, typer.Option("--pace", help="Play a file at its own speed.")] = False,
    rtsp_transport: Annotated[
        Literal["tcp", "udp"], typer.Option(help="How RTSP carries its packets.")
    ] = "tcp",
) -> None:
    """Record clips of one action, to teach it: OUT/LABEL/001.mp4 and so on, and a row for each in OUT/manifest.csv.

    Nothing is ever overwritten, and what was recorded is kept when you stop with q or Ctrl-C.
    """
    from .record import RecordOptions, run_record
    from .sources import SourceOptions

    options = RecordOptions(
        label=label,
        out=out,
        source=source,
        clips=clips,
        seconds=seconds,
        countdown_s=countdown,
        fps=fps,
        group=group,
        headless=headless,
        open=SourceOptions(transport=rtsp_transport, pace=pace, live_demo=pace or not headless),
    )
    stop = threading.Event()
    received: list[int] = []

    def end(number: int, _: FrameType | None) -> None:
        received.append(number)
        stop.set()

    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGTERM, end)
    try:
        code = run_record(options, stop, lambda path: typer.echo(path))
    except OSError as error:
        if error.errno is None:  # a SourceError: bad input
            raise
        say_error(f"{error.filename or out}: {error.strerror}; what was recorded before is kept")
        sys.exit(FAULT)
    if received:
        code = INTERRUPTED if received[0] == signal.SIGINT else TERMINATED
    sys.exit(code)


def main() -> None:
    """Run the command."""
    run_app(app)
