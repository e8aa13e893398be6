"""The clean pair of each chapter, `notebooks/NN_name.ipynb`, and the way back from a pair that Jupyter saved.

`python -m ttsi_book.making.pairs` takes over what was edited in Jupyter, then writes every pair anew from its source.
"""

from pathlib import Path

import click
import jupytext
import nbformat
from nbformat import NotebookNode

from ttsi_book.making import BookError
from ttsi_book.making.chapters import Chapter, clean, find_chapters

KEPT = ("tags", "mystnb", "lines_to_next_cell")
"""What a chapter's source holds of a cell's metadata; the rest is how Jupyter shows the cell."""


def pair_path(chapter: Chapter) -> Path:
    """Return where the clean pair of a chapter stands: what Colab and Binder open."""
    return chapter.path.with_suffix(".ipynb")


def pair_text(chapter: Chapter) -> str:
    """Return the text of the clean pair; it follows from the chapter's source alone."""
    return nbformat.writes(chapter.notebook()) + "\n"


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
    saved = _as_source(nbformat.reads(text, as_version=4))
    if text == nbformat.writes(saved) + "\n" or saved == _as_source(chapter.notebook()):
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
