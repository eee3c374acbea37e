"""What code does, as a key: what it made before it was changed is not taken for what it makes now."""

from __future__ import annotations

import ast
import hashlib
import inspect
import sys
from collections.abc import Callable
from functools import cache
from typing import Any


@cache
def code_key(*makers: Callable[..., Any]) -> str:
    """Return a hash over the modules that these functions and classes are from."""
    digest = hashlib.sha256()
    for name in sorted({maker.__module__ for maker in makers}):
        digest.update(name.encode())
        digest.update(strip_words(inspect.getsource(sys.modules[name])).encode())
    return digest.hexdigest()


def strip_words(source: str) -> str:
    """Return Python source as it runs: without comments, layout and docstrings."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        for _, block in ast.iter_fields(node):
            if isinstance(block, list):
                block[:] = [part for part in block if not _is_text(part)]
    return ast.dump(tree)


def _is_text(node: object) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
