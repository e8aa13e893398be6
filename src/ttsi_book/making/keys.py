"""What the result of a chapter and the pages depend on, and why a chapter must run again or the pages be built anew.

A result's key is made of components, each a name and the digest of its content: the code cells, every parameter, every
module of the project that was imported when the chapter was executed, by its kernel or by a process that it started,
every file under `data/` but those of folders below it that were neither read then nor are named in the chapter, every
file of the packages that is no module, and `requirements.txt`. Nothing else decides what runs again; prose may change
without.

A module that was not imported cannot have decided anything. To be imported the next time, one of those that were would
have to change, or a parameter, or a file: and each of them is a component.

The key of the pages is made of every file that they are built from, and of the executed chapters.
"""

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from ttsi_book.making.chapters import Chapter
from ttsi_book.making.recording.sitecustomize import OURS

Components = dict[str, str]
PARAMETER = "parameter "
NEVER = "for the first time"
ABSENT = "absent"
"""Stands for the content of a module that was looked for in vain: once it is there, it may be found."""

LEFT_BEHIND = {"__pycache__", ".ipynb_checkpoints"}

_MODULE = re.compile(rf"({'|'.join(OURS)})(\.\w+)*")


def chapter_components(
    chapter: Chapter, parameters: Mapping[str, Any], root: Path, files: Components | None = None
) -> Components:
    """Return the components of a chapter's key but its modules: name to digest, or to the value for a parameter.

    `parameters` are other values than the chapter's own; `files` are what `result_files` found, where that is known.
    """
    cells = {f"notebooks/{chapter.path.name}": _digest_cells(chapter.notebook())}
    values = {PARAMETER + name: repr(value) for name, value in (chapter.defaults() | dict(parameters)).items()}
    return cells | values | (result_files(root) if files is None else files)


def result_files(root: Path) -> Components:
    """Return the components that chapters depend on: all data, the packages' other files, the pinned versions."""
    others = [path for path in _packaged(root) if path.suffix != ".py"]
    return _digests(root, [*_below(root / "data"), *others, root / "requirements.txt"])


def folders_of_data(files: Iterable[str]) -> set[str]:
    """Return the folders below `data/` that hold one of these files themselves."""
    return {_folder(name) for name in files if name.startswith("data/") and name.count("/") > 1}


def outside(folders: Collection[str], components: Mapping[str, str]) -> Components:
    """Return the components that are no files of these folders."""
    return {name: digest for name, digest in components.items() if _folder(name) not in folders}


def page_components(root: Path, chapters: Path, files: Components) -> Components:
    """Return the components of the pages' key.

    `chapters` is the folder of executed chapters, with what is known of them; `files` are what `result_files` found.
    """
    staged = root / "book" / "notebooks"
    sources = [path for path in _below(root / "book") if not path.is_relative_to(staged)]
    sources += [*_below(root / "src"), *(root / "notebooks").glob("*.py"), root / "_config.yml"]
    executed = {f"executed {path.name}": _digest(path) for path in _below(chapters)}
    return _digests(root, sources) | executed | files


def module_digests(root: Path) -> Components:
    """Return the digest of every module of the project, by its dotted name."""
    modules = [path for path in _packaged(root) if path.suffix == ".py"]
    named = {path.relative_to(root / "src").with_suffix("").as_posix(): path for path in modules}
    return {name.removesuffix("/__init__").replace("/", "."): _digest(path) for name, path in named.items()}


def of_modules(names: Iterable[str], digests: Mapping[str, str]) -> Components:
    """Return the components that are modules, of these names or of the names of components."""
    return {name: digests.get(name, ABSENT) for name in sorted(names) if _MODULE.fullmatch(name)}


def reasons(before: Mapping[str, str] | None, now: Mapping[str, str]) -> list[str]:
    """Say why a chapter must run again, one reason a component; an empty list where nothing changed."""
    if before is None:
        return [NEVER]
    names = [name for name in [*now, *(set(before) - set(now))] if before.get(name) != now.get(name)]
    return [_reason(name, before.get(name), now.get(name)) for name in names]


def _folder(name: str) -> str:
    return name.rpartition("/")[0]


def _reason(name: str, before: str | None, now: str | None) -> str:
    if before is None:
        return f"{name} is new"
    if now is None:
        return f"{name} is gone"
    return f"{name}: {before} -> {now}" if name.startswith(PARAMETER) else f"{name} changed"


def _digest_cells(notebook: NotebookNode) -> str:
    """Digest what a kernel sees, and the tags that say how: captions and prose do not change a result."""
    code = [(cell.source, cell.metadata.get("tags", [])) for cell in notebook.cells if cell.cell_type == "code"]
    return hashlib.sha256(json.dumps(code).encode()).hexdigest()


def _packaged(root: Path) -> list[Path]:
    """Return the files of the project's packages."""
    return [path for name in OURS for path in _below(root / "src" / name)]


def _digests(root: Path, paths: Iterable[Path]) -> Components:
    return {path.relative_to(root).as_posix(): _digest(path) for path in paths}


def _below(folder: Path) -> list[Path]:
    """Return the files below a folder without what Python and Jupyter leave there."""
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and not LEFT_BEHIND & set(path.parts)]


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
