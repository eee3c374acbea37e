"""Claims about the README: what it shows works as it stands there."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def block(mark: str) -> str:
    """Return the code block behind the comment `<!-- mark -->`."""
    found = re.search(rf"<!-- {mark} -->\n```\w*\n(.*?)```", README, re.DOTALL)
    assert found is not None, f"the README has no block {mark!r}"
    return found[1]


@pytest.mark.timeout(900)
def test_from_the_first_clip_to_the_first_event_as_the_readme_shows_it(tmp_path: Path) -> None:
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-ec", block("teach")],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    said = {json.loads(line)["label"] for line in done.stdout.splitlines() if line.startswith('{"schema"')}
    assert said == {"jack", "bend"}


def test_each_document_that_is_linked_is_there() -> None:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    links = [(page, link) for page in pages for link in re.findall(r"\]\(([^)#:\s]+)\)", page.read_text())]
    assert len(links) > 5
    assert [f"{page.name}: {link}" for page, link in links if not (page.parent / link).exists()] == []


def test_each_flag_that_the_readme_names_exists() -> None:
    for command, module in (
        ("actrec-live", "actrec.realtime.cli"),
        ("actrec-record", "actrec.realtime.record_cli"),
        ("actrec-train", "actrec.train.cli"),
        ("actrec-export", "actrec.export.cli"),
    ):
        used = {
            flag
            for line in README.splitlines()
            if line.startswith(command) or f"bin/{command}" in line
            for flag in re.findall(r"(--[a-z][a-z0-9-]*)", line.split(command, 1)[1].split("#")[0])
        }
        code = f"import {module} as m; m.main()"
        done = subprocess.run(
            [sys.executable, "-c", code, "--help"], capture_output=True, text=True, check=True,
            env=os.environ | {"COLUMNS": "200"},
        )  # fmt: skip
        assert used
        assert sorted(flag for flag in used if flag not in done.stdout) == []
