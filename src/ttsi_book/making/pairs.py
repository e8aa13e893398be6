"""The clean pair of each chapter, `notebooks/NN_name.ipynb`, and the way back from a pair that Jupyter saved.

`python -m ttsi_book.making.pairs` takes over what was edited in Jupyter, then writes every pair anew from its source.
"""

from pathlib import Path

import click
import jupytext
import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

from ttsi_book.making import BookError
from ttsi_book.making.chapters import Chapter, clean, find_chapters
from ttsi_book.making.plain import Plain

KEPT = ("tags", "mystnb", "lines_to_next_cell")
"""What a chapter's source holds of a cell's metadata; the rest is how Jupyter shows the cell."""

ADDED = ("about", "install")
"""Ids of the cells that a pair has and its chapter has not."""

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

HIDDEN_CELL = {"cellView": "form", "jupyter": {"source_hidden": True}, "tags": ["install"]}
"""Colab shows the title alone, JupyterLab a bar."""

ABOUT = """\
*This notebook is a chapter of a book: [the page]({page}) shows what comes of it. Until they are computed, values
stand in the text under their names.*"""


def pair_path(chapter: Chapter) -> Path:
    """Return where the clean pair of a chapter stands: what Colab and Binder open."""
    return chapter.path.with_suffix(".ipynb")


def pair_text(chapter: Chapter) -> str:
    """Return the text of the clean pair; it follows from the chapter's source alone."""
    return nbformat.writes(standalone(chapter.notebook(), chapter.docname, _plain(chapter))) + "\n"


def _plain(chapter: Chapter) -> Plain:
    return Plain(chapter.path.parents[1])


def standalone(notebook: NotebookNode, docname: str, plain: Plain) -> NotebookNode:
    """Return a chapter as it can be opened anywhere: in plain Markdown, its first code installing the library."""
    return _with_added(clean(plain.notebook(notebook)), docname, plain)


def _with_added(notebook: NotebookNode, docname: str, plain: Plain) -> NotebookNode:
    first_code = next(number for number, cell in enumerate(notebook.cells) if cell.cell_type == "code")
    notebook.cells[first_code:first_code] = [
        new_markdown_cell(ABOUT.format(page=plain.page(docname)), id="about"),
        new_code_cell(INSTALL.format(repository=plain.repository), id="install", metadata=HIDDEN_CELL),
    ]
    return notebook


def write_pairs(root: Path) -> list[Path]:
    """Write the pairs that differ from their sources and return them."""
    written = []
    for chapter in find_chapters(root):
        pair, text = pair_path(chapter), pair_text(chapter)
        if not pair.is_file() or pair.read_text(encoding="utf-8") != text:
            pair.write_text(text, encoding="utf-8")
            written.append(pair)
    return written


def take_back(chapter: Chapter) -> bool:
    """Write a chapter's source anew if its pair holds other cells and was saved by Jupyter; returns whether it did.

    A pair that we wrote is told by its content: it is clean, down to the ids of its cells. What its source says by now
    is then newer. Outputs, and what Jupyter notes beside a cell, stay behind.

    Raises:
        BookError: both were edited, the source after Jupyter saved the pair.
    """
    pair = pair_path(chapter)
    text = pair.read_text(encoding="utf-8") if pair.is_file() else ""
    if not text or text == pair_text(chapter):
        return False
    opened, plain = nbformat.reads(text, as_version=4), _plain(chapter)
    opened.cells = [cell for cell in opened.cells if cell.id not in ADDED]
    ours = _with_added(_as_source(opened), chapter.docname, plain)
    saved = _as_myst(opened, chapter.notebook(), plain)
    if text == nbformat.writes(ours) + "\n" or saved == _as_source(chapter.notebook()):
        return False
    if pair.stat().st_mtime < chapter.path.stat().st_mtime:
        raise BookError(
            f"notebooks/{pair.name} was edited in Jupyter, and notebooks/{chapter.path.name} after it; "
            "delete the first to keep the second, or save it again to keep that"
        )
    source = jupytext.read(chapter.path, fmt="py:percent")
    chapter.path.write_text(_with_cells(source, saved), encoding="utf-8")
    return True


def _with_cells(source: NotebookNode, saved: NotebookNode) -> str:
    """Return a source's text with other cells; metadata that it has keep their order, which Jupyter sorts."""
    known = [cell.metadata for cell in source.cells]
    for cell in saved.cells:
        cell.metadata = next((one for one in known if one == cell.metadata), cell.metadata)
    source.cells = saved.cells
    return jupytext.writes(source, fmt="py:percent")


def _as_myst(opened: NotebookNode, chapter: NotebookNode, plain: Plain) -> NotebookNode:
    """Return the cells of a pair as a source has them: prose that was not edited with its roles and links."""
    myst = {plain.text(cell.source): cell.source for cell in chapter.cells if cell.cell_type == "markdown"}
    for cell in opened.cells:
        if cell.cell_type == "markdown":
            cell.source = myst.get(cell.source, cell.source)
    return _as_source(opened)


def _as_source(notebook: NotebookNode) -> NotebookNode:
    """Return a clean notebook of the same cells, with nothing but what a source says of them."""
    cells = []
    for cell in notebook.cells:
        metadata = {name: cell.metadata[name] for name in KEPT if name in cell.metadata}
        new = getattr(nbformat.v4, f"new_{cell.cell_type}_cell")
        cells.append(new(cell.source, metadata=metadata))
    return clean(NotebookNode(cells=cells))


def sync(root: Path) -> list[Path]:
    """Take over what Jupyter saved, then write the pairs that are stale; returns the files that were written."""
    return [chapter.path for chapter in find_chapters(root) if take_back(chapter)] + write_pairs(root)


if __name__ == "__main__":
    for written in sync(Path.cwd()):
        click.echo(f"wrote {written.relative_to(Path.cwd())}")
