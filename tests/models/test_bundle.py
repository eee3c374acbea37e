"""Claims about specs and bundles: whole, sealed, or refused with one line."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from actrec.models import EventRule, ModelError, ModelSpec, StateSpec, load_bundle, passed_over, save_bundle

FILES = {
    "encoder.onnx": b"not a graph, but whole" * 20,
    "head.onnx": b"nor this" * 30,
    "README.md": b"# a card\n",
}


def make_spec(**changes: object) -> ModelSpec:
    values: dict[str, object] = {
        "name": "hand",
        "labels": ("idle", "wave"),
        "background": "idle",
        "fps": 10.0,
        "size": 32,
        "resize": "squash",
        "features": 4,
        "encoder_state": (StateSpec(name="encoder_state_0", shape=(3, 32, 32), dtype="uint8"),),
        "head_state": (StateSpec(name="state", shape=(2, 8)),),
        "cell": "lstm",
        "layers": 1,
        "hidden": 8,
        "backbone": "none",
        "backbone_licence": "none",
        "training_data": "noise — drawn by hand",
    }
    return ModelSpec.model_validate(values | changes)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return save_bundle(tmp_path / "hand", make_spec(), FILES).folder


def test_what_is_saved_loads_the_same(folder: Path) -> None:
    bundle = load_bundle(folder)
    assert bundle.spec.sealed({}) == make_spec().sealed({})
    assert bundle.read("head.onnx") == FILES["head.onnx"]
    assert bundle.id.startswith("hand@")
    assert len(bundle.id) == len("hand@") + 8


@pytest.mark.parametrize("name", ["spec.json", *FILES])
def test_any_flipped_byte_is_a_model_error(folder: Path, name: str) -> None:
    path = folder / name
    whole = path.read_bytes()
    rng = random.Random(name)
    for _ in range(250):
        broken = bytearray(whole)
        broken[rng.randrange(len(whole))] ^= rng.randrange(1, 256)
        path.write_bytes(broken)
        with pytest.raises(ModelError, match=str(path.name)):
            load_bundle(folder)
    path.write_bytes(whole)
    load_bundle(folder)


@pytest.mark.parametrize("name", ["spec.json", *FILES])
def test_a_truncated_or_missing_file_is_a_model_error(folder: Path, name: str) -> None:
    path = folder / name
    whole = path.read_bytes()
    for size in {0, 1, len(whole) // 2, len(whole) - 1}:
        path.write_bytes(whole[:size])
        with pytest.raises(ModelError):
            load_bundle(folder)
    path.unlink()
    with pytest.raises(ModelError, match="not whole"):
        load_bundle(folder)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"background": "nothing"}, "background"),
        ({"labels": ("a", "a"), "background": None}, "labels repeat"),
        ({"labels": ("idle", "two\nlines")}, "not printable"),
        ({"fps": 0.0}, "fps"),
        ({"size": 100000}, "size"),
        ({"hidden": 9}, "head_state"),
        ({"rules": {"nobody": EventRule()}}, "unknown labels"),
        ({"rule": {"enter": 0.3, "leave": 0.6}}, "leave"),
        ({"encoder_state": ({"name": "encoder_state_0", "shape": (1 << 20, 1 << 20)},)}, "bytes a stream"),
        ({"schema_version": "actrec.bundle/9"}, "this actrec reads"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_spec_that_does_not_fit_names_the_reason(changes: dict[str, object], reason: str) -> None:
    raw = json.loads(make_spec().to_json()) | json.loads(
        json.dumps(changes, default=lambda v: v.model_dump())
    )
    with pytest.raises(ModelError, match=reason):
        ModelSpec.from_json(json.dumps(raw), "spec.json")


def test_a_file_name_cannot_leave_the_folder() -> None:
    with pytest.raises(ModelError, match="files"):
        ModelSpec.from_json(
            json.dumps(json.loads(make_spec().to_json()) | {"files": {"../x": "0" * 64}}), "spec.json"
        )


def test_an_unknown_name_lists_what_there_is() -> None:
    with pytest.raises(ModelError, match="not a folder and not a shipped model"):
        load_bundle("no-such-model")


def test_a_bundle_is_replaced_whole_and_leaves_nothing_beside_it(folder: Path) -> None:
    save_bundle(folder, make_spec(fps=5.0), FILES)
    assert load_bundle(folder).spec.fps == 5.0
    assert [path.name for path in folder.parent.iterdir()] == ["hand"]


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_bytes(b"cat")
    with pytest.raises(ModelError, match="not a bundle"):
        save_bundle(tmp_path / "photos", make_spec(), FILES)
    assert (tmp_path / "photos" / "cat.jpg").read_bytes() == b"cat"


def test_a_bare_shipped_name_is_the_shipped_model_and_a_path_is_the_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    folder.rename("everyday")
    assert load_bundle("everyday").spec.name == "everyday"
    assert passed_over("everyday") == Path("everyday")
    for path in ("./everyday", "everyday/", Path("everyday"), str(folder.parent / "everyday")):
        assert load_bundle(path).spec.name == "hand"
        assert passed_over(path) is None
    assert passed_over("fights") is None
