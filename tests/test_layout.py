"""Claims about the house: who imports whom, what the wheel holds, that the core needs no PyTorch."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ORDER = ("models", "realtime", "train", "export")
TORCH_ALLOWED = {"realtime/backends/ts.py", "realtime/bench.py"}
"""Where TorchScript runs or is timed; only on demand."""


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Yield (absolute module name, whether at module level) of every import of a file of the package."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    top = set(ast.walk(ast.Module(body=[n for n in tree.body if not isinstance(n, ast.If)], type_ignores=[])))
    functions = {inner for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) for inner in ast.walk(n)}
    package = ("actrec", *path.relative_to(ROOT).parent.parts)
    for node in ast.walk(tree):
        level = node in top and node not in functions
        if isinstance(node, ast.Import):
            yield from ((alias.name, level) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield module, level
            yield from ((f"{module}.{alias.name}", level) for alias in node.names)


def sources(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize("folder", ORDER)
def test_a_folder_imports_only_from_its_left(folder: str) -> None:
    forbidden = ORDER[ORDER.index(folder) + 1 :]
    found = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in sources(folder)
        for name, _ in imports(path)
        if any(name == f"actrec.{other}" or name.startswith(f"actrec.{other}.") for other in forbidden)
    ]
    assert found == []


def test_live_never_imports_torch_but_in_the_torchscript_backend() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {name}"
        for folder in ("models", "realtime")
        for path in sources(folder)
        for name, at_top in imports(path)
        if (at_top or path.relative_to(ROOT).as_posix() not in TORCH_ALLOWED)
        and name.split(".")[0] in ("torch", "torchvision", "timm", "lightning")
    ]
    assert found == []


def test_importing_actrec_and_its_live_command_brings_no_torch() -> None:
    code = "import sys, actrec, actrec.realtime.cli, actrec.realtime.live; print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "False"


def test_the_public_face_is_what_it_says() -> None:
    import actrec

    assert sorted(actrec.__all__) == actrec.__all__
    assert all(hasattr(actrec, name) for name in actrec.__all__)


@pytest.mark.parametrize(
    "path", [p for f in (*ORDER, "tests", "benchmarks", "examples") for p in sources(f)], ids=str
)
def test_no_file_is_long_and_none_is_a_drawer_for_odds_and_ends(path: Path) -> None:
    assert path.stem not in {"utils", "util", "common", "core", "helpers", "base", "misc"}
    most = 500 if "tests" in path.parts else 320
    assert len(path.read_text(encoding="utf-8").splitlines()) <= most
