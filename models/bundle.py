"""A bundle: the folder that carries a model from training to every runtime, and proves that it arrived whole."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .errors import ModelError
from .spec import MAX_SPEC_BYTES, ModelSpec, Precision

SPEC_FILE = "spec.json"
CARD_FILE = "README.md"
MAX_FILE_BYTES = 1 << 30
_SHIPPED = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Bundle:
    """A verified model folder. `read` gives a file's bytes, checked once more against the spec."""

    folder: Path
    spec: ModelSpec

    @property
    def id(self) -> str:
        """`name@hash8`: which model, exactly, said this."""
        return f"{self.spec.name}@{self.spec.seal[:8]}"

    def encoder_hash(self, precision: Precision | None = None) -> str:
        """Return the encoder's SHA-256; bundles that share it can share one pass over a frame."""
        return self.spec.files[encoder_file(precision or self.spec.precision)]

    def read(self, name: str) -> bytes:
        """Return the bytes of one file of the bundle. Raises ModelError if it is missing or changed."""
        wanted = self.spec.files.get(name)
        if wanted is None:
            have = ", ".join(self.spec.files)
            raise ModelError(
                f"{self.folder}: no {name} in this bundle (it has {have}); export it with that format"
            )
        path = self.folder / name
        try:
            if path.stat().st_size > MAX_FILE_BYTES:
                raise ModelError(
                    f"{path}: {path.stat().st_size} bytes, at most {MAX_FILE_BYTES}; export it again"
                )
            data = path.read_bytes()
        except OSError as error:
            raise ModelError(f"{path}: {error.strerror}; the bundle is not whole, export it again") from None
        if hashlib.sha256(data).hexdigest() != wanted:
            raise ModelError(
                f"{path}: the bytes do not fit the hash in {SPEC_FILE}; copy or export the bundle again"
            )
        return data


def encoder_file(precision: Precision, runtime: str = "onnx") -> str:
    """Return the name of the encoder graph: `encoder.onnx`, `encoder.int8.onnx`, `encoder.ts` ..."""
    return f"encoder.{runtime}" if precision == "fp32" else f"encoder.{precision}.{runtime}"


def shipped_bundles() -> tuple[str, ...]:
    """Return the names of the bundles that come with the package."""
    return tuple(sorted(path.parent.name for path in _SHIPPED.glob(f"*/{SPEC_FILE}")))


def names_shipped(model: str | Path) -> bool:
    """Return whether this is the bare name of a shipped bundle: `everyday`, but not `./everyday`, nor a Path."""
    return isinstance(model, str) and model in shipped_bundles()


def passed_over(model: str | Path) -> Path | None:
    """Return the folder that bears the name of a shipped bundle and is not taken for it, if there is one."""
    folder = Path(model)
    if not names_shipped(model) or not folder.is_dir() or folder.samefile(_SHIPPED / model):
        return None
    return folder


def load_bundle(model: str | Path) -> Bundle:
    """Load a shipped bundle by name, or one from a folder, and verify every byte of it.

    A bare shipped name is the shipped one wherever the process stands; `./everyday`, or a Path, is a folder.
    Raises ModelError: unknown name, a file that is missing, changed or too large, a spec that does not fit.
    """
    folder = _find(model)
    path = folder / SPEC_FILE
    try:
        with path.open("rb") as file:
            data = file.read(MAX_SPEC_BYTES + 1)
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror}; the bundle is not whole, export it again") from None
    bundle = Bundle(folder, ModelSpec.from_sealed(data, str(path)))
    if encoder_file(bundle.spec.precision) not in bundle.spec.files and "encoder.ts" not in bundle.spec.files:
        raise ModelError(f"{path}: no {bundle.spec.precision} encoder among its files; export it again")
    for name in bundle.spec.files:
        bundle.read(name)
    return bundle


def save_bundle(folder: Path, spec: ModelSpec, files: Mapping[str, bytes]) -> Bundle:
    """Write a bundle at `folder`, whole or not at all, and return it as `load_bundle` would.

    files: name -> bytes (graphs, `README.md` ...). The folder is written beside its place and renamed; an
    older bundle there is replaced only after the new one is complete. Raises OSError when it cannot be
    written, ModelError when the folder holds something that is not a bundle.
    """
    if folder.exists() and not (folder / SPEC_FILE).exists() and any(folder.iterdir()):
        raise ModelError(f"{folder}: holds something that is not a bundle; choose an empty folder")
    sealed = spec.sealed({name: hashlib.sha256(data).hexdigest() for name, data in files.items()})
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        for name, data in files.items():
            (scratch / name).write_bytes(data)
        (scratch / SPEC_FILE).write_text(sealed.to_json(), encoding="utf-8", newline="\n")
        scratch.chmod(0o755)
        if folder.exists():
            old = scratch.with_name(scratch.name + "-old")
            folder.rename(old)
            scratch.rename(folder)
            shutil.rmtree(old, ignore_errors=True)
        else:
            scratch.rename(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return load_bundle(folder)


def _find(model: str | Path) -> Path:
    folder = Path(model)
    if folder.is_dir() and not names_shipped(model):
        return folder
    if folder.name == str(model):
        known = shipped_bundles()
        if folder.name in known:
            return _SHIPPED / folder.name
        raise ModelError(
            f"model {folder.name!r}: not a folder and not a shipped model; give one of {', '.join(known)}"
        )
    raise ModelError(f"model {folder}: no such folder; give the folder that actrec-export wrote")
