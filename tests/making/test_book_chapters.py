"""Chapters as notebooks, their clean pairs, and the parameters that they take."""

from pathlib import Path

import nbformat
import pytest

from small_book import edit, write_small_book
from ttsi.records import InputError
from ttsi_book.making.chapters import Chapter, find_chapters, select_chapters
from ttsi_book.making.pairs import pair_path, pair_text, write_pairs
from ttsi_book.making.parameters import check_parameters, parse_parameters


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_small_book(tmp_path)


@pytest.fixture
def chapters(root: Path) -> tuple[Chapter, ...]:
    return find_chapters(root)


def names(chapters: tuple[Chapter, ...]) -> list[str]:
    return [chapter.name for chapter in chapters]


def test_chapters_are_chosen_by_number_or_name(chapters: tuple[Chapter, ...]) -> None:
    assert names(select_chapters(chapters, [])) == ["01_first", "02_second"]
    assert names(select_chapters(chapters, ["02"])) == ["02_second"]
    assert names(select_chapters(chapters, ["02_second", "01"])) == ["01_first", "02_second"]


def test_unknown_chapter_is_refused_with_those_that_exist(chapters: tuple[Chapter, ...]) -> None:
    with pytest.raises(InputError, match="unknown chapter 7; expected one of 01_first, 02_second"):
        select_chapters(chapters, ["7", "01"])


def test_a_folder_without_chapters_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"notebooks/NN_name\.py"):
        find_chapters(tmp_path / "elsewhere")


def test_pairs_are_valid_and_follow_from_the_source(root: Path, chapters: tuple[Chapter, ...]) -> None:
    assert [path.name for path in write_pairs(root)] == ["01_first.ipynb", "02_second.ipynb"]
    assert write_pairs(root) == []
    edit(chapters[0].path, "Plain", "Other")
    assert [path.name for path in write_pairs(root)] == ["01_first.ipynb"]
    for chapter in chapters:
        nbformat.validate(nbformat.read(pair_path(chapter), as_version=4))
        assert pair_path(chapter).read_text(encoding="utf-8") == pair_text(chapter)


def test_an_edit_changes_no_other_cells_id(chapters: tuple[Chapter, ...]) -> None:
    before = [cell.id for cell in chapters[0].notebook().cells]
    edit(chapters[0].path, "# %% [markdown]", "# %%\n1\n\n# %%\n1\n\n# %% [markdown]")
    after = [cell.id for cell in chapters[0].notebook().cells]
    assert after[2:] == before
    assert len(set(after)) == len(after)


def test_parameters_are_read_as_what_they_are() -> None:
    given = [
        "seed=7",
        "tau=0.8",
        "rate=1e-4",
        "quick=True",
        "limit=None",
        "profile=smoke",
        "split=single/unseen",
        "x=a=b",
    ]
    expected = {"seed": 7, "tau": 0.8, "rate": 1e-4, "quick": True, "limit": None, "profile": "smoke"}
    assert parse_parameters(given) == expected | {"split": "single/unseen", "x": "a=b"}


@pytest.mark.parametrize("given", [["tau"], ["=1"], ["a b=1"], ["tau=1", "tau=2"]])
def test_unreadable_parameters_are_refused(given: list[str]) -> None:
    with pytest.raises(InputError, match=r"expected name=value|given twice"):
        parse_parameters(given)


def test_a_parameter_must_be_known_to_every_chapter(chapters: tuple[Chapter, ...]) -> None:
    check_parameters({"profile": "smoke"}, chapters)
    with pytest.raises(InputError, match="02_second has no parameter tau; it has profile"):
        check_parameters({"tau": 0.8}, chapters)
