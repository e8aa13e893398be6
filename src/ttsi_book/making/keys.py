"""What the result of a chapter depends on, and why a chapter must run again.

A result's key is made of components, each a name and the digest of its content: the code cells, every parameter, every
`ttsi` module that the chapter imports (also within functions, by way of other modules, or by its name in a table),
every file under `data/`, and `requirements.txt`. Nothing else decides what runs again; prose may change without.
"""

import ast
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from modulefinder import Module, ModuleFinder
from pathlib import Path
from types import CodeType
from typing import Any

from nbformat import NotebookNode

from ttsi_book.making import BookError
from ttsi_book.making.chapters import Chapter

Components = dict[str, str]
PARAMETER = "parameter "
NAMED = re.compile(r"(ttsi(?:\.\w+)+)(?::\w+)?")
"""A module of the library as a table names it, with or without what is taken from it: `ttsi.agent:Agent`."""


def chapter_components(chapter: Chapter, parameters: Mapping[str, Any], root: Path) -> Components:
    """Return the components of a chapter's key: name to digest, or to the value for a parameter.

    Raises:
        BookError: the chapter or a module that it imports cannot be parsed.
    """
    values = {PARAMETER + name: repr(value) for name, value in (chapter.defaults() | dict(parameters)).items()}
    return {"cells": _digest_cells(chapter.notebook())} | values | _modules(chapter, root) | _files(root)


def reasons(before: Mapping[str, str] | None, now: Mapping[str, str]) -> list[str]:
    """Say why a chapter must run again, one reason a component; an empty list where nothing changed."""
    if before is None:
        return ["never executed"]
    names = [name for name in [*now, *(set(before) - set(now))] if before.get(name) != now.get(name)]
    return [_reason(name, before.get(name), now.get(name)) for name in names]


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


class _Finder(ModuleFinder):
    """Finds the modules, too, that code names as text, to be imported when they are used.

    Of `ttsi` itself, which can give any module's names, only what is asked for counts.
    """

    def __init__(self, source: Path) -> None:
        super().__init__(path=[str(source)])
        self.given_by = _given_by(source / "ttsi" / "__init__.py")

    def ensure_fromlist(self, m: Module, fromlist: Iterable[str], recursive: int = 0) -> None:
        """Import what is asked of a module; of `ttsi` itself, the modules that have the names."""
        names = [name for name in fromlist if m is not self.modules.get("ttsi") or name not in self.given_by]
        super().ensure_fromlist(m, names, recursive)
        for name in set(fromlist) - set(names):
            self.import_hook(self.given_by[name])

    def scan_code(self, co: CodeType, m: Module) -> None:
        """Import what a module imports, and what it names as text."""
        if m is self.modules.get("ttsi"):
            return
        super().scan_code(co, m)
        for named in filter(None, map(NAMED.fullmatch, _texts(co.co_consts))):
            with suppress(ImportError):
                self.import_hook(named[1])


def _given_by(package: Path) -> dict[str, str]:
    """Return the names that a package gives without importing them, each with the module that has it."""
    tree = ast.parse(package.read_text(encoding="utf-8"))
    tables = [one for one in tree.body if isinstance(one, ast.Assign) and ast.unparse(one.targets[0]) == "_MODULES"]
    return ast.literal_eval(tables[0].value) if tables else {}


def _texts(constants: tuple) -> Iterator[str]:
    for constant in constants:
        if isinstance(constant, tuple):
            yield from _texts(constant)
        elif isinstance(constant, str):
            yield constant


def _modules(chapter: Chapter, root: Path) -> Components:
    finder = _Finder(root / "src")
    try:
        finder.run_script(str(chapter.path))
    except SyntaxError as error:
        raise BookError(f"{chapter.name} cannot be parsed: {error}") from error
    found = {name: getattr(module, "__file__", None) for name, module in finder.modules.items() if name != "__main__"}
    return {name: _digest(Path(file)) for name, file in sorted(found.items()) if file}


def _files(root: Path) -> Components:
    return {path.relative_to(root).as_posix(): _digest(path) for path in _data_and_pins(root)}


def _data_and_pins(root: Path) -> Iterator[Path]:
    yield from (path for path in sorted((root / "data").rglob("*")) if path.is_file())
    yield root / "requirements.txt"


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
