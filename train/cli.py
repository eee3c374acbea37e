"""The command `actrec-train`."""

# ruff: noqa: ARG001 - typer reads the signature; the values are taken together, from ctx.params

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ..models import ConfigError
from ..realtime.command import need_extra, new_app, run_app, stderr
from .config import CONFIG_FILE, TrainConfig, make_config, read_config
from .show import Screen

app = new_app()
TEACH_ME = {"epochs": 12, "passes": 2, "streams": 8, "chunk": 32, "hidden": 128, "embedding": 128}
"""With --init a handful of clips is the rule: a smaller head, fitted within a minute on two cores."""
_DATA, _NET, _FIT, _RUN = "Data", "Network", "Training", "Machine"


def _flag(help_: str, panel: str, *names: str) -> Any:
    return typer.Option(*names, help=help_, rich_help_panel=panel, show_default=False)


@app.command()
def command(
    ctx: typer.Context,
    data: Annotated[
        Path | None, _flag("Folder with one folder of clips per label, or a list (.csv, .txt).", _DATA)
    ] = None,
    out: Annotated[Path | None, _flag("Run folder: checkpoints, log, pictures, run.yaml.", _RUN)] = None,
    videos: Annotated[Path | None, _flag("Where the files of a list lie.", _DATA)] = None,
    where: Annotated[list[str] | None, _flag("COLUMN=VALUE: keep these rows of a manifest.", _DATA)] = None,
    labels: Annotated[str | None, _flag("Keep these labels only: a,b,c.", _DATA)] = None,
    val_groups: Annotated[str | None, _flag("Groups for validation: a,b.", _DATA)] = None,
    test_groups: Annotated[str | None, _flag("Groups that are never seen: a,b.", _DATA)] = None,
    val_share: Annotated[float | None, _flag("Share of the clips to validate on (0.2).", _DATA)] = None,
    test_share: Annotated[float | None, _flag("Share of the clips to test on (0).", _DATA)] = None,
    background: Annotated[str | None, _flag("auto, off, or the label for nothing (auto).", _DATA)] = None,
    about: Annotated[str | None, _flag("The training data in words, for the model card.", _DATA)] = None,
    init: Annotated[str | None, _flag("Keep the encoder of this bundle or run, train a head.", _NET)] = None,
    backbone: Annotated[
        str | None,
        _flag("efficientnet_lite0[:STAGES], timm/NAME, torchvision/NAME (efficientnet_lite0:5+6.1).", _NET),
    ] = None,
    input_: Annotated[
        str | None,
        _flag(
            "motion, compensated (motion, with a change of the exposure undone) or rgb (motion).",
            _NET,
            "--input",
        ),
    ] = None,
    size: Annotated[int | None, _flag("Side of the encoder's picture in pixels (128).", _NET)] = None,
    resize: Annotated[str | None, _flag("squash, letterbox or crop (squash).", _NET)] = None,
    fps: Annotated[float | None, _flag("Sampling rate (10).", _NET)] = None,
    cell: Annotated[str | None, _flag("gru or lstm (gru).", _NET)] = None,
    layers: Annotated[int | None, _flag("Recurrent layers (1).", _NET)] = None,
    hidden: Annotated[int | None, _flag("Size of the recurrent state (256).", _NET)] = None,
    shift: Annotated[
        int | None,
        _flag("Show the backbone's last N residual blocks the frame before (0); see --finetune.", _NET),
    ] = None,
    finetune: Annotated[int | None, _flag("Let the backbone's last N blocks learn (0).", _NET)] = None,
    epochs: Annotated[int | None, _flag("Epochs (30).", _FIT)] = None,
    passes: Annotated[int | None, _flag("Augmented views of each clip (6).", _FIT)] = None,
    flip: Annotated[
        bool | None, _flag("Mirror views; off where left and right differ (on).", _FIT, "--flip/--no-flip")
    ] = None,
    swap: Annotated[
        float | None, _flag("Share of views before another background; static cameras (0).", _FIT)
    ] = None,
    streams: Annotated[int | None, _flag("Streams in a batch (16).", _FIT)] = None,
    chunk: Annotated[int | None, _flag("Frames that gradients flow through (64).", _FIT)] = None,
    from_frame: Annotated[
        bool | None,
        _flag(
            "Begin as the single frame, not with random weights (on).", _FIT, "--from-frame/--no-from-frame"
        ),
    ] = None,
    loss: Annotated[str | None, _flag("Frames that are judged: all, late or last (late).", _FIT)] = None,
    late_s: Annotated[float | None, _flag("With late and last: seconds after a change (0.5).", _FIT)] = None,
    rate: Annotated[float | None, _flag("Learning rate (0.001).", _FIT)] = None,
    warmup: Annotated[float | None, _flag("Share of the steps in which the rate rises (0.1).", _FIT)] = None,
    decay: Annotated[float | None, _flag("Weight decay (0.05).", _FIT)] = None,
    dropout: Annotated[
        float | None, _flag("Dropout of the features and of the recurrent part (0).", _FIT)
    ] = None,
    smoothing: Annotated[float | None, _flag("Label smoothing (0.1).", _FIT)] = None,
    balance: Annotated[
        float | None, _flag("1: draw labels equally often; 0: as often as they have clips (1).", _FIT)
    ] = None,
    ema: Annotated[float | None, _flag("Decay of the averaged weights; 0: the last (0.99).", _FIT)] = None,
    accumulate: Annotated[int | None, _flag("Chunks to one step (1).", _FIT)] = None,
    patience: Annotated[
        int | None, _flag("Epochs without gain before it stops; 0: never (10).", _FIT)
    ] = None,
    false_alarms: Annotated[
        float | None, _flag("False alarms an hour that thresholds may cost (2).", _FIT)
    ] = None,
    seed: Annotated[int | None, _flag("Seed of all chance (0).", _FIT)] = None,
    device: Annotated[str | None, _flag("auto, cpu or cuda[:N] (auto).", _RUN)] = None,
    devices: Annotated[int | None, _flag("GPUs on each machine (1).", _RUN)] = None,
    nodes: Annotated[int | None, _flag("Machines (1).", _RUN)] = None,
    precision: Annotated[
        str | None, _flag("auto, 32-true, 16-mixed or bf16-mixed (auto: mixed on a GPU).", _RUN)
    ] = None,
    workers: Annotated[int | None, _flag("Processes that decode (CPUs - 1).", _RUN)] = None,
    threads: Annotated[int | None, _flag("Threads of PyTorch and ONNX Runtime (all).", _RUN)] = None,
    cache: Annotated[Path | None, _flag("Where features are kept (~/.cache/actrec).", _RUN)] = None,
    config: Annotated[Path | None, _flag("Take all options from a run.yaml; flags win.", _RUN)] = None,
    resume: Annotated[bool, _flag("Go on with the run in --out.", _RUN, "--resume")] = False,
) -> None:
    """Train a streaming recogniser on labelled clips.

    `actrec-train --data clips --out runs/mine` is enough: the backbone stays as it is, features are cached, and a
    recurrent head learns on long streams joined from the clips. `actrec-export runs/mine` makes a bundle of it.
    """
    given = {name: value for name, value in ctx.params.items() if value is not None}
    options = _options(given, config, out, resume)
    screen = Screen(stderr)
    need_extra("train", "torch", "torchvision", "timm", "lightning", "matplotlib")
    screen.say("[dim]loading PyTorch ...[/]")
    from .run import train

    try:
        train(options, screen, resume=resume)
    except KeyboardInterrupt:
        screen.say(f"stopped; go on with: actrec-train --out {options.out} --resume")
        raise


