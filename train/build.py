"""The network of a run before its head learns: built by name, kept from another model, or fine-tuned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any

import numpy as np
import torch

from ..models import Bundle, ConfigError
from .cache import Cache
from .clips import Clip
from .config import TrainConfig
from .dataset import Dataset, count_workers
from .encode import FrozenEncoder, freeze
from .finetune import finetune, last_blocks
from .gather import pieces
from .memory import keep_freed_memory
from .network import Head, Network, NetworkConfig
from .prepared import prepare_views
from .reuse import reuse_encoder
from .shift import layers_of
from .show import Screen, clock
from .views import Shape, View, idle_view, training_views

Wanted = list[tuple[Clip, Sequence[View]]]


@dataclass(frozen=True, slots=True, eq=False)
class Built:
    """What the head is trained on: a network whose encoder stays as it is from now on."""

    config: TrainConfig
    """The run's, with what a kept encoder fixes written in."""
    network: Network
    encoder: FrozenEncoder
    """The network's encoder, as it runs fastest."""
    origin: Bundle | None = None
    """The bundle whose encoder is kept, if it is one."""


def build(config: TrainConfig, dataset: Dataset, screen: Screen, *, resume: bool) -> Built:
    """Build the network as the run says, and fine-tune its last blocks if it says so. Raises ConfigError."""
    if config.init and config.finetune:
        raise ConfigError(
            "--init and --finetune: an encoder that is kept does not learn; leave one of them out"
        )
    torch.manual_seed(config.seed)
    if config.init:
        with screen.stage("loading the encoder"):
            reused = reuse_encoder(config)
            fixed = {
                name: value for name, value in reused.settings.items() if name in TrainConfig.model_fields
            }
            config = config.model_copy(update=fixed)
            network = reused.build(network_config(config, dataset))
        return Built(config, network, reused.encoder, reused.bundle)
    with screen.stage("building the network"):
        network = Network(network_config(config, dataset)).eval()
    if config.shift:
        _warn_of_shift(network, config, screen)
    if config.finetune:
        _tune(network, config, dataset, screen, resume=resume)
    with screen.stage("freezing the encoder"):
        encoder = freeze(network.encoder, size=config.size, device=config.device, threads=config.threads or 0)
    return Built(config, network, encoder)


def network_config(config: TrainConfig, dataset: Dataset) -> NetworkConfig:
    """Return the part of a run that a network is built from."""
    told: dict[str, Any] = config.model_dump(
        include=set(NetworkConfig.model_fields) - {"labels", "background"}
    )
    return NetworkConfig(**told, labels=dataset.labels, background=dataset.background)


def plan_views(config: TrainConfig, clips: Sequence[Clip], background: str | None) -> Wanted:
    """Return which views of which clips a run looks at: altered ones of those it trains on, an idle one of each."""
    rng = np.random.default_rng(config.seed)
    wanted: Wanted = []
    for clip in pieces(clips):
        altered = training_views(config.passes, flip=config.flip, seed=config.seed, swap=config.swap)
        views = altered if clip.split == "train" else [View()]
        idle = idle_view(rng)
        if background is not None and clip.label != background:
            views = [*views, idle]
        wanted.append((clip, views))
    return wanted


def _warn_of_shift(network: Network, config: TrainConfig, screen: Screen) -> None:
    learning = last_blocks(network.encoder.backbone, config.finetune) if config.finetune else []
    shifted = [
        layer
        for place, layer in enumerate(layers_of(network.encoder.backbone))
        if place in network.encoder.shifted
    ]
    frozen = sum(all(block is not each for each in learning) for block in shifted)
    if frozen:
        screen.say(
            f"[yellow]--shift {config.shift}: {frozen} of these blocks stay frozen, and were not trained to see "
            "the frame before; --finetune more blocks, or shift fewer[/]"
        )


def _tune(network: Network, config: TrainConfig, dataset: Dataset, screen: Screen, *, resume: bool) -> None:
    config.out.mkdir(parents=True, exist_ok=True)
    cache = Cache(config.cache_folder)
    wanted = plan_views(config, dataset.splits.train, dataset.background)
    with screen.stage("decoding for fine-tuning", len(wanted)) as advance:
        shape = Shape(config.fps, config.size, config.resize)
        views = prepare_views(
            wanted,
            shape,
            cache,
            background=dataset.background,
            workers=count_workers(config),
            advance=advance,
        )
    keep_freed_memory()
    epochs = config.finetune_epochs
    screen.say(f"fine-tuning the last {config.finetune} blocks on windows of frames: {epochs} epochs")
    began = monotonic()

    def tell(epoch: int, loss: float, named: float) -> None:
        left = (monotonic() - began) / epoch * (epochs - epoch)
        screen.say(
            f"{epoch:>3}/{epochs:<3} {loss:6.3f} {100 * named:6.1f} % of the frames  [dim]{clock(left)} left[/]"
        )

    finetune(network, views, cache, config, resume=resume, tell=tell)
    torch.manual_seed(config.seed)
    network.head = Head(
        network.encoder.features, network.config
    )  # the one that helped to tune has done its work
    screen.add("fine-tuning", monotonic() - began)
