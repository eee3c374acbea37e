"""Memory that large tensors leave behind is kept for the next ones, in place of given back and cleared anew."""

from __future__ import annotations

import ctypes

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
"""Names of mallopt(3), glibc's malloc.h."""
_LARGEST = 2**31 - 1


def keep_freed_memory() -> bool:
    """Tell glibc to keep what is freed. Returns False where the C library is another, and nothing is changed.

    By default each large tensor is a mapping of its own, which the kernel clears page by page: a quarter of the
    processor time of fine-tuning on a CPU went there (docs/train.md). The process stays as large as it once was.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):  # no glibc: musl, macOS, Windows
        return False
    return bool(mallopt(_MMAP_MAX, 0)) and bool(mallopt(_TRIM_THRESHOLD, _LARGEST))
