"""A training run from beginning to end: clips, features, the single frame, the head, and what is kept of it."""

from __future__ import annotations

import copy
import os
import re
from time import monotonic
from typing import Any

import torch
from rich.console import Console

from ..models import ConfigError
from .baseline import fit_frame_layer
from .build import build, plan_views
from .cache import Cache
from .config import CONFIG_FILE, TrainConfig, write_config
from .dataset import Dataset, count_workers, read_dataset, tell_unreadable
from .encode import FrozenEncoder
from .finish import Features, finish, tell_metrics
from .fit import HeadFit, fit_head, make_stream_plan, steps_in_epoch, validation_chunks
from .gather import Gathered, check_readable, gather
from .hand_over import write_bundle
from .history import LOG_FILE, EpochReport, append_row
from .judge import judge
from .keep import BEST, RESUME, write_whole
from .network import Head, Network, checkpoint, load_network
from .show import Screen, clock
from .streams import Material, StreamSet
from .views import Shape

BUNDLE = "bundle"


def train(config: TrainConfig, screen: Screen, *, resume: bool = False) -> dict[str, float]:
    """Run everything and return the metrics; the run folder then holds checkpoints, log, pictures and config."""
    began = monotonic()
    folder = config.out
    config = _settle(config)
    first = _is_first()
    if not first:  # begun by Lightning when all of this was done once, to take a share of the fitting only
        screen = Screen(Console(quiet=True))
    dataset = read_dataset(config, screen)
    built = build(config, dataset, screen, resume=resume or not first)
    config, network, origin = built.config, built.network, built.origin
    folder.mkdir(parents=True, exist_ok=True)
    if first:
        write_config(config, folder / CONFIG_FILE)
    features = gather_features(config, dataset, built.encoder, screen)
    metrics = _fit(config, network, features, screen, resume=resume)
    if origin is not None and first:
        with screen.stage("writing the bundle"):
            best, saved = load_network(folder / BEST)
            bundle = write_bundle(folder / BUNDLE, safe_name(folder.name), best, saved, origin)
        screen.say(f"usable at once: [bold]actrec-live --model {bundle.folder}[/]")
    screen.times()
    screen.say(f"done in {clock(monotonic() - began)}")
    return metrics


def gather_features(
    config: TrainConfig, dataset: Dataset, encoder: FrozenEncoder, screen: Screen
) -> Features:
    """Decode and encode every clip, or find its features in the cache."""
    shape = Shape(config.fps, config.size, config.resize)
    wanted = plan_views(config, dataset.splits.all(), dataset.background)
    cache = Cache(config.cache_folder)
    with screen.stage("decoding and encoding", len(wanted)) as advance:
        began = monotonic()
        got = gather(wanted, encoder, shape, cache, workers=count_workers(config), advance=advance)
        spent = monotonic() - began
    check_readable(got)
    _tell_gathered(config, got, spent, screen)
    parts = {name: [s for s in got.samples if s.clip.split == name] for name in ("train", "val", "test")}
    return Features(parts["train"], parts["val"], parts["test"], got.unreadable)


def _tell_gathered(config: TrainConfig, got: Gathered, spent: float, screen: Screen) -> None:
    total = len(got.samples) + len(got.unreadable)
    screen.say(
        f"features of {got.frames} frames in {clock(spent)}: {total / max(spent, 1e-3):.1f} clips/s, "
        f"{got.cached} of {total} clips from the cache"
    )
    if got.cached < total:
        parts = (got.decode_s, got.alter_s, got.encode_s)
        shares = " : ".join(f"{100 * part / max(sum(parts), 1e-3):.0f}" for part in parts)
        screen.say(
            f"  decode {got.decode_s:.1f} s and augment {got.alter_s:.1f} s in workers, "
            f"encode {got.encode_s:.1f} s ({shares})"
        )
    if got.unreadable:
        tell_unreadable([reason for _, reason in got.unreadable], config, screen)


