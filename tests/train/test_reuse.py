"""Learning on another model's encoder: it is rebuilt from a bundle, proved, and handed over as it is."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from actrec.export.run import Wish, run_export
from actrec.models import ModelError, load_bundle
from actrec.realtime.backends import open_backend
from actrec.train.config import TrainConfig
from actrec.train.encode import encode_clips
from actrec.train.evaluation.subject import is_run
from actrec.train.hand_over import write_bundle
from actrec.train.keep import write_whole
from actrec.train.network import Network, NetworkConfig, checkpoint, load_network
from actrec.train.reuse import reuse_encoder

TOLD = {
    "temperature": 0.8, "smoothing_s": 0.2, "horizon_s": 3.0, "rules": {"clap": {"enter": 0.7, "leave": 0.5}},
    "training_data": "drawn", "metrics": {"val_clip_accuracy": 1.0}, "card": "Drawn.",
}  # fmt: skip
SMALL = {"backbone": "efficientnet_lite0:2+3", "size": 32, "hidden": 8, "embedding": 8, "shift": 2,
         "input": "compensated"}  # fmt: skip


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Network, Path]:
    """A network whose backbone is not the one that its name stands for any more, and shifted; and its bundle."""
    folder = tmp_path_factory.mktemp("exported")
    torch.manual_seed(0)
    network = Network(NetworkConfig(labels=("a", "b"), **SMALL)).eval()
    with torch.no_grad():
        for module in network.encoder.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.weight.mul_(1.03)
                module.bias.add_(0.01)
    write_whole(checkpoint(network, **TOLD | {"rules": {}}), folder / "best.ckpt")
    run_export(folder / "best.ckpt", folder / "tuned", Wish(formats=("onnx",), verify=12), "tuned")
    return network, folder / "tuned"


def options(init: Path | str) -> TrainConfig:
    return TrainConfig(data=Path("none"), out=Path("none"), init=str(init), device="cpu", threads=1)


def test_a_fine_tuned_encoder_is_rebuilt_from_the_graph_of_its_bundle(exported: tuple[Network, Path]) -> None:
    network, folder = exported
    reused = reuse_encoder(options(folder))
    assert reused.settings["shift"] == 2
    assert reused.settings["input"] == "compensated"  # not `motion`, which differs where the exposure changes
    rebuilt = reused.build(NetworkConfig(labels=("clap", "wave"), **reused.settings))
    clip = np.random.default_rng(1).integers(0, 256, (6, 32, 32, 3), np.uint8)
    with torch.inference_mode():
        wanted = network.encode(torch.from_numpy(clip[None]))[0].numpy()
        again = rebuilt.encode(torch.from_numpy(clip[None]))[0].numpy()
    assert np.abs(again - wanted).max() < 2e-3 * np.abs(wanted).max()
    (features,) = encode_clips(reused.encoder, [clip])
    assert np.abs(features - wanted).max() < 2e-3 * max(1.0, np.abs(wanted).max())


def test_the_new_bundle_shares_the_encoder_file_and_answers_as_the_new_head(
    exported: tuple[Network, Path], tmp_path: Path
) -> None:
    reused = reuse_encoder(options(exported[1]))
    assert reused.bundle is not None
    network = reused.build(
        NetworkConfig(labels=("clap", "wave", "stand"), hidden=12, embedding=8, **reused.settings)
    )
    bundle = write_bundle(tmp_path / "mine", "mine", network, TOLD, reused.bundle)
    loaded = load_bundle(tmp_path / "mine")
    assert loaded.encoder_hash() == load_bundle(exported[1]).encoder_hash()
    assert loaded.spec.labels == ("clap", "wave", "stand")
    assert loaded.spec.rule_for("clap").enter == 0.7
    backend = open_backend(bundle, device="cpu")
    features = np.random.default_rng(0).random((1, 7, loaded.spec.features), np.float32)
    logits, _ = backend.step(features, backend.head_start(1))
    with torch.inference_mode():
        wanted, _ = network.head(torch.from_numpy(features), network.head.start(1))
    assert np.abs(logits - wanted.numpy()).max() < 1e-4


def test_what_is_neither_a_bundle_nor_a_run_is_a_model_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="nowhere"):
        reuse_encoder(options("nowhere"))
    with pytest.raises(ModelError, match=r"spec\.json"):
        reuse_encoder(options(tmp_path))
    (tmp_path / "best.ckpt").write_text("no checkpoint")
    with pytest.raises(ModelError, match="not a checkpoint"):
        reuse_encoder(options(tmp_path))


def test_a_rebuilt_network_is_a_whole_checkpoint(exported: tuple[Network, Path], tmp_path: Path) -> None:
    reused = reuse_encoder(options(exported[1]))
    network = reused.build(NetworkConfig(labels=("clap", "wave"), **reused.settings))
    write_whole(checkpoint(network), tmp_path / "best.ckpt")
    again, _ = load_network(tmp_path / "best.ckpt")
    assert all(torch.equal(t, again.state_dict()[n]) for n, t in network.state_dict().items())


def test_a_run_named_like_a_shipped_model_does_not_take_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    run = Path("weizmann")
    run.mkdir()
    torch.manual_seed(0)
    write_whole(
        checkpoint(Network(NetworkConfig(labels=("a", "b"), **SMALL))),
        run / "best.ckpt",
    )
    shipped = reuse_encoder(options("weizmann"))
    assert shipped.bundle is not None
    assert shipped.bundle.spec.name == "weizmann"
    assert shipped.settings["input"] == "motion"
    said = capsys.readouterr().err
    assert said.startswith("--init weizmann: the shipped model is taken")
    assert "--init ./weizmann" in said
    assert reuse_encoder(options("./weizmann")).settings["size"] == 32
    assert capsys.readouterr().err == ""
    assert not is_run("weizmann")
    assert is_run("./weizmann")
