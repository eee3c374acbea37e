"""Claims about backbones of which several stages are looked at."""

from __future__ import annotations

import pytest
import torch

from actrec.models import ConfigError
from actrec.train.backbones import build_backbone
from actrec.train.encode import freeze
from actrec.train.network import Network, NetworkConfig

WIDTHS = {2: 24, 3: 40}
"""Channels of these stages of an EfficientNet-Lite0."""


def network(stages: str, **config: object) -> Network:
    torch.manual_seed(0)  # the whole network is drawn before it is cut, so all of these share their weights
    values = {
        "labels": ("a", "b"),
        "backbone": f"efficientnet_lite0:{stages}",
        "size": 32,
        "hidden": 8,
        **config,
    }
    return Network(NetworkConfig.model_validate(values), pretrained=False).eval()


def frames(steps: int) -> torch.Tensor:
    return torch.randint(0, 256, (2, steps, 32, 32, 3), generator=torch.Generator().manual_seed(0)).byte()


@torch.inference_mode()
@pytest.mark.parametrize("shift", [0, 2])
def test_each_stage_is_averaged_evenly_and_by_motion_as_it_is_alone(shift: int) -> None:
    clips = frames(6)
    both = network("2+3", shift=shift)
    assert both.encoder.features == 2 * sum(WIDTHS.values())
    even_2, moving_2, even_3, moving_3 = both.encode(clips).split([24, 24, 40, 40], dim=-1)
    torch.testing.assert_close(moving_3, network("3", shift=shift).encode(clips))
    if not shift:  # alone, the second stage would be shifted elsewhere
        torch.testing.assert_close(moving_2, network("2").encode(clips))
    maps_2, maps_3 = both.encoder.backbone(torch.rand(1, 3, 32, 32))
    assert (maps_2.shape[1], maps_3.shape[1]) == (24, 40)
    assert not torch.allclose(even_2, moving_2)
    assert not torch.allclose(even_3, moving_3)


@torch.inference_mode()
def test_without_motion_both_means_are_the_same() -> None:
    still = frames(1).expand(-1, 6, -1, -1, -1)
    even_2, moving_2, even_3, moving_3 = network("2+3").encode(still)[:, -1].split([24, 24, 40, 40], dim=-1)
    torch.testing.assert_close(even_2, moving_2)
    torch.testing.assert_close(even_3, moving_3)


@torch.inference_mode()
def test_colour_knows_no_motion_and_is_averaged_evenly_only() -> None:
    net = network("2+3", input="rgb")
    assert net.encoder.features == sum(WIDTHS.values())
    pictures = frames(1)[:, 0]
    wanted = net.encoder.backbone(net.encoder.normalise(pictures.permute(0, 3, 1, 2).float()))
    torch.testing.assert_close(
        net.encoder(pictures)[0], torch.cat([maps.mean(dim=(2, 3)) for maps in wanted], 1)
    )


@torch.inference_mode()
def test_windows_and_the_frozen_graph_give_the_same_as_single_steps() -> None:
    net, clips = network("2+3"), frames(5)
    wanted = net.encode(clips)
    torch.testing.assert_close(net.encoder.forward_windows(clips), wanted, atol=1e-4, rtol=1e-4)
    graph = freeze(net.encoder, size=32, device="cpu", threads=1)
    assert type(graph).__name__ == "GraphEncoder"
    state = graph.start(2)
    for step in range(5):
        features, state = graph.step(clips[:, step].numpy(), state)
        torch.testing.assert_close(torch.from_numpy(features), wanted[:, step], atol=1e-4, rtol=1e-4)


@torch.inference_mode()
def test_a_stage_can_end_with_any_of_its_blocks() -> None:
    cut, whole = network("2+3.1").encoder.backbone, network("2+3.2").encoder.backbone
    picture = torch.rand(1, 3, 32, 32)
    torch.testing.assert_close(cut(picture)[0], whole(picture)[0])
    torch.testing.assert_close(whole(picture)[1], network("2+3").encoder.backbone(picture)[1])
    assert cut(picture)[1].shape == whole(picture)[1].shape
    assert not torch.allclose(cut(picture)[1], whole(picture)[1])
    assert len(cut.state_dict()) < len(whole.state_dict())


@pytest.mark.parametrize("stages", ["6+5", "5+5", "0", "5+8", "5+", "x", "6.5", "6.0", "5.1+6", "5+6.", "8"])
def test_stages_that_there_are_not_are_one_line(stages: str) -> None:
    with pytest.raises(ConfigError, match="unknown; want efficientnet_lite0"):
        build_backbone(f"efficientnet_lite0:{stages}", pretrained=False)