def _options(given: dict[str, Any], config: Path | None, out: Path | None, resume: bool) -> TrainConfig:
    for name in ("config", "resume"):
        given.pop(name, None)
    if "input_" in given:
        given["input"] = given.pop("input_")
    for name in ("labels", "val_groups", "test_groups"):
        if name in given:
            given[name] = tuple(part.strip() for part in given[name].split(",") if part.strip())
    if "where" in given:
        pairs = [pair.partition("=") for pair in given["where"]]
        for column, equals, value in pairs:
            if not (column and equals and value):
                raise ConfigError(f"--where {column!r}: want COLUMN=VALUE, such as set=weizmann")
        given["where"] = {column: value for column, _, value in pairs}
    values: dict[str, Any] = dict(TEACH_ME) if given.get("init") else {}
    if resume and config is None:
        if out is None:
            raise ConfigError("--resume: no run named; want --out RUN, the folder of the run to go on with")
        config = out / CONFIG_FILE
    if config is not None:
        values |= read_config(config)
    values |= given
    if "data" not in values:
        raise ConfigError(
            "--data: not given; want a folder with one folder of clips for each label, or a list of clips"
        )
    if "out" not in values:
        raise ConfigError("--out: not given; want a folder for the run, such as runs/first")
    return make_config(values)


def main() -> None:
    """Run the command."""
    run_app(app)


if __name__ == "__main__":
    main()
