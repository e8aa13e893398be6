"""Which modules of the project the processes of a chapter used: the kernel, and any Python that it starts."""

import os
from collections.abc import Mapping
from pathlib import Path

VARIABLE = "TTSI_BOOK_MODULES"
"""Names the file that `sitecustomize`, beside this file, appends to: a line for each module or program."""


def environment(modules: Path, source: Path) -> dict[str, str]:
    """Return the variables under which Python notes what it imports of `source` in the file `modules`."""
    path = [str(Path(__file__).parent), str(source), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {"PYTHONPATH": os.pathsep.join(path), VARIABLE: str(modules)}


def recorded(modules: Path, known: Mapping[str, str], source: Path) -> set[str]:
    """Return the names of the modules that were imported, also of those that were not found, or run as a program."""
    programs = {str(source / f"{name.replace('.', '/')}.py"): name for name in known}
    return {programs.get(line, line) for line in modules.read_text(encoding="utf-8").splitlines()}
