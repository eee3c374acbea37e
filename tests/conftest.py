"""What every test may ask for: the shared video, and tools of the system.

A test that misses something skips and says what; with ACTREC_CI=1 it fails instead, because CI installs all.
"""

from __future__ import annotations

import csv
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from actrec import Bundle

ROOT = Path(__file__).parent.parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the README's example, which takes longest: files are dealt out one by one."""
    items.sort(key=lambda item: item.path.name != "test_readme.py")


def _missing(what: str) -> None:
    if os.environ.get("ACTREC_CI") == "1":
        pytest.fail(f"CI must not skip: {what}")
    pytest.skip(what)


@pytest.fixture(scope="session")
def missing() -> Callable[[str], None]:
    """A function that skips the calling test because `what` is not here; in CI it fails it."""
    return _missing


@pytest.fixture(scope="session")
def need_tool() -> Callable[[str, str], str]:
    """A function that returns the path of a program, `need_tool("ffmpeg", "ffmpeg")`, or skips the test."""

    def need(name: str, package: str) -> str:
        path = shutil.which(name)
        if path is None:
            _missing(f"needs {name} (Debian package {package})")
        return str(path)

    return need


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real video with its manifest.csv; not part of the project."""
    folder = Path(os.environ.get("ACTREC_DATA") or ROOT.parent / "shared" / "data")
    if not (folder / "manifest.csv").is_file():
        _missing(f"needs the shared video clips (no {folder}/manifest.csv; set ACTREC_DATA)")
    return folder


@pytest.fixture(scope="session")
def weizmann_test_clips(shared_data: Path) -> list[tuple[Path, str]]:
    """The 20 clips, with their labels, of the two Weizmann actors that no training has seen."""
    with (shared_data / "manifest.csv").open(newline="") as file:
        rows = [r for r in csv.DictReader(file) if r["set"] == "weizmann" and r["group"] in ("ido", "shahar")]
    return [(shared_data / row["path"], row["label"]) for row in rows]


@pytest.fixture(scope="session")
def light_model(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A bundle whose every answer is known, see tests/light_model.py; exported once for all tests."""
    sys.path.insert(0, str(ROOT / "tests"))
    try:
        from light_model import save_light_model
    finally:
        sys.path.pop(0)
    bundle: Bundle = save_light_model(tmp_path_factory.mktemp("light") / "light")
    return bundle
