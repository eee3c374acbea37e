"""`actrec-bench`: what a frame costs here, stage by stage, and which runtime is the fastest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from ..models import ConfigError, load_bundle
from .backends import Runtime
from .bench import (
    KEPT,
    SCHEMA,
    EncoderTiming,
    Stages,
    read_frames,
    time_decode,
    time_encoders,
    time_end_to_end,
    usable_runtimes,
)
from .command import new_app, run_app, say_taken, stderr
from .meter import TURN, Timing, machine, memory_mb, rounded, take_turns
from .watch import DEFAULT_MODEL

app = new_app()


@app.command()
def bench(
    model: Annotated[
        str, typer.Option(help="Name of a shipped model, or folder of a bundle.")
    ] = DEFAULT_MODEL,
    source: Annotated[str, typer.Option(help="A video file, or demo.")] = "demo",
    runtime: Annotated[Runtime, typer.Option(help="Of the stages; the encoder is timed in all.")] = "onnx",
    threads: Annotated[str, typer.Option(help="Threads of the encoder, with commas.")] = "1,2",
    batch: Annotated[str, typer.Option(help="Frames in one call of the encoder, with commas.")] = "1,4,8,16",
    turns: Annotated[int, typer.Option(help=f"Turns of each stage, {TURN} calls each.", min=2)] = 20,
    json_file: Annotated[
        str | None, typer.Option("--json", help="Write the figures as JSON to a file, or - for stdout.")
    ] = None,
) -> None:
    """Measure decode, prepare, encoder, head, smoothing, overlay, JSON and the whole loop on this machine."""
    thread_counts, batches = _numbers("--threads", threads), _numbers("--batch", batch)
    say_taken([model])
    bundle = load_bundle(model)
    with Progress(console=stderr, transient=True) as progress:
        task = progress.add_task("frames", total=2 * turns + 3)
        stages = Stages(bundle, read_frames(source, bundle.spec.fps, KEPT), runtime, thread_counts[0])
        progress.advance(task)
        timings = take_turns(stages.meters(), turns, advance=lambda: progress.advance(task))
        copied = stages.copied_share()
        count = TURN * turns
        timings.insert(0, time_decode(source, bundle.spec.fps, count))
        timings.append(time_end_to_end(source, bundle, runtime, thread_counts[0], count))
        progress.advance(task)
        encoders = time_encoders(
            bundle, usable_runtimes(bundle), thread_counts, batches, turns, lambda: progress.advance(task)
        )
    shape = stages.frame_hw
    named = {timing.name: timing for timing in timings}
    # Of processor time: on a busy machine the longest stage is interrupted most, which would flatter the share.
    share = (named["head"].cpu + named["smoothing + events"].cpu) / named["encoder"].cpu
    memory = memory_mb()
    figures = {
        "schema": SCHEMA,
        "model": bundle.id,
        "source": source if source.startswith("demo") else Path(source).name,
        "frame_hw": list(shape),
        "runtime": runtime,
        "threads": thread_counts[0],
        "machine": machine(),
        "stages_ms": [rounded(timing) for timing in timings],
        "encoders_ms_per_frame": [rounded(timing) for timing in encoders],
        "head_share_of_encoder": round(share, 4),
        "copied_share_of_frame": round(copied, 4),
        "memory_mb": memory,
    }
    if json_file is not None:
        _write(json_file, figures)
    if json_file != "-":
        _print(figures, timings, encoders)


def main() -> None:
    """Run the command."""
    run_app(app)


def _numbers(option: str, text: str) -> list[int]:
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if not numbers or any(not 1 <= number <= 256 for number in numbers):
        raise ConfigError(f"{option} {text}: want numbers from 1 to 256 with commas, such as 1,2")
    return numbers


def _write(target: str, figures: dict[str, Any]) -> None:
    text = json.dumps(figures, indent=2) + "\n"
    if target == "-":
        print(text, end="")
        return
    try:
        Path(target).write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"--json {target}: {error.strerror}; choose another file") from None


def _print(figures: dict[str, Any], timings: list[Timing], encoders: list[EncoderTiming]) -> None:
    console = Console(width=None if Console().is_terminal else 100, highlight=False)
    height, width = figures["frame_hw"]
    title = (
        f"{figures['model']}, {width} x {height}, {figures['runtime']}, {figures['threads']} thread(s); ms"
    )
    table = Table(title=title, title_justify="left")
    for column in ("stage", "p50", "p95", "p99", "CPU", "calls"):
        table.add_column(column, justify="left" if column == "stage" else "right")
    for stage in timings:
        values = (stage.p50, stage.p95, stage.p99, stage.cpu)
        table.add_row(stage.name, *(f"{value:.2f}" for value in values), str(stage.calls))
    console.print(table)
    batches = sorted({timing.batch for timing in encoders})
    table = Table(title="encoder, ms per frame by frames in one call (median)", title_justify="left")
    for column in ("runtime", "precision", "threads", *map(str, batches)):
        table.add_column(column, justify="left" if column in ("runtime", "precision") else "right")
    for key in dict.fromkeys((timing.runtime, timing.precision, timing.threads) for timing in encoders):
        row = [t for t in encoders if (t.runtime, t.precision, t.threads) == key]
        table.add_row(*map(str, key), *(f"{timing.p50:.2f}" for timing in row))
    console.print(table)
    console.print(
        f"head, state and smoothing: {figures['head_share_of_encoder']:.1%} of the encoder; most memory that the "
        f"recogniser takes for a frame: {figures['copied_share_of_frame']:.0%} of the frame itself"
    )
    if figures["memory_mb"]:
        memory = figures["memory_mb"]
        console.print(f"memory: {memory['now']:.0f} MB, at most {memory['peak']:.0f} MB")
    here = figures["machine"]
    console.print(f"{here['cores']} cores, {here['processor']}, ONNX Runtime {here['onnxruntime']}")
