"""Where data is and results go: the data folder (agents, profiles, manifests, published results), and new folders."""

import os
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from ttsi.records import InputError

PART = ".part"
"""Ends the name of a file that is not whole yet."""


def data_root() -> Path:
    """Return the data folder: `$TTSI_DATA`, or `data/` of the checkout that one is in.

    The checkout is the one that holds this package or, for an installed package, the working directory.

    Raises:
        InputError: there is no such folder.
    """
    named = os.environ.get("TTSI_DATA")
    checkouts = (Path(__file__).parents[2], Path.cwd(), *Path.cwd().parents)
    folders = [Path(named)] if named else [checkout / "data" for checkout in checkouts]
    found = next((folder for folder in folders if (folder / "profiles").is_dir()), None)
    if found is None:
        raise InputError(f"{folders[0]} is not a data folder: found no profiles/ in it; name one with TTSI_DATA")
    return found


def make_folder(folder: Path) -> None:
    """Make a folder for results, and those above it, where they are not there yet.

    Raises:
        InputError: a file is in the way, or nothing can be written in the folder.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except (FileExistsError, NotADirectoryError) as error:
        raise InputError(f"{folder} is a file or lies below one; expected a folder for the results") from error
    except (OSError, ValueError) as error:  # the latter of a name that no file can have
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{folder} cannot be written: {reason}; expected a folder for the results") from error


def write_whole(path: Path, write: Callable[[Path], Any]) -> None:
    """Write a file beside its place and move it there, so that a reader finds all of the new one or of the old."""
    part = path.with_name(path.name + PART)
    write(part)
    part.replace(path)
