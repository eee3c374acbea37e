import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from actrec.train.code_key import code_key, strip_words
from actrec.train.views import MAKERS, Shape, View, view_key


def load(path: Path, text: str) -> ModuleType:
    path.write_text(text)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def test_a_change_of_what_code_does_changes_its_key_and_one_of_its_words_does_not() -> None:
    before = strip_words('"""Doc."""\nLEVEL = 4\ndef f(x):\n    """Doc."""\n    return x + LEVEL  # so\n')
    assert before == strip_words("LEVEL=4\n\n\ndef f( x ):\n    return (x + LEVEL)\n")
    assert before != strip_words("LEVEL=5\ndef f(x):\n    return x + LEVEL\n")


def test_two_versions_of_a_module_have_two_keys(tmp_path: Path) -> None:
    keys = [
        code_key(
            load(tmp_path / f"v{level}" / "maker_of_views.py", f"def make():\n    return {level}\n").make
        )
        for level in (1, 2)
        if not (tmp_path / f"v{level}").mkdir()
    ]
    del sys.modules["maker_of_views"]
    assert keys[0] != keys[1]


def test_the_views_key_holds_the_code_of_augmentation(monkeypatch: pytest.MonkeyPatch) -> None:
    assert {maker.__module__ for maker in MAKERS} >= {
        "actrec.train.augment", "actrec.train.background", "actrec.train.decode", "actrec.models.prepare",
        "actrec.realtime.sampler",
    }  # fmt: skip
    shape = Shape(10.0, 32, "squash")
    before = view_key("c", 0.0, None, View("altered", 1), shape)
    assert before == view_key("c", 0.0, None, View("altered", 1), shape)
    monkeypatch.setattr("actrec.train.views.code_key", lambda *makers: "another")
    assert before != view_key("c", 0.0, None, View("altered", 1), shape)
