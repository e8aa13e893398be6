"""What the processes of a chapter used of the project: the kernel, and any Python that it starts."""

import os
from collections.abc import Mapping
from pathlib import Path

VARIABLE = "TTSI_BOOK_MODULES"
"""Names the file that `sitecustomize`, beside this file, appends to: a line for each module, program or folder."""


def environment(used: Path, root: Path) -> dict[str, str]:
    """Return the variables under which Python notes what it uses of the repository `root` in the file `used`."""
    path = [str(Path(__file__).parent), str(root / "src"), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {"PYTHONPATH": os.pathsep.join(path), VARIABLE: str(used), "TTSI_BOOK_DATA": str(root / "data")}


def modules_used(used: Path, known: Mapping[str, str], source: Path) -> set[str]:
    """Return the names of the modules that were imported, also of those that were not found, or run as a program."""
    programs = {str(source / f"{name.replace('.', '/')}.py"): name for name in known}
    return {programs.get(line, line) for line in _lines(used) if not line.endswith("/")}


def folders_read(used: Path, root: Path) -> set[str]:
    """Return the folders of data that were read, as the repository names them."""
    return {Path(line).relative_to(root).as_posix() for line in _lines(used) if line.endswith("/")}


def _lines(used: Path) -> list[str]:
    return used.read_text(encoding="utf-8").splitlines()
