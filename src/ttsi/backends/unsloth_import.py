"""Importing Unsloth: first, and only where a run asks for it.

Unsloth replaces parts of `transformers`, `peft` and `trl` as it is imported, and wants to come before them. This module
imports none of the three, so that the command line can call `require` before anything that does.
"""

import os
import sys
import warnings
from contextlib import redirect_stdout
from typing import Any

import pooch

from ttsi.calls import first_line
from ttsi.records import InputError

PATCHED = ("trl", "transformers", "peft")
"""What Unsloth replaces parts of."""

TOO_LATE = "WARNING: Unsloth should be imported before"
"""How its own warning begins where one of them was imported earlier."""


def require() -> Any:
    """Import Unsloth, if it is not imported yet, and return its module. What it prints goes to stderr.

    Raises:
        InputError: there is no accelerator, or the extra `gpu` is not installed.
    """
    if sys.modules.get("unsloth"):
        return sys.modules["unsloth"]
    earlier = [name for name in PATCHED if name in sys.modules]
    # It writes Python files as it goes, by default into a folder of the working directory.
    os.environ.setdefault("UNSLOTH_COMPILE_LOCATION", str(pooch.os_cache("ttsi") / "unsloth_compiled_cache"))
    warnings.filterwarnings("ignore", message=TOO_LATE)
    try:
        with redirect_stdout(sys.stderr):
            import unsloth  # pyright: ignore[reportMissingImports]
    except (ImportError, RuntimeError) as error:
        raise InputError(
            f"--backend unsloth has found {_found(error)}; expected a GPU and the extra gpu (pip install '.[gpu]'); "
            "--backend batched and --backend peft need neither"
        ) from error
    if earlier:
        warnings.warn(
            f"Unsloth was imported after {', '.join(earlier)}, and may be slower or take more memory for it; expected "
            "--backend unsloth on the command line, or ttsi.backends.unsloth_import.require() before any other import",
            stacklevel=2,
        )
    return unsloth


def _found(error: Exception) -> str:
    if isinstance(error, NotImplementedError):
        return f"no accelerator ({first_line(error)})"
    if not (isinstance(error, ModuleNotFoundError) and error.name == "unsloth"):
        return f"an Unsloth that cannot be imported ({first_line(error)})"
    import torch

    return "no package 'unsloth'" + ("" if torch.cuda.is_available() else " and no accelerator")
