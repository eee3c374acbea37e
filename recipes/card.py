"""Put a model card into a bundle and seal it anew: card.py models/everyday recipes/everyday_card.md."""

from __future__ import annotations

import sys
from pathlib import Path

from actrec.models import CARD_FILE, load_bundle, save_bundle


def main() -> None:
    """Read the two paths and write the bundle."""
    folder, card = Path(sys.argv[1]), Path(sys.argv[2])
    bundle = load_bundle(folder)
    files = {name: bundle.read(name) for name in bundle.spec.files}
    save_bundle(folder, bundle.spec, {**files, CARD_FILE: card.read_bytes()})


if __name__ == "__main__":
    main()
