"""Which int8 encoder to take, and whether it becomes the default: by its proof, then by accuracy on the task."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import onnx

from ..realtime.backends import Runtime
from .accuracy import Named
from .parity import Parity

WITHIN = 0.01
"""How far the share of clips that int8 names may fall below that of fp32."""


@dataclass(frozen=True, eq=False)
class Variant:
    """An int8 encoder: how many first and last layers are left in float, its proofs, and what it is worth."""

    keep: tuple[int, int]
    graph: onnx.ModelProto
    proofs: Mapping[Runtime, Parity]
    named: Named | None = None
    """None: its proof does not hold, or there are no clips to name."""

    @property
    def holds(self) -> bool:
        """Whether every runtime agrees with fp32."""
        return all(proof.fault() is None for proof in self.proofs.values())


@dataclass(frozen=True, eq=False)
class Choice:
    """The variant that is taken, whether it becomes the bundle's default, and why, in a line."""

    variant: Variant
    default: bool
    said: str


def choose_int8(variants: Iterable[Variant], exact: Named | None) -> Choice:
    """Return the first variant that is proved and names within a point as many clips as fp32 does (`exact`).

    If none does, the one that names most, and fp32 stays the default. Without `exact` the first that is proved.
    No more variants are drawn than are needed. Raises ModelError with the last one's figure if none is proved.
    """
    proved: list[Variant] = []
    for variant in variants:
        last = variant
        if not variant.holds:
            continue
        if exact is None or variant.named is None:
            why = "no labelled validation clips here, so chosen by its agreement with fp32 alone"
            return Choice(variant, True, f"{_kept(variant)}; {why}")
        if variant.named.share >= exact.share - WITHIN - 1e-9:
            return Choice(variant, True, f"{_kept(variant)}; {_figures(variant.named, exact)}")
        proved.append(variant)
    if not proved:
        for runtime, proof in last.proofs.items():
            proof.require(f"int8 in {runtime}")
    best = max(proved, key=lambda variant: variant.named.share if variant.named else 0.0)
    assert best.named is not None
    assert exact is not None
    why = f"{_figures(best.named, exact)}: more than a point less, so fp32 stays the default"
    return Choice(best, False, f"{_kept(best)}; {why}")


def _kept(variant: Variant) -> str:
    return "int8, {} first and {} last layers in float".format(*variant.keep)


def _figures(named: Named, exact: Named) -> str:
    return f"validation clips named: int8 {named}, fp32 {exact}"
