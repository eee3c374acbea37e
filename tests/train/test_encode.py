import numpy as np
import pytest
import torch

from actrec.train.encode import GraphEncoder, TorchEncoder, encode_clips, freeze
from actrec.train.network import Network, NetworkConfig


@pytest.fixture(scope="module")
def network() -> Network:
    torch.manual_seed(0)
    return Network(NetworkConfig(labels=("a", "b"), size=32)).eval()


def clips(lengths: tuple[int, ...]) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (length, 32, 32, 3), np.uint8) for length in lengths]


def test_the_frozen_graph_gives_the_features_of_the_module(network: Network) -> None:
    graph = freeze(network.encoder, size=32, device="cpu")
    assert isinstance(graph, GraphEncoder)
    (clip,) = clips((6,))
    with torch.inference_mode():
        wanted = network.encode(torch.from_numpy(clip[None]))[0].numpy()
    (features,) = encode_clips(graph, [clip])
    assert features.dtype == np.float16
    assert np.abs(features - wanted).max() < 2e-3 * max(1.0, np.abs(wanted).max())


def test_clips_in_lockstep_give_the_features_of_each_alone(network: Network) -> None:
    graph = freeze(network.encoder, size=32, device="cpu")
    together = encode_clips(graph, clips((3, 9, 5, 9, 1)))
    assert [len(features) for features in together] == [3, 9, 5, 9, 1]
    for clip, features in zip(clips((3, 9, 5, 9, 1)), together, strict=True):
        (alone,) = encode_clips(graph, [clip])
        assert np.allclose(alone, features, atol=2e-3)


def test_other_weights_have_another_key(network: Network) -> None:
    before = TorchEncoder(network.encoder, "cpu").key
    parameter = next(network.encoder.parameters())
    with torch.no_grad():
        parameter.add_(1e-3)
        changed = TorchEncoder(network.encoder, "cpu").key
        parameter.sub_(1e-3)
    assert before != changed
