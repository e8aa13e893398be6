"""The folder of made models: `$TTSI_MODELS`, else the user's cache. What stands in it is whole.

A model is made beside its place under another name and moved there when it is done, so that an interruption, a full
disk or a second process change nothing. Its folder is named by what it was made of, which `origin.json` in it says.
"""

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pooch
from safetensors import SafetensorError

from ttsi.records import InputError

ORIGIN, SIZES = "origin.json", "sizes.json"

Origin = dict[str, Any]
"""What a model is made of, the same on every machine: checksums of its sources, and how it is made."""

Say = Callable[[str], None]


def silent(_: str) -> None:
    """Say nothing."""


def cache_root() -> Path:
    """Return the folder of made models: `$TTSI_MODELS`, else `ttsi/models` of the user's cache."""
    named = os.environ.get("TTSI_MODELS")
    return Path(named) if named else Path(pooch.os_cache("ttsi")) / "models"


def made(name: str, origin: Origin, make: Callable[[Path], None], say: Say = silent) -> Path:
    """Return the folder of a model, made if it is not there or was damaged.

    The folder's name begins with `name`; another origin is another folder. `make` writes the model into an empty one,
    and `say` is told whether the model is there or is being made.

    Raises:
        InputError: the cache cannot be written; and what `make` raises.
    """
    digest = hashlib.sha256(json.dumps(origin, sort_keys=True).encode()).hexdigest()
    folder = cache_root() / f"{name}-{digest[:12]}"
    if is_whole(folder):
        say(f"{name} is there")
        return folder
    say(f"making {name}, which takes a minute")
    part = folder.with_name(f".{folder.name}.part")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _alone(part.with_suffix(".lock")):
            if not is_whole(folder):
                _make(folder, part, origin, make)
    except (OSError, SafetensorError) as error:
        raise InputError(
            f"{folder} cannot be written: {getattr(error, 'strerror', None) or error}; expected a folder that can be, "
            "with 2 GB free; name one with TTSI_MODELS"
        ) from error
    return folder


def is_whole(folder: Path) -> bool:
    """Return whether every file of a made model is there in its size."""
    try:
        sizes = json.loads((folder / SIZES).read_text(encoding="utf-8"))
        return all((folder / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError, AttributeError):
        return False


def _make(folder: Path, part: Path, origin: Origin, make: Callable[[Path], None]) -> None:
    """Make a model in `part`, and move it to its place; alone, since a failure takes `part` away."""
    shutil.rmtree(part, ignore_errors=True)
    try:
        part.mkdir()
        make(part)
        _write(part / ORIGIN, origin)
        _write(part / SIZES, {path.name: path.stat().st_size for path in sorted(part.iterdir())})
        shutil.rmtree(folder, ignore_errors=True)
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _write(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Wait until no other process is inside the block with the same path."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
