"""`actrec-eval`: how good is this model, on clips and on endless streams?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table as RichTable

from ...models import ConfigError, Precision
from ...realtime.backends import Runtime
from ...realtime.command import need_extra, new_app, run_app, stderr
from .tables import Table

app = new_app()
WIDTH = 130
"""Of the tables in characters, where there is no terminal that says how wide it is."""


@app.command()
def command(
    model: Annotated[
        str, typer.Option(help="A shipped model, the folder of a bundle, or a run of actrec-train.")
    ],
    data: Annotated[
        Path | None,
        typer.Option(help="Folder of classes, manifest or list, as for actrec-train; a run knows its own."),
    ] = None,
    videos: Annotated[Path | None, typer.Option(help="Where the files of a list lie.")] = None,
    where: Annotated[
        list[str] | None, typer.Option(help="COLUMN=VALUE: keep these rows of a manifest.")
    ] = None,
    rename: Annotated[
        list[str] | None,
        typer.Option(help="OLD=NEW: a label of the data, as the model calls it; repeatable."),
    ] = None,
    labels: Annotated[str | None, typer.Option(help="Judge these labels only: a,b,c.")] = None,
    groups: Annotated[str | None, typer.Option(help="Judge these groups only: a,b.")] = None,
    split: Annotated[
        Literal["train", "val", "test"] | None, typer.Option(help="Judge this split only.")
    ] = None,
    stream: Annotated[
        bool,
        typer.Option("--stream", help="Also judge endless streams: untrimmed, or joined from the clips."),
    ] = False,
    minutes: Annotated[
        float, typer.Option(help="With --stream: repeat the clips until the streams last so long.", min=0.0)
    ] = 10.0,
    background: Annotated[
        list[Path] | None,
        typer.Option(
            help="With --stream: a recording in which nothing happens, to count false alarms; repeatable."
        ),
    ] = None,
    sweep: Annotated[
        bool, typer.Option(help="With --stream: cameras of 10 to 60 fps and variable rate.")
    ] = True,
    single_frame: Annotated[bool, typer.Option(help="Beside it, what single frames can tell.")] = True,
    false_alarms: Annotated[
        float | None,
        typer.Option(
            help="With --stream: the thresholds that cost at most so many false alarms an hour.", min=0.0
        ),
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write everything as JSON.")] = None,
    report: Annotated[Path | None, typer.Option(help="Write a page with pictures into this folder.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    runtime: Annotated[Runtime, typer.Option(help="What runs the graphs.")] = "onnx",
    precision: Annotated[
        Precision | None, typer.Option(help="Encoder to judge (default: the model's choice).")
    ] = None,
    threads: Annotated[int | None, typer.Option(help="Threads of the encoder.", min=1)] = None,
    seed: Annotated[int, typer.Option(help="Seed of the joined streams.", min=0)] = 0,
) -> None:
    """Judge a model on labelled clips, and with --stream on streams, through the code that runs live.

    Judge clips that training has not seen: choose them with --groups or --split. The tables go to stdout.
    """
    from .evaluate import Wishes, evaluate
    from .reels import background_reel
    from .selection import Wanted, select_clips, select_of_run
    from .subject import is_run, open_subject

    if false_alarms is not None and not stream:
        raise ConfigError("--false-alarms: thresholds are chosen on streams; add --stream")
    if background and not stream:
        raise ConfigError("--background: false alarms are counted on streams; add --stream")
    for path in background or ():
        background_reel(path)
    if report is not None:
        need_extra("train", "matplotlib")
        if report.exists() and not report.is_dir():
            raise ConfigError(f"--report {report}: is a file; want a folder to write into")
    _check_writable(json_file)
    wanted = Wanted(
        data=data or Path(),
        videos=videos,
        where=_pairs("--where", where, "set=weizmann"),
        rename=_pairs("--rename", rename, "wave1=wave"),
        labels=_names(labels),
        groups=_names(groups),
        split=split,
    )
    own = is_run(model) and data is None
    if not own and data is None:
        raise ConfigError("--data: not given; want a folder of classes or a manifest to judge the model on")
    if is_run(model):
        stderr.print("[dim]making a bundle of the run ...[/]")
    with open_subject(model) as bundle:
        if own:
            from ..config import CONFIG_FILE, make_config, read_config

            path = Path(model) / CONFIG_FILE
            config = make_config(read_config(path), str(path))
            selection, data = select_of_run(config, split, bundle.spec), config.data
        else:
            selection = select_clips(wanted, bundle.spec)
        assert data is not None
        stderr.print(
            f"[bold]{len(selection.judged)}[/] clips ({_plain(selection.described)}) through {bundle.id}"
        )
        wishes = Wishes(
            stream=stream,
            minutes=minutes,
            quiet=tuple(background or ()),
            sweep=sweep,
            single_frame=single_frame,
            per_hour=false_alarms,
            device=device,
            runtime=runtime,
            precision=precision,
            threads=threads,
            seed=seed,
        )
        outcome = evaluate(bundle, data, selection, wishes)
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDTH
    for table in outcome.tables():
        _print(table, console)
    for reason in outcome.clips.unreadable:
        stderr.print(f"[yellow]left out:[/] {_plain(reason)}")
    if json_file is not None:
        outcome.write_json(json_file)
    if report is not None:
        from .page import write_report

        stderr.print(f"report: {write_report(outcome, report)}")


def _print(table: Table, console: Console) -> None:
    shown = RichTable(
        title=_plain(table.title), title_justify="left", title_style="bold", box=None, pad_edge=False
    )
    for number, column in enumerate(table.columns):
        shown.add_column(_plain(column), justify="left" if number == 0 else "right", header_style="dim")
    for row in table.rows:
        shown.add_row(*(_plain(cell) for cell in row))
    console.print(shown)
    if table.note:
        console.print(f"[dim]{_plain(table.note)}[/]")
    console.print()


def _pairs(option: str, texts: list[str] | None, example: str) -> dict[str, str]:
    pairs = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        if not (name and equals and value):
            raise ConfigError(f"{option} {text!r}: want NAME=VALUE, such as {example}")
        pairs[name] = value
    return pairs


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())


def _check_writable(path: Path | None) -> None:
    if path is not None and not path.absolute().parent.is_dir():
        raise ConfigError(f"--json {path}: no folder {path.absolute().parent}; make it first")
    if path is not None and path.is_dir():
        raise ConfigError(f"--json {path}: is a folder; want a file such as {path / 'found.json'}")


def _plain(text: str) -> str:
    return text.replace("[", r"\[")


def main() -> None:
    """Run the command."""
    run_app(app)


if __name__ == "__main__":
    main()
