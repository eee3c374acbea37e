"""One export from end to end: graphs, their proof, and only then a bundle on the disk."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from ..models import (
    CARD_FILE,
    Bundle,
    ConfigError,
    ModelError,
    ModelSpec,
    Precision,
    encoder_file,
    save_bundle,
)
from ..realtime.backends import Runtime, open_backend
from ..realtime.command import stderr
from ..train.clips import Clip
from .accuracy import Named, count_named, divide_as_trained, held_out
from .bias import Feeds
from .checkpoint import Trained, read_trained
from .choose import Variant, choose_int8
from .frames import drawn_stream, read_stream, task_clips
from .graphs import (
    DEFAULT_OPSET,
    export_onnx,
    export_torchscript,
    fuse_step,
    onnx_bytes,
    plan_encoder,
    plan_head,
    torchscript_bytes,
)
from .parity import LIMIT, Chain, Parity, TorchRunner, compare, run_chain, step_apart
from .quantize import CALIBRATION_EACH, CALIBRATION_FRAMES, KEEP, calibration_feeds, to_fp16, to_int8
from .report import Line, measure, print_table
from .triton import write_repository


@dataclass(frozen=True)
class Wish:
    """What the user asked for; see `actrec-export --help`."""

    formats: tuple[str, ...] = ("onnx", "torchscript")
    int8: bool = False
    fp16: bool = False
    step: bool = False
    size: int | None = None
    verify: int = 100
    opset: int = DEFAULT_OPSET
    data: Path | None = None


@dataclass(frozen=True, slots=True)
class Draft(Bundle):
    """A bundle in memory: it can be run and verified while nothing is on the disk yet."""

    contents: Mapping[str, bytes]

    def read(self, name: str) -> bytes:
        """Return the bytes of one file."""
        if name not in self.contents:
            raise ModelError(f"{self.folder}: no {name} in this export; add its format")
        return self.contents[name]


@dataclass
class Parts:
    """The graphs of a bundle; their files are made of them when the spec that goes inside is known."""

    card: str
    encoders: dict[Precision, onnx.ModelProto] = field(default_factory=dict)
    head: onnx.ModelProto | None = None
    scripts: dict[str, torch.jit.ScriptModule] = field(default_factory=dict)
    """TorchScript modules by the name of their file."""
    steps: bool = False

    def bundle(self, folder: Path, spec: ModelSpec) -> Draft:
        """Return the bundle of these graphs under a spec."""
        encoder_text, model_text = spec.embedded_text("encoder"), spec.embedded_text("model")
        files = {CARD_FILE: self.card.encode()}
        for precision, graph in self.encoders.items():
            files[encoder_file(precision)] = onnx_bytes(graph, encoder_text)
            if self.steps:
                name = encoder_file(precision).replace("encoder", "step")
                files[name] = self.step_file(spec, precision)
        if self.head is not None:
            files["head.onnx"] = onnx_bytes(self.head, model_text)
        for name, module in self.scripts.items():
            files[name] = torchscript_bytes(module, encoder_text if name == "encoder.ts" else model_text)
        hashes = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
        return Draft(folder, spec.sealed(hashes), files)

    def step_file(self, spec: ModelSpec, precision: Precision | None = None) -> bytes:
        """Return the file of the fused graph."""
        assert self.head is not None
        fused = fuse_step(self.encoders[precision or spec.precision], self.head)
        return onnx_bytes(fused, spec.embedded_text("model"))


def triton_folder(out: Path) -> Path:
    """Return where the Triton repository of a bundle goes: beside it."""
    return out.with_name(f"{out.name}-triton")


def run_export(source: Path, out: Path, wish: Wish, name: str) -> Bundle:
    """Export a run or checkpoint to the folder `out`, print the table, and return the bundle.

    Nothing is written before every check has passed. Raises ModelError with the figure if parity does not
    hold, ConfigError for wishes that cannot be met.
    """
    trained = read_trained(source, name=name, size=wish.size)
    clips = task_clips(source, wish.data)
    if wish.int8 and not clips:
        raise ConfigError(
            "--int8: calibrated on clips of the task, and those of the run are not here; give --data"
        )
    if not clips:
        stderr.print("no clips of the task here: verifying on drawn frames (give --data to change that)")
    with _shown() as progress:
        show = _Show(progress)
        with show("reading clips"):
            size = trained.spec.size
            frames = (
                read_stream(clips, trained.spec, wish.verify) if clips else drawn_stream(size, wish.verify)
            )
            if wish.int8 and wish.data is None:
                clips = divide_as_trained(source, clips)
            known = [clip for clip in clips if clip.split not in ("val", "test")]
            count = CALIBRATION_FRAMES * CALIBRATION_EACH
            material = read_stream(known or clips, trained.spec, count, seed=1) if wish.int8 else frames
        making = Making(trained, out, frames, show)
        making.make(wish, material, held_out(clips, trained.spec.labels))
        bundle = making.parts.bundle(out, making.spec)
        save_bundle(out, making.spec, bundle.contents)
        with show("measuring"):
            lines = [
                Line(encoder_file(precision, "ts" if runtime == "torchscript" else "onnx"), runtime, parity,
                     measure(bundle, runtime, precision, frames))
                for (runtime, precision), parity in making.proofs.items()
            ]  # fmt: skip
        if "triton" in wish.formats:
            with show("Triton repository"):
                write_repository(bundle.spec, making.parts.step_file(making.spec), triton_folder(out))
    sizes = {name: len(data) for name, data in bundle.contents.items()}
    print_table(bundle.spec, sizes, lines, making.said)
    stderr.print(f"wrote {out} as {bundle.id}: parity holds over {len(frames)} chained steps")
    return bundle


class Making:
    """An export under way: the graphs so far, the spec so far, and a proof for each runtime and precision."""

    def __init__(self, trained: Trained, out: Path, frames: NDArray[np.uint8], show: _Show) -> None:
        self.parts = Parts(trained.card)
        self.spec = trained.spec
        self.proofs: dict[tuple[Runtime, Precision], Parity] = {}
        self.said = ""
        """Why this int8 encoder was taken."""
        self._network, self._out, self._frames, self._show = trained.network, out, frames, show
        runner = TorchRunner(trained.network, trained.spec)
        with show("PyTorch, the reference", len(frames)) as advance:
            self._reference: Chain = run_chain(runner, frames, advance)
        runner_parity = compare(self._reference, self._reference, runner, frames, exact=True)
        runner_parity.require("PyTorch itself")

    def make(self, wish: Wish, material: NDArray[np.uint8], judged: list[Clip]) -> None:
        """Make and prove everything that was wished; frames to calibrate on, clips to judge int8 by."""
        encoder, head = plan_encoder(self._network), plan_head(self._network)
        if "onnx" in wish.formats:
            with self._show("ONNX encoder"):
                self.parts.encoders["fp32"] = export_onnx(encoder, wish.opset)
            with self._show("ONNX head"):
                self.parts.head = export_onnx(head, wish.opset)
            self._prove("onnx", "fp32").require("ONNX")
            if _has_openvino():
                self._prove("openvino", "fp32").require("OpenVINO")
        if "torchscript" in wish.formats:
            with self._show("TorchScript"):
                self.parts.scripts = {
                    "encoder.ts": export_torchscript(encoder),
                    "head.ts": export_torchscript(head),
                }
            self._prove("torchscript", "fp32").require("TorchScript")
        if wish.fp16:
            self.parts.encoders["fp16"] = to_fp16(self.parts.encoders["fp32"])
            self._prove("onnx", "fp16").require("fp16")
        if wish.int8:
            self._make_int8(material, judged)
        if wish.step:
            self.parts.steps = True
            with self._show("fused step"):
                self._prove_steps()

    def _make_int8(self, material: NDArray[np.uint8], judged: list[Clip]) -> None:
        backend = open_backend(self.parts.bundle(self._out, self.spec), precision="fp32", device="cpu")
        feeds = calibration_feeds(backend, material)
        choice = choose_int8(self._variants(feeds, judged), self._named("fp32", judged))
        self.parts.encoders["int8"] = choice.variant.graph
        self.proofs |= {(runtime, "int8"): proof for runtime, proof in choice.variant.proofs.items()}
        self.said = choice.said
        if choice.default:
            self.spec = self.spec.model_copy(update={"precision": "int8"})

    def _variants(self, feeds: list[Feeds], judged: list[Clip]) -> Iterator[Variant]:
        runtimes: tuple[Runtime, ...] = ("onnx", "openvino") if _has_openvino() else ("onnx",)
        for keep in KEEP:
            with self._show(f"int8, {keep[0]} first and {keep[1]} last layers in float"):
                graph = self.parts.encoders["int8"] = to_int8(self.parts.encoders["fp32"], feeds, keep=keep)
            variant = Variant(keep, graph, {runtime: self._prove(runtime, "int8") for runtime in runtimes})
            yield replace(variant, named=self._named("int8", judged)) if variant.holds else variant

    def _named(self, precision: Precision, judged: list[Clip]) -> Named | None:
        if not judged:
            return None
        with self._show(f"{precision} on validation clips", len(judged)) as advance:
            return count_named(self.parts.bundle(self._out, self.spec), precision, judged, advance)

    def _prove(self, runtime: Runtime, precision: Precision) -> Parity:
        bundle = self.parts.bundle(self._out, self.spec)
        backend = open_backend(bundle, runtime=runtime, precision=precision, device="cpu")
        with self._show(f"{runtime} {precision}, checked", len(self._frames)) as advance:
            chain = run_chain(backend, self._frames, advance)
        exact = precision == "fp32"
        self.proofs[runtime, precision] = compare(self._reference, chain, backend, self._frames, exact=exact)
        return self.proofs[runtime, precision]

    def _prove_steps(self) -> None:
        bundle = self.parts.bundle(self._out, self.spec)
        for precision in self.parts.encoders:
            chain = run_chain(open_backend(bundle, precision=precision, device="cpu"), self._frames)
            apart = step_apart(bundle, precision, chain, self._frames)
            if not apart <= LIMIT:
                raise ModelError(f"step graph, {precision}: logits differ by {apart:.3g}, at most {LIMIT:g}")


class _Show:
    """Progress, one line for what is being done now."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    @contextmanager
    def __call__(self, what: str, total: int | None = None) -> Iterator[Callable[[], None]]:
        task = self._progress.add_task(what, total=total)
        try:
            yield lambda: self._progress.advance(task)
        finally:
            self._progress.remove_task(task)


def _shown() -> Progress:
    columns: tuple[Any, ...] = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    return Progress(*columns, console=stderr, transient=True)


def _has_openvino() -> bool:
    return importlib.util.find_spec("openvino") is not None
