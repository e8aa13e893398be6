"""The clean pair of each chapter: `python -m ttsi_book.making.pairs` writes every `notebooks/NN_name.ipynb` anew."""

from pathlib import Path

import click
import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

from ttsi_book.making.chapters import Chapter, find_chapters
from ttsi_book.making.plain import Plain

INSTALL = """\
# @title Install the library where it is missing, as on Colab: a few minutes
import os
import sys
from importlib.util import find_spec

if find_spec("ttsi") is None:
    published = "{repository}"
    repository = os.environ.get("TTSI_REPOSITORY", published)
    !test -d ttsi-book || git clone -q --depth 1 {{repository}} ttsi-book
    %pip install --quiet -e "./ttsi-book[chapters]"
    sys.path.insert(0, os.path.abspath("ttsi-book/src"))"""
"""The first code of a pair. It stands in no chapter: `ttsi book` and the tests have the library."""

HIDDEN = {"cellView": "form", "jupyter": {"source_hidden": True}, "tags": ["install"]}
"""Colab shows the title alone, JupyterLab a bar."""

ABOUT = """\
*This notebook is a chapter of a book: [the page]({page}) shows what comes of it. Until they are computed, values
stand in the text under their names.*"""


def pair_path(chapter: Chapter) -> Path:
    """Return where the clean pair of a chapter stands: what Colab and Binder open."""
    return chapter.path.with_suffix(".ipynb")


def pair_text(chapter: Chapter) -> str:
    """Return the text of the clean pair; it follows from the chapter's source alone."""
    return nbformat.writes(standalone(chapter.notebook(), chapter.docname, Plain(chapter.path.parents[1]))) + "\n"


def standalone(notebook: NotebookNode, docname: str, plain: Plain) -> NotebookNode:
    """Return a chapter as it can be opened anywhere: in plain Markdown, its first code installing the library."""
    notebook = plain.notebook(notebook)
    first_code = next(number for number, cell in enumerate(notebook.cells) if cell.cell_type == "code")
    notebook.cells[first_code:first_code] = [
        new_markdown_cell(ABOUT.format(page=plain.page(docname)), id="about"),
        new_code_cell(INSTALL.format(repository=plain.repository), id="install", metadata=HIDDEN),
    ]
    return notebook


def write_pairs(root: Path) -> list[Path]:
    """Write the pairs that differ from their sources and return them."""
    stale = [
        chapter
        for chapter in find_chapters(root)
        if not pair_path(chapter).is_file() or pair_path(chapter).read_text(encoding="utf-8") != pair_text(chapter)
    ]
    for chapter in stale:
        pair_path(chapter).write_text(pair_text(chapter), encoding="utf-8")
    return [pair_path(chapter) for chapter in stale]


if __name__ == "__main__":
    for written in write_pairs(Path.cwd()):
        click.echo(f"wrote {written.relative_to(Path.cwd())}")
