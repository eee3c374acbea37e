"""Claims about temporal shift: what it computes, what it refuses, and that it sees what one frame does not show."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from actrec.models import ConfigError
from actrec.train.encode import TorchEncoder, freeze
from actrec.train.network import Network, NetworkConfig, checkpoint, load_network
from actrec.train.shift import layers_of, run_step


def network(**config: Any) -> Network:
    torch.manual_seed(0)
    values = {
        "labels": ("a", "b"),
        "backbone": "efficientnet_lite0:3",
        "size": 32,
        "hidden": 8,
        "embedding": 8,
    }
    return Network(NetworkConfig.model_validate({**values, "shift": 2, **config}), pretrained=False).eval()


def frames(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randint(0, 256, (*shape, 32, 32, 3), generator=torch.Generator().manual_seed(seed)).to(
        torch.uint8
    )


def test_the_state_is_an_array_for_each_shifted_block_behind_that_of_the_input() -> None:
    motion, colour = network().encoder, network(input="rgb").encoder
    assert [(s.name, s.shape, s.dtype) for s in motion.state_specs] == [
        ("encoder_state_0", (4, 32, 32), "uint8"),
        ("encoder_state_1", (3, 8, 8), "float32"),  # an eighth of 24 and of 40 channels
        ("encoder_state_2", (5, 4, 4), "float32"),
    ]
    assert [s.name for s in colour.state_specs] == ["encoder_state_0", "encoder_state_1"]
    assert all(not array.any() for array in motion.start(2))


@torch.inference_mode()
def test_of_a_picture_that_stands_still_a_shifted_network_sees_what_a_plain_one_sees() -> None:
    shifted, plain = network(input="rgb").encoder, network(input="rgb", shift=0).encoder
    plain.load_state_dict(shifted.state_dict())
    picture = frames(2)
    state = shifted.start(2)
    seen = []
    for _ in range(4):
        features, *state = shifted(picture, *state)
        seen.append(features)
    (wanted,) = plain(picture)
    assert not torch.allclose(seen[0], wanted, atol=1e-3), "before the first frame there were zeros"
    torch.testing.assert_close(seen[2], wanted)  # two blocks, two frames
    torch.testing.assert_close(seen[3], wanted)


@torch.inference_mode()
def test_a_block_sees_the_first_eighth_as_of_the_frame_before_and_its_shortcut_does_not() -> None:
    block = next(
        layer for layer in list(layers_of(network().encoder.backbone))[::-1] if hasattr(layer, "conv_pw")
    )
    first, second = torch.rand(2, 1, 40, 4, 4)
    _, (kept,) = run_step(torch.nn.Sequential(block), (0,), first, [torch.zeros(1, 5, 4, 4)])
    (maps,), _ = run_step(torch.nn.Sequential(block), (0,), second, [kept])
    mixed = torch.cat([first[:, :5], second[:, 5:]], dim=1)
    torch.testing.assert_close(maps, block(mixed) - mixed + second)


@torch.inference_mode()
def test_windows_at_once_give_the_features_of_single_steps() -> None:
    for kind in ("motion", "rgb"):
        net = network(input=kind)
        clips = frames(2, 6)
        torch.testing.assert_close(
            net.encoder.forward_windows(clips), net.encode(clips), atol=1e-4, rtol=1e-4
        )


@torch.inference_mode()
def test_a_frozen_encoder_gives_the_same_in_onnx_runtime_and_its_key_knows_of_the_shift() -> None:
    net = network()
    graph = freeze(net.encoder, size=32, device="cpu", threads=1)
    assert type(graph).__name__ == "GraphEncoder"
    state, clips = graph.start(2), frames(2, 5)
    for step, wanted in enumerate(net.encode(clips).unbind(1)):
        features, state = graph.step(clips[:, step].numpy(), state)
        torch.testing.assert_close(torch.from_numpy(features), wanted, atol=1e-4, rtol=1e-4)
    other = network(shift=1)
    other.load_state_dict(net.state_dict())
    assert TorchEncoder(other.encoder, "cpu").key != TorchEncoder(net.encoder, "cpu").key


@pytest.mark.parametrize(
    ("backbone", "shift", "message"),
    [
        ("timm/test_efficientnet", 1, "timm/test_efficientnet cannot be shifted; want efficientnet_lite0"),
        ("efficientnet_lite0:1", 1, "efficientnet_lite0:1 cannot be shifted"),
        ("efficientnet_lite0:3", 3, "has 2 blocks with a shortcut; want at most so many"),
    ],
)
def test_a_backbone_that_cannot_be_shifted_is_refused(backbone: str, shift: int, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        network(backbone=backbone, shift=shift)


def test_checkpoints_from_before_there_was_a_shift_still_load(tmp_path: Any) -> None:
    saved = checkpoint(network(shift=0))
    del saved["config"]["shift"]
    torch.save(saved, tmp_path / "old.ckpt")
    old, _ = load_network(tmp_path / "old.ckpt")
    assert old.config.shift == 0
    torch.save(checkpoint(network()), tmp_path / "new.ckpt")
    assert load_network(tmp_path / "new.ckpt")[0].encoder.shifted == network().encoder.shifted


def test_a_shifted_backbone_learns_what_came_before_and_a_plain_one_cannot() -> None:
    """Grey after dark or grey after bright: the last frame is the same."""
    levels = torch.tensor([[40, 120], [200, 120]], dtype=torch.uint8)
    clips = levels.view(2, 2, 1, 1, 1).expand(2, 2, 32, 32, 3)
    truth, losses = torch.tensor([0, 1]), {}
    for shift in (2, 0):
        net = network(input="rgb", shift=shift)
        layer = torch.nn.Linear(net.encoder.features, 2)
        optimiser = torch.optim.Adam([*net.encoder.backbone.parameters(), *layer.parameters()], 3e-3)
        for _ in range(20):
            said = layer(net.encoder.forward_windows(clips)[:, 1])
            loss = torch.nn.functional.cross_entropy(said, truth)
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            optimiser.step()
        losses[shift] = float(loss.detach())
    assert losses[2] < 0.1
    assert losses[0] > 0.69, "without the past nothing is better than a guess: ln 2"
