from pathlib import Path

import pytest
import torch
from torch import nn

from actrec.models import ConfigError
from actrec.train.cache import Cache
from actrec.train.clips import Clip
from actrec.train.config import TrainConfig
from actrec.train.finetune import finetune, last_blocks
from actrec.train.network import Network, NetworkConfig
from actrec.train.prepared import prepare_views
from actrec.train.views import Shape, View

CONFIG = NetworkConfig(
    labels=("across", "updown", "background"), background="background", size=32, hidden=8, embedding=8
)


def network() -> Network:
    torch.manual_seed(0)
    return Network(CONFIG).eval()


def tune(
    two_classes: Path, out: Path, epochs: int, *, resume: bool = False
) -> tuple[Network, list[tuple[float, ...]]]:
    tuned, cache, told = network(), Cache(out / "cache"), []
    clips = [Clip(path, path.parent.name) for path in sorted(two_classes.rglob("*[01].mp4"))]
    wanted = [(clip, [View(), View("still", 1)]) for clip in clips]
    views = prepare_views(wanted, Shape(10.0, 32, "squash"), cache, background="background", workers=0)
    assert sum(len(each.keys) for each in views) == 8
    out.mkdir(exist_ok=True)
    config = TrainConfig(data=two_classes, out=out, device="cpu", finetune=3, finetune_epochs=2, size=32)
    if epochs < 2:  # stop early, as a kill would

        def stop(*report: float) -> None:
            told.append(report)
            if len(told) == epochs:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            finetune(tuned, views, cache, config, resume=resume, tell=stop)
    else:
        finetune(tuned, views, cache, config, resume=resume, tell=lambda *report: told.append(report))
    return tuned, told


def test_only_the_last_blocks_learn_and_no_statistics_change(two_classes: Path, tmp_path: Path) -> None:
    before = network().encoder.state_dict()
    tuned, told = tune(two_classes, tmp_path, 2)
    changed = {
        name for name, tensor in tuned.encoder.state_dict().items() if not torch.equal(tensor, before[name])
    }
    allowed = {id(p) for block in last_blocks(tuned.encoder.backbone, 3) for p in block.parameters()}
    names = {name for name, p in tuned.encoder.named_parameters() if id(p) in allowed}
    assert changed
    assert changed <= names
    assert len(told) == 2
    assert told[-1][1] < told[0][1]


def test_fine_tuning_resumes_where_it_was_stopped(two_classes: Path, tmp_path: Path) -> None:
    whole, _ = tune(two_classes, tmp_path / "whole", 2)
    tune(two_classes, tmp_path / "cut", 1)
    resumed, told = tune(two_classes, tmp_path / "cut", 2, resume=True)
    assert len(told) == 1
    for name, tensor in whole.encoder.state_dict().items():
        assert torch.equal(tensor, resumed.encoder.state_dict()[name]), name


def test_windows_in_one_pass_give_the_features_of_single_steps() -> None:
    net = network()
    windows = torch.randint(0, 256, (2, 6, 32, 32, 3), dtype=torch.uint8)
    with torch.inference_mode():
        assert torch.allclose(net.encoder.forward_windows(windows), net.encode(windows), atol=1e-4)


def test_blocks_are_counted_from_the_end() -> None:
    plain = nn.Sequential(
        nn.Conv2d(3, 4, 1), nn.Sequential(nn.Conv2d(4, 4, 1), nn.Conv2d(4, 5, 1)), nn.Identity()
    )
    assert [block.out_channels for block in last_blocks(plain, 2)] == [4, 5]  # type: ignore[union-attr]
    with pytest.raises(ConfigError, match="has 3 blocks"):
        last_blocks(plain, 4)
