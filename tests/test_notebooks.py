"""The chapters: their pairs, their parameters, and that each runs from its first cell to its last."""

from pathlib import Path

import nbformat
import pytest

from ttsi_book.making.chapters import Chapter, find_chapters
from ttsi_book.making.pairs import pair_path, pair_text

ROOT = Path(__file__).parents[1]
CHAPTERS = find_chapters(ROOT)

each_chapter = pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.name)


@each_chapter
def test_pair_says_what_the_source_says(chapter: Chapter) -> None:
    assert pair_path(chapter).is_file(), "no pair; run make pairs"
    assert pair_path(chapter).read_text(encoding="utf-8") == pair_text(chapter), "the pair is stale; run make pairs"


@each_chapter
def test_pair_holds_no_results(chapter: Chapter) -> None:
    code = [cell for cell in nbformat.read(pair_path(chapter), as_version=4).cells if cell.cell_type == "code"]
    assert code
    assert not [cell for cell in code if cell.outputs or cell.execution_count]


def test_every_notebook_has_a_source() -> None:
    assert {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")} == {chapter.name for chapter in CHAPTERS}


@each_chapter
def test_published_profile_is_the_default(chapter: Chapter) -> None:
    assert chapter.defaults()["profile"] == ("real" if chapter.name == "14_a_real_model" else "tiny")


@pytest.mark.xdist_group("book")
@each_chapter
def test_executes_at_the_smoke_profile(chapter: Chapter, smoke_book: Path) -> None:
    executed = nbformat.read(smoke_book / "chapters" / f"{chapter.name}.ipynb", as_version=4)
    code = [cell for cell in executed.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in code)
    assert not [output for cell in code for output in cell.outputs if output.get("name") == "stderr"]