def _fit(
    config: TrainConfig, network: Network, features: Features, screen: Screen, *, resume: bool
) -> dict[str, float]:
    folder, labels, background = config.out, network.config.labels, network.config.background
    plan = make_stream_plan(config)
    material = Material(features.train, labels, background)
    chunks = validation_chunks(features.val, labels, background, plan)
    with screen.stage("single-frame baseline"):
        layer = fit_frame_layer(
            material, smoothing=config.smoothing, balance=config.balance, seed=config.seed
        )
        single = copy.deepcopy(network.head).eval()
        answer_by_frame(single, layer)
        start = judge(single, features.val, chunks, labels)
        if config.from_frame:
            answer_by_frame(network.head, layer)
    screen.say(
        f"single frame, averaged over the clip: {100 * start.clips.accuracy:.1f} % of the validation clips named"
    )
    going_on = resume and (folder / RESUME).exists()
    if not going_on and _is_first():
        (folder / LOG_FILE).unlink(missing_ok=True)
        (folder / RESUME).unlink(missing_ok=True)
        first = EpochReport(0, config.epochs, 0.0, start.loss, start.frames, start)
        append_row(folder / LOG_FILE, first.row())
        write_whole(_snapshot(network, single, first), folder / BEST)
    steps = steps_in_epoch(material, plan)
    module = HeadFit(
        network.head,
        config,
        StreamSet(material, plan, steps=steps, seed=config.seed),
        (features.val, chunks),
        labels,
    )
    length = f"{config.epochs} epochs of {steps} chunks"
    screen.say(f"fitting a {config.cell.upper()} of {config.hidden} on joined streams: {length}")
    screen.epoch_header()
    fit_began = monotonic()
    first_epoch: list[int] = []

    def tell(report: EpochReport, best: bool) -> None:
        first_epoch.append(report.epoch)
        per_epoch = (monotonic() - fit_began) / (report.epoch - first_epoch[0] + 1)
        screen.epoch(report, best, per_epoch * (report.epochs - report.epoch))

    def snapshot(report: EpochReport) -> dict[str, Any]:
        return _snapshot(network, module.judged, report)

    keep = fit_head(
        module, config, folder, snapshot=snapshot, tell=tell, start_score=start.score, resume=resume
    )
    screen.add("fitting the head", monotonic() - fit_began)
    if not _is_first():
        return {}
    with screen.stage("calibrating and reporting"):
        metrics = finish(config, features, chunks, single, keep.best_epoch)
    tell_metrics(metrics, screen)
    screen.say(f"best epoch {keep.best_epoch}, kept in {folder / BEST}")
    return metrics


def answer_by_frame(head: Head, layer: torch.nn.Linear) -> None:
    """Make a head answer exactly as the single-frame layer does: its recurrent part adds nothing.

    It is epoch 0 of the run, so the epoch that is kept cannot be worse than the single frame on validation. A
    head that learns on from there (`from_frame`) has a residual that begins at zero (ReZero, Bachlechner et al.,
    UAI 2021): where there is little to learn from it stays near the single frame on what it has not seen, too.
    """
    with torch.no_grad():
        head.frame.weight.copy_(layer.weight)
        head.frame.bias.copy_(layer.bias)
        head.past.weight.zero_()
        head.past.bias.zero_()


def _snapshot(network: Network, head: Head, report: EpochReport) -> dict[str, Any]:
    saved = checkpoint(network, epoch=report.epoch, score=report.val.score)
    saved["weights"] |= {
        f"head.{name}": tensor.detach().cpu().clone() for name, tensor in head.state_dict().items()
    }
    return saved


def _is_first() -> bool:
    """Return whether this process is the first of those that fit together, as Lightning and torchrun count."""
    return not any(int(os.environ.get(name) or 0) for name in ("LOCAL_RANK", "NODE_RANK", "GROUP_RANK"))


def _settle(config: TrainConfig) -> TrainConfig:
    """Return the config with `auto` decided."""
    device = config.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    # A head is too small for many threads, and half of the cores is what decoding leaves free.
    torch.set_num_threads(config.threads or max(1, (os.cpu_count() or 2) // 2))
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise ConfigError(
            f"--device {device}: this PyTorch sees no GPU; use cpu, or install PyTorch for CUDA"
        )
    return config.model_copy(update={"device": device})


def safe_name(text: str) -> str:
    """Return `text` as a model may be called."""
    return re.sub(r"[^a-z0-9_-]+", "-", text.lower()).strip("-_")[:64] or "mine"
