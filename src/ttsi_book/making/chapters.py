"""Chapters: percent files under `notebooks/`, read as notebooks by jupytext."""

import ast
import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jupytext
from nbformat import NotebookNode
from papermill.inspection import inspect_notebook

from ttsi.records import InputError

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


@dataclass(frozen=True)
class Chapter:
    """A chapter by its source, `notebooks/NN_name.py`."""

    path: Path

    @property
    def name(self) -> str:
        """`NN_name`."""
        return self.path.stem

    @property
    def docname(self) -> str:
        """The chapter's name in the table of contents."""
        return f"notebooks/{self.name}"

    def notebook(self) -> NotebookNode:
        """Return the chapter as a clean notebook: no outputs, and nothing in it but the source decides its bytes."""
        return deepcopy(_clean_notebook(self.path.read_text(encoding="utf-8")))

    def defaults(self) -> dict[str, Any]:
        """Return the parameters that the chapter's `parameters` cell names, with their values there."""
        found = inspect_notebook(self.notebook())
        return {name: literal(parameter["default"]) for name, parameter in found.items()}


@cache
def _clean_notebook(source: str) -> NotebookNode:
    return clean(jupytext.reads(source, fmt="py:percent"))


def clean(notebook: NotebookNode) -> NotebookNode:
    """Return a notebook without outputs with nothing in it that does not follow from its cells."""
    notebook.metadata = NotebookNode(kernelspec=KERNEL, language_info={"name": "python"})
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    seen: Counter[str] = Counter()
    for cell in notebook.cells:  # an id follows from the cell's source: an edit changes no other cell's
        seen[cell.source] += 1
        cell.id = hashlib.sha256(f"{seen[cell.source]} {cell.source}".encode()).hexdigest()[:8]
    return notebook


def find_chapters(root: Path) -> tuple[Chapter, ...]:
    """Return the chapters of a repository in the order of their numbers.

    Raises:
        InputError: there is none.
    """
    paths = sorted((root / "notebooks").glob("[0-9][0-9]_*.py"))
    if not paths:
        raise InputError("no chapters; expected notebooks/NN_name.py")
    return tuple(Chapter(path) for path in paths)


def select_chapters(chapters: Sequence[Chapter], only: Iterable[str]) -> tuple[Chapter, ...]:
    """Return the chapters named by number (`03`) or name (`03_self_awareness`); all where none is named.

    Raises:
        InputError: a name fits no chapter.
    """
    wanted = set(only)
    unknown = wanted - {label for chapter in chapters for label in _labels(chapter)}
    if unknown:
        known = ", ".join(chapter.name for chapter in chapters)
        raise InputError(f"unknown chapter {', '.join(sorted(unknown))}; expected one of {known}")
    return tuple(chapter for chapter in chapters if not wanted or wanted & _labels(chapter))


def literal(text: str) -> Any:
    """Read a number, a truth value or None as Python writes it; anything else stays the text that it is."""
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
    return value if value is None or isinstance(value, bool | int | float | str) else text


def _labels(chapter: Chapter) -> set[str]:
    return {chapter.name, chapter.name[:2]}
