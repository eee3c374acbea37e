import numpy as np
import onnx
import pytest
import torch

from actrec.train.encode import GraphEncoder, TorchEncoder, _trace, encode_clips, freeze
from actrec.train.network import Network, NetworkConfig
from actrec.train.padding import fix_padding


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


def test_paddings_are_folded_into_the_convolutions_and_change_nothing(network: Network) -> None:
    before, after = (_trace(encoder, 32) for encoder in (network.encoder, fix_padding(network.encoder, 32)))
    operators = [
        {node.op_type for node in onnx.load_from_string(graph).graph.node} for graph in (before, after)
    ]
    assert "Pad" in operators[0]
    assert "Pad" not in operators[1]
    (clip,) = clips((5,))
    one, other = (encode_clips(GraphEncoder(graph, "key", 1), [clip])[0] for graph in (before, after))
    assert np.abs(one.astype(float) - other).max() < 1e-3
