"""Folders of models: found by name, there or made on the user's machine, and what tells one from another."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from ttsi.models.adapters import is_adapter, merged
from ttsi.models.cache import ORIGIN, Say, silent
from ttsi.models.fetching import MANIFEST, fetch
from ttsi.models.manifest import load_wheels


def find(model: str, data: Path, say: Say = silent) -> Path | None:
    """Return the folder of a model: below the data folder if it is there, else as given, else of a model in a wheel.

    A folder may hold an adapter, whose merged model is meant. None: it is none of these. `say` is told, of a model that
    is made, whether it is there or is being made.

    Raises:
        InputError: it is one of these and cannot be made.
    """
    manifest = data / MANIFEST
    folder = next((folder for folder in (data / model, Path(model)) if folder.is_dir()), None)
    if folder:
        return merged(folder, manifest, say) if is_adapter(folder) else folder
    return fetch(model, manifest, say) if model in load_wheels(manifest) else None


def model_files(folder: Path) -> list[Path]:
    """Return the files of a model folder that decide what it computes.

    Of a model that was made on this machine, that is the record of its sources, the same on every machine.
    """
    if (folder / ORIGIN).is_file():
        return [folder / ORIGIN]
    return [path for path in folder.iterdir() if path.suffix in {".safetensors", ".json", ".jinja"}]


def hash_files(paths: Iterable[Path]) -> str:
    """Return the SHA-256 over the names and contents of files, sorted by name."""
    digest = hashlib.sha256()
    for path in sorted(paths):
        with path.open("rb") as file:
            digest.update(f"{path.name}\0".encode() + hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
