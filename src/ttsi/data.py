"""Where the data folder is: agents, profiles, the benchmark manifest and the published results."""

import os
from pathlib import Path

from ttsi.records import InputError


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
