"""Small runs, and the bundles that they become: of GRU and LSTM, of encoders with and without state, with shift."""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from filelock import FileLock
from numpy.typing import NDArray

from actrec.export.frames import read_stream
from actrec.export.run import Wish, run_export
from actrec.models import Bundle, ModelSpec, load_bundle
from actrec.train.clips import Clip
from actrec.train.network import Network, NetworkConfig, checkpoint

torch.set_num_threads(
    1
)  # one frame at a time gains nothing from threads, which on a busy machine wait for each other

LABELS = ("nothing", "walk", "wave")
RULE = {"enter": 0.36, "leave": 0.34, "min_duration_s": 0.2, "min_gap_s": 0.2}
"""Low enough that a network which knows nothing makes events."""


@dataclass(frozen=True)
class Exported:
    """A network and its bundle."""

    network: Network
    run: Path
    bundle: Bundle


def save_run(folder: Path, seed: int = 0, **config: Any) -> tuple[Path, Network]:
    """Write the run of a small network with weights drawn by `seed`."""
    values = {
        "labels": LABELS, "background": "nothing", "backbone": "timm/test_efficientnet", "size": 32, "hidden": 16,
        "embedding": 16, **config,
    }  # fmt: skip
    torch.manual_seed(seed)
    network = Network(NetworkConfig.model_validate(values), pretrained=False)
    for module in network.modules():  # statistics as after training, so that folding them is put to the test
        if isinstance(module, torch.nn.BatchNorm2d) and module.running_mean is not None:
            torch.nn.init.normal_(module.running_mean, std=0.1)
            torch.nn.init.uniform_(module.running_var, 0.5, 1.5)
    with torch.no_grad():  # logits that differ enough to change the label now and then
        network.head.past.weight *= 8.0
    folder.mkdir(parents=True, exist_ok=True)
    told = {"rule": RULE, "smoothing_s": 0.1, "training_data": "none: drawn weights"}
    torch.save(checkpoint(network.eval(), **told), folder / "new.ckpt")
    (folder / "new.ckpt").replace(
        folder / "best.ckpt"
    )  # another process may be reading the one that it wrote
    return folder, network


def real_stream(folder: Path, spec: ModelSpec, count: int = 500, seed: int = 0) -> NDArray[np.uint8]:
    """Return frames of Weizmann clips, one clip after another in an order drawn by `seed`."""
    with (folder / "manifest.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["set"] == "weizmann"]
    frames = read_stream([Clip(folder / row["path"], row["label"]) for row in rows], spec, count, seed=seed)
    assert len(frames) == count
    return frames


@pytest.fixture(scope="session")
def export_run(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Exported]:
    """`export_run(wish, **config)`: a small network, exported once for each wish and configuration.

    The processes that test side by side share what each of them exports: one export takes many seconds.
    """
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    made: dict[str, Exported] = {}

    def export(wish: Wish | None = None, **config: Any) -> Exported:
        wish = wish or Wish(step=True, verify=60)
        key = repr((wish, sorted(config.items())))
        if key not in made:
            folder = shared / f"export-{hashlib.sha256(key.encode()).hexdigest()[:16]}"
            with FileLock(f"{folder}.lock"):
                run, network = save_run(folder / "run", **config)
                if not (folder / "small").exists():  # a bundle is there as a whole or not at all
                    run_export(run, folder / "small", wish, "small")
            made[key] = Exported(network, run, load_bundle(folder / "small"))
        return made[key]

    return export


@pytest.fixture(scope="session", params=["gru, compensated", "lstm on colour", "gru with shift"])
def exported(request: pytest.FixtureRequest, export_run: Callable[..., Exported]) -> Exported:
    """Both kinds of cell; encoders without state, with a history of frames, and with shifted blocks too."""
    if request.param == "gru with shift":
        return export_run(cell="gru", input="motion", backbone="efficientnet_lite0:2+3", shift=2)
    if request.param == "gru, compensated":
        return export_run(cell="gru", input="compensated")
    return export_run(cell="lstm", layers=2, input="rgb")
