"""`actrec-export`: from a run to a bundle that proves that it says the same."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from ..models import ConfigError
from ..realtime.command import need_extra, new_app, run_app

app = new_app()
FORMATS = ("onnx", "torchscript", "triton")


@app.command()
def export(
    run: Annotated[Path, typer.Argument(help="Folder of a run, or a checkpoint.", show_default=False)],
    out: Annotated[
        Path, typer.Option(help="Folder of the bundle; its name becomes the model's.", show_default=False)
    ],
    format: Annotated[
        str, typer.Option(help="onnx, torchscript and triton (a model repository), with commas.")
    ] = "onnx,torchscript",
    int8: Annotated[
        bool, typer.Option("--int8", help="An int8 encoder too; the default if it is as good.")
    ] = False,
    fp16: Annotated[bool, typer.Option("--fp16", help="A float16 encoder too, for GPUs.")] = False,
    step: Annotated[
        bool, typer.Option("--step", help="step.onnx too: encoder and head in one graph.")
    ] = False,
    size: Annotated[int | None, typer.Option(help="Side of the square in pixels, if not as trained.")] = None,
    verify: Annotated[int, typer.Option(help="Chained steps over which parity is checked.", min=12)] = 100,
    opset: Annotated[int, typer.Option(help="ONNX opset.", min=17)] = 20,
    data: Annotated[
        Path | None,
        typer.Option(help="Clips to verify and calibrate on (default: what the run was trained on)."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="The model's name (default: that of the folder).")] = None,
) -> None:
    """Write a bundle: encoder and head as graphs, each with its spec inside, after checking that they agree."""
    formats = tuple(dict.fromkeys(part.strip() for part in format.split(",") if part.strip()))
    unknown = [part for part in formats if part not in FORMATS]
    if unknown or not formats:
        raise ConfigError(f"--format {','.join(unknown) or 'nothing'}: unknown; want {', '.join(FORMATS)}")
    if "onnx" not in formats and (int8 or fp16 or step or "triton" in formats):
        raise ConfigError(
            "--int8, --fp16, --step and triton are made of the ONNX graphs; add onnx to --format"
        )
    os.environ.setdefault(
        "OMP_WAIT_POLICY", "PASSIVE"
    )  # before PyTorch: its idle threads leave the cores alone
    need_extra("train", "torch", "timm", "onnx", "onnxscript")
    from .run import Wish, run_export

    wish = Wish(formats, int8=int8, fp16=fp16, step=step, size=size, verify=verify, opset=opset, data=data)
    run_export(run, out, wish, name or out.resolve().name)


def main() -> None:
    """Run the command."""
    run_app(app)
