"""Two builds compared: a number that differs is found, unless it tells of seconds."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from ttsi_book.making.reproducing import differences, main

PAGE = (
    "<article><p>Right in 73.4% of 1,294.</p><table><tr><th></th><th>accuracy</th><th>seconds</th></tr>"
    "<tr><th>base</th><td>81.2%</td><td>0.62</td></tr></table></article>"
)


@pytest.fixture
def built(tmp_path: Path) -> tuple[Path, Path]:
    folders = tmp_path / "one", tmp_path / "other"
    for folder in folders:
        (folder / "notebooks").mkdir(parents=True)
        (folder / "notebooks/06.html").write_text(PAGE)
    return folders


def change(folder: Path, before: str, after: str) -> None:
    (folder / "notebooks/06.html").write_text(PAGE.replace(before, after))


def test_equal_builds_have_no_difference(built: tuple[Path, Path]) -> None:
    assert differences(*built) == ([], 0)


def test_a_number_that_differs_is_named_with_its_page(built: tuple[Path, Path]) -> None:
    change(built[1], "73.4", "73.5")
    assert differences(*built) == (["notebooks/06.html: 73.4 and 73.5, in: Right in 73.4% of 1,294."], 0)


def test_seconds_may_differ_and_are_counted(built: tuple[Path, Path]) -> None:
    change(built[1], "0.62", "0.71")
    assert differences(*built) == ([], 1)


def test_what_stands_beside_seconds_in_a_table_may_not_differ(built: tuple[Path, Path]) -> None:
    change(built[1], "81.2", "81.3")
    assert differences(*built) == (["notebooks/06.html: 81.2 and 81.3, in: 81.2%"], 0)


def test_a_number_or_a_page_that_is_missing_is_found(built: tuple[Path, Path]) -> None:
    change(built[1], " of 1,294", "")
    (built[0] / "intro.html").write_text(PAGE)
    found, _ = differences(*built)
    assert found[0] == "intro.html: in one build only"
    assert found[1].startswith("notebooks/06.html: 1,294. and ")


def test_words_and_what_is_outside_of_the_article_may_differ(built: tuple[Path, Path]) -> None:
    (built[1] / "notebooks/06.html").write_text(f"<p>version 2</p>{PAGE.replace('Right', 'Correct')}")
    assert differences(*built) == ([], 0)


def test_the_command_fails_where_numbers_differ(built: tuple[Path, Path]) -> None:
    assert CliRunner().invoke(main, [str(folder) for folder in built]).exit_code == 0
    change(built[1], "73.4", "73.5")
    failed = CliRunner().invoke(main, [str(folder) for folder in built])
    assert failed.exit_code == 1
    assert "1 numbers differ" in failed.output
