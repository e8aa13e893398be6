"""Finds the folder of a model by its name: one that is there, or one that is made on the user's machine."""

from pathlib import Path

from ttsi.models.adapters import is_adapter, merged
from ttsi.models.cache import Say, silent
from ttsi.models.fetching import MANIFEST, fetch
from ttsi.models.manifest import load_wheels


def find(model: str, data: Path, say: Say = silent) -> Path | None:
    """Return the folder of a model: below the data folder if it is there, else as given, else of a model in a wheel.

    Args:
        model: a folder, or a name in the data folder's manifest of wheels; the folder may hold an adapter, whose
            merged model is meant.
        data: the data folder.
        say: is told, of a model that is made, whether it is there or is being made.

    Returns:
        None where it is none of these.

    Raises:
        InputError: it is one of these and cannot be made.
    """
    manifest = data / MANIFEST
    folder = next((folder for folder in (data / model, Path(model)) if folder.is_dir()), None)
    if folder:
        return merged(folder, manifest, say) if is_adapter(folder) else folder
    return fetch(model, manifest, say) if model in load_wheels(manifest) else None
