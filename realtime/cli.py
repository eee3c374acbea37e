"""`actrec-live`: what is happening in front of these cameras?"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated, Literal

import typer

from ..models import ConfigError, Precision, shipped_bundles
from .backends import Runtime
from .command import new_app, run_app, say_taken, stderr

app = new_app()


@app.command()
def live(
    source: Annotated[
        list[str],
        typer.Option(
            help="0 (webcam), /dev/video0, a file, a folder, a quoted glob, rtsp://, http(s)://, demo, a .streams "
            "list; repeat it for more, write NAME=URI to name one.",
            show_default=False,
        ),
    ],
    model: Annotated[
        list[str] | None, typer.Option(help="Name of a shipped model or folder of a bundle; repeatable.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    threads: Annotated[int | None, typer.Option(help="Threads of the encoder.", min=1)] = None,
    runtime: Annotated[Runtime, typer.Option(help="What runs the graphs.")] = "onnx",
    precision: Annotated[
        Precision | None, typer.Option(help="Encoder to use (default: the model's choice).")
    ] = None,
    headless: Annotated[bool, typer.Option("--headless", help="No window.")] = False,
    tui: Annotated[
        bool, typer.Option("--tui", help="A dashboard in the terminal instead of a window.")
    ] = False,
    pace: Annotated[bool, typer.Option("--pace", help="Play files at their own speed.")] = False,
    duration: Annotated[
        float | None, typer.Option(help="Stop after so many seconds (of media time, for files).", min=0.0)
    ] = None,
    events: Annotated[
        str | None, typer.Option(help="Write events as JSON lines to a file, or - for stdout.")
    ] = None,
    predictions: Annotated[
        str | None, typer.Option(help="Write every prediction as a JSON line to a file, or - for stdout.")
    ] = None,
    save: Annotated[Path | None, typer.Option(help="Write the annotated video, for example OUT.mp4.")] = None,
    clips: Annotated[Path | None, typer.Option(help="Write a clip of each event into this folder.")] = None,
    pre_roll: Annotated[
        float, typer.Option(help="Seconds before an event in its clip.", min=0.0, max=60.0)
    ] = 3.0,
    post_roll: Annotated[
        float, typer.Option(help="Seconds after an event in its clip.", min=0.0, max=60.0)
    ] = 3.0,
    keep_days: Annotated[
        float, typer.Option(help="Delete clips, and parts of --save, that are older.", min=0.0)
    ] = 30.0,
    keep_gb: Annotated[
        float, typer.Option(help="Delete the oldest clips, or parts of --save, beyond this size.", min=0.0)
    ] = 10.0,
    threshold: Annotated[
        float | None, typer.Option(help="Probability at which an event begins, for every label.")
    ] = None,
    max_staleness: Annotated[
        float, typer.Option(help="Drop live frames that are older than this, in seconds.", min=0.01)
    ] = 0.5,
    motion_gate: Annotated[
        bool, typer.Option("--motion-gate", help="Skip the encoder while nothing moves in a picture.")
    ] = False,
    adapt: Annotated[
        bool,
        typer.Option("--adapt", help="On a slow machine sample all sources less often instead of dropping."),
    ] = False,
    rtsp_transport: Annotated[
        Literal["tcp", "udp"], typer.Option(help="How RTSP carries its packets.")
    ] = "tcp",
    camera_size: Annotated[
        str | None, typer.Option(help="Size to ask of a webcam, for example 1280x720.")
    ] = None,
    camera_fps: Annotated[float | None, typer.Option(help="Rate to ask of a webcam.", min=1.0)] = None,
    camera_format: Annotated[
        Literal["MJPG", "YUYV"] | None, typer.Option(help="Format to ask of a webcam.", case_sensitive=False)
    ] = None,
    list_models: Annotated[
        bool,
        typer.Option(
            "--list-models",
            help="Print the shipped models and leave.",
            is_eager=True,
            callback=lambda on: _list(on),
        ),
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log what the sources do.")] = False,
) -> None:
    """Tell, live, what people are doing in front of webcams, IP cameras or in video files.

    Events leave as JSON lines with --events; in the window q or Esc quits, f is full screen, h shows the keys.
    """
    from .live import LiveOptions, run_live
    from .sources import SourceOptions
    from .watch import DEFAULT_MODEL

    del list_models  # done by its callback
    _log(verbose)
    say_taken(model or ())
    options = LiveOptions(
        sources=source,
        models=model or (DEFAULT_MODEL,),
        device=device,
        threads=threads,
        runtime=runtime,
        precision=precision,
        headless=headless,
        tui=tui,
        duration_s=duration,
        events=events,
        predictions=predictions,
        save=save,
        clips=clips,
        pre_roll_s=pre_roll,
        post_roll_s=post_roll,
        keep_days=keep_days,
        keep_gb=keep_gb,
        threshold=threshold,
        motion_gate=motion_gate,
        adapt=adapt,
        source=SourceOptions(
            transport=rtsp_transport,
            camera_size=_size(camera_size),
            camera_fps=camera_fps,
            camera_format=camera_format,
            pace=pace,
            max_staleness_s=max_staleness,
        ),
    )
    raise SystemExit(run_live(options))


def _size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    width, cross, height = text.lower().partition("x")
    if not (cross and width.isdigit() and height.isdigit() and int(width) and int(height)):
        raise ConfigError(f"--camera-size {text}: want WIDTHxHEIGHT, such as 1280x720")
    return int(width), int(height)


def _list(on: bool) -> None:
    if on:
        for name in shipped_bundles():
            typer.echo(name)
        raise typer.Exit


def _log(verbose: bool) -> None:
    # Without --verbose the run says what matters itself, in one line each.
    from rich.logging import RichHandler

    handler = RichHandler(console=stderr, show_path=False, show_level=verbose, rich_tracebacks=False)
    logging.basicConfig(
        level=logging.INFO if verbose else logging.CRITICAL, format="%(message)s", handlers=[handler]
    )


def main() -> None:
    """Run the command."""
    run_app(app)


if __name__ == "__main__":
    main()
