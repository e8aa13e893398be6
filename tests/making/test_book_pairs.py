"""What is edited in Jupyter comes back to the chapters' sources, and nothing of theirs is lost."""

import os
from pathlib import Path
from shutil import copy

import nbformat
import pytest
from nbformat import NotebookNode

from small_book import edit, write_small_book
from ttsi_book.making import BookError
from ttsi_book.making.chapters import Chapter, find_chapters
from ttsi_book.making.pairs import pair_path, pair_text, sync, take_back, write_pairs

ROOT = Path(__file__).parents[2]


@pytest.fixture(params=find_chapters(ROOT), ids=lambda chapter: chapter.name)
def chapter(request: pytest.FixtureRequest, tmp_path: Path) -> Chapter:
    """Each chapter of this book, with its pair, in a place of its own."""
    (tmp_path / "notebooks").mkdir()
    for path in (*ROOT.glob("notebooks/*.py"), pair_path(request.param)):
        copy(path, tmp_path / "notebooks")
    copy(ROOT / "_config.yml", tmp_path)
    (tmp_path / "book").symlink_to(ROOT / "book")
    return Chapter(tmp_path / "notebooks" / request.param.path.name)


def open_in_jupyter(chapter: Chapter) -> NotebookNode:
    return nbformat.read(pair_path(chapter), as_version=4)


def save_in_jupyter(chapter: Chapter, notebook: NotebookNode) -> None:
    """Save as Jupyter does after a run: with outputs, counts, and notes on the kernel and on how cells are shown."""
    notebook.metadata.language_info = {"name": "python", "version": "3.12.1", "mimetype": "text/x-python"}
    for number, cell in enumerate(cell for cell in notebook.cells if cell.cell_type == "code"):
        cell.execution_count = number
        cell.outputs = [nbformat.v4.new_output("stream", text="seen")]
        cell.metadata |= {"execution": {"iopub.execute_input": "2026-01-01"}, "collapsed": False}
    nbformat.write(notebook, pair_path(chapter))


def test_an_edited_cell_comes_back_and_the_rest_is_unchanged(chapter: Chapter) -> None:
    notebook = open_in_jupyter(chapter)
    cell = next(cell for cell in notebook.cells[4:] if cell.cell_type == "code")
    before = cell.source.splitlines()[0]
    cell.source = cell.source.replace(before, f"{before}  # edited in Jupyter", 1)
    save_in_jupyter(chapter, notebook)
    source = chapter.path.read_text(encoding="utf-8")
    assert take_back(chapter)
    assert chapter.path.read_text(encoding="utf-8") == source.replace(
        f"\n{before}\n", f"\n{cell.source.splitlines()[0]}\n", 1
    )
    assert not take_back(chapter)


def test_a_run_without_an_edit_changes_nothing(chapter: Chapter) -> None:
    source = chapter.path.read_text(encoding="utf-8")
    save_in_jupyter(chapter, open_in_jupyter(chapter))
    assert not take_back(chapter)
    assert chapter.path.read_text(encoding="utf-8") == source


@pytest.fixture
def first(tmp_path: Path) -> Chapter:
    chapter, _ = find_chapters(write_small_book(tmp_path))
    write_pairs(tmp_path)
    return chapter


def test_new_and_deleted_cells_come_back(first: Chapter, tmp_path: Path) -> None:
    notebook = open_in_jupyter(first)
    notebook.cells[-1:] = [nbformat.v4.new_markdown_cell("A remark."), nbformat.v4.new_code_cell("1 + 1")]
    save_in_jupyter(first, notebook)
    assert sync(tmp_path) == [first.path, pair_path(first)]
    source = first.path.read_text(encoding="utf-8")
    assert source.endswith("# %% [markdown]\n# A remark.\n\n# %%\n1 + 1\n")
    assert "answer()" not in source
    assert pair_path(first).read_text(encoding="utf-8") == pair_text(first)


def test_a_pair_that_we_wrote_gives_way_to_its_source_whatever_the_time(first: Chapter, tmp_path: Path) -> None:
    edit(first.path, "Plain", "Other")
    os.utime(first.path, (0, 0))
    assert sync(tmp_path) == [pair_path(first)]
    assert "Other" in first.path.read_text(encoding="utf-8")


def test_where_both_were_edited_nothing_is_lost(first: Chapter, tmp_path: Path) -> None:
    notebook = open_in_jupyter(first)
    notebook.cells[-1].source += "\nprint(1)"
    save_in_jupyter(first, notebook)
    edit(first.path, "Plain", "Other")
    os.utime(pair_path(first), (0, 0))
    before = first.path.read_bytes(), pair_path(first).read_bytes()
    with pytest.raises(BookError, match=r"01_first\.ipynb was edited in Jupyter, and notebooks/01_first\.py after it"):
        sync(tmp_path)
    assert (first.path.read_bytes(), pair_path(first).read_bytes()) == before


def test_a_chapter_may_change_after_its_pair_was_written(chapter: Chapter) -> None:
    edit(chapter.path, "# ", "# Changed: ")
    os.utime(pair_path(chapter), (0, 0))
    assert not take_back(chapter)
