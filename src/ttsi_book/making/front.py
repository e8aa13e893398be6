"""What the front page says of results: nothing but what the chapters glued when they were executed.

The page holds `{{ name }}`, where `name` is that of a glued text or figure, `minutes_NN` for what chapter NN takes to
read, or `minutes_to_run` for what all chapters took to execute. They become substitutions of MyST's.
"""

import ast
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import nbformat
import yaml

from ttsi_book.making.chapters import Chapter
from ttsi_book.making.manifest import Manifest

WORDS_A_MINUTE = 200
MINUTES_A_RESULT = 0.25
"""To look at one figure or table."""

_INTERVAL = re.compile(r"\([-+\d.]+( to |–)[-+\d.]+\)")
_USED = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_PREFIX = "application/papermill.record/"
_FRONT = re.compile(r"\A---\n(.*?)\n---\n", re.DOTALL)


def fill_front_page(page: Path, chapters: Mapping[Chapter, Path], manifest: Manifest) -> None:
    """Give a page in the source of a build the values that it names; one that names none stays as it is.

    `chapters` are each with where it stands once it was executed; a dash stands for what none of this build has.
    """
    text = page.read_text(encoding="utf-8")
    used = set(_USED.findall(text))
    if not used:
        return
    values = {f"minutes_{chapter.name[:2]}": str(reading_minutes(chapter)) for chapter in chapters}
    values["minutes_to_run"] = f"{sum(run.seconds for run in manifest.chapters.values()) / 60:.0f}"
    for staged in chapters.values():
        values |= dict(glued(nbformat.read(staged, as_version=4)))
    found = _FRONT.match(text)
    front: dict[str, Any] = yaml.safe_load(found[1]) if found else {}
    known = {name: _INTERVAL.sub(_on_one_line, values.get(name, "–")) for name in sorted(used)}
    front["myst"] = front.get("myst", {}) | {"substitutions": known}
    body = text[found.end() :] if found else text
    page.write_text(f"---\n{yaml.safe_dump(front, allow_unicode=True)}---\n{body}", encoding="utf-8")


def glued(notebook: nbformat.NotebookNode) -> Iterator[tuple[str, str]]:
    """Yield the name of everything that an executed notebook glued, and what it is as MyST."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            name = output.get("metadata", {}).get("scrapbook", {}).get("name")
            if name:
                yield name, _as_myst(output["data"])


def reading_minutes(chapter: Chapter) -> int:
    """Return about how many minutes a chapter takes to read: its words, and a look at what each code cell shows."""
    cells = chapter.notebook().cells
    words = sum(len(cell.source.split()) for cell in cells if cell.cell_type == "markdown")
    results = sum(cell.cell_type == "code" for cell in cells)
    return math.ceil(words / WORDS_A_MINUTE + results * MINUTES_A_RESULT)


def _on_one_line(interval: re.Match[str]) -> str:
    return interval[0].replace(" ", "\N{NO-BREAK SPACE}").replace("–", "\N{WORD JOINER}–\N{WORD JOINER}")


def _as_myst(data: Mapping[str, str]) -> str:
    if html := data.get(f"{_PREFIX}text/html"):
        return f"```{{raw}} html\n{html}\n```"
    if markdown := data.get(f"{_PREFIX}text/markdown"):
        return markdown
    plain = data.get(f"{_PREFIX}text/plain", "")
    try:
        return str(ast.literal_eval(plain))
    except (SyntaxError, ValueError):
        return plain
