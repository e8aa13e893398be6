"""What the result of a chapter and the pages depend on, and why a chapter must run again or the pages be built anew.

A result's key is made of components, each a name and the digest of its content: the code cells, every parameter, every
`ttsi` module that the chapter imports (also within functions, by way of other modules, or by its name in a table),
every file under `data/`, and `requirements.txt`. Nothing else decides what runs again; prose may change without.
The key of the pages is made of every file that they are built from, and of the executed chapters.
"""

import ast
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from modulefinder import Module, ModuleFinder
from pathlib import Path
from types import CodeType
from typing import IO, Any

from nbformat import NotebookNode

from ttsi_book.making import BookError
from ttsi_book.making.chapters import Chapter

Components = dict[str, str]
NEVER = "for the first time"
PARAMETER = "parameter "
NAMED = re.compile(r"(ttsi(?:\.\w+)+)(?::\w+)?")
"""A module of the library as a table names it, with or without what is taken from it: `ttsi.agent:Agent`."""
LEFT_BEHIND = {"__pycache__", ".ipynb_checkpoints"}


def chapter_components(
    chapter: Chapter, parameters: Mapping[str, Any], root: Path, files: Components | None = None
) -> Components:
    """Return the components of a chapter's key: name to digest, or to the value for a parameter.

    Args:
        chapter: in the repository `root`.
        parameters: other values than the chapter's own.
        root: the repository.
        files: what `result_files` found there, where that is known.

    Raises:
        BookError: the chapter or a module that it imports cannot be parsed.
    """
    cells = {f"notebooks/{chapter.path.name}": _digest_cells(chapter.notebook())}
    values = {PARAMETER + name: repr(value) for name, value in (chapter.defaults() | dict(parameters)).items()}
    return cells | values | _modules(chapter, root) | (result_files(root) if files is None else files)


def result_files(root: Path) -> Components:
    """Return the components that every chapter depends on: all data, and the pinned versions."""
    return _digests(root, [*_below(root / "data"), root / "requirements.txt"])


def page_components(root: Path, chapters: Path, files: Components) -> Components:
    """Return the components of the pages' key.

    Args:
        root: the repository.
        chapters: the folder of executed chapters, with what is known of them.
        files: what `result_files` found in the repository.
    """
    staged = root / "book" / "notebooks"
    sources = [path for path in _below(root / "book") if not path.is_relative_to(staged)]
    sources += [*_below(root / "src"), *(root / "notebooks").glob("*.py"), root / "_config.yml"]
    executed = {f"executed {path.name}": _digest(path) for path in _below(chapters)}
    return _digests(root, sources) | executed | files


def reasons(before: Mapping[str, str] | None, now: Mapping[str, str]) -> list[str]:
    """Say why a chapter must run again, one reason a component; an empty list where nothing changed."""
    if before is None:
        return [NEVER]
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

    def load_module(self, fqname: str, fp: IO[str] | None, pathname: str, file_info: tuple[str, str, int]) -> Module:
        """Load a module, compiled once for all chapters."""
        if fp is None:  # a package, whose file comes through here by itself
            return super().load_module(fqname, fp, pathname, file_info)  # pyright: ignore[reportArgumentType]
        module, code = self.add_module(fqname), _compiled(fp.read(), pathname)
        vars(module).update(__file__=pathname, __code__=code)
        self.scan_code(code, module)
        return module

    def scan_opcodes(self, co: CodeType) -> Iterable[Any]:
        """Return the names that code stores and imports, found once for all chapters."""
        return _scanned(co)

    def scan_code(self, co: CodeType, m: Module) -> None:
        """Import what a module imports, and what it names as text."""
        if m is self.modules.get("ttsi"):
            return
        super().scan_code(co, m)
        for named in filter(None, map(NAMED.fullmatch, _texts(co.co_consts))):
            with suppress(ImportError):
                self.import_hook(named[1])


@cache
def _compiled(source: str, name: str) -> CodeType:
    return compile(source, name, "exec")


@cache
def _scanned(co: CodeType) -> list[Any]:
    return list(ModuleFinder().scan_opcodes(co))


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
    return _digests(root, [Path(file) for _, file in sorted(found.items()) if file])


def _digests(root: Path, paths: Iterable[Path]) -> Components:
    return {path.relative_to(root).as_posix(): _digest(path) for path in paths}


def _below(folder: Path) -> list[Path]:
    """Return the files below a folder without what Python and Jupyter leave there."""
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and not LEFT_BEHIND & set(path.parts)]


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
