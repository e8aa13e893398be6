"""What makes a chapter run again is said in one line, and nothing else makes it run again."""

from collections.abc import Callable
from pathlib import Path

import pytest

from small_book import edit, write_small_book
from ttsi_book.making import BookError
from ttsi_book.making.chapters import Chapter
from ttsi_book.making.keys import chapter_components, reasons

FIRST = "notebooks/01_first.py"
GONE = ["parameter profile is gone", "parameter tau is gone"]
Change = Callable[[Path], object]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_small_book(tmp_path)


def components(root: Path, **parameters: object) -> dict[str, str]:
    return chapter_components(Chapter(root / FIRST), parameters, root)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda root: edit(root / FIRST, 'print("answer"', 'print("result"'), [f"{FIRST} changed"]),
        (lambda root: edit(root / FIRST, ' tags=["parameters"]', ""), [f"{FIRST} changed", *GONE]),
        (lambda root: edit(root / FIRST, "0.95", "0.9"), [f"{FIRST} changed", "parameter tau: 0.95 -> 0.9"]),
        (lambda root: edit(root / "src/ttsi/direct.py", "return", "return 1 +"), ["src/ttsi/direct.py changed"]),
        (lambda root: edit(root / "src/ttsi/indirect.py", "42", "43"), ["src/ttsi/indirect.py changed"]),
        (lambda root: edit(root / "src/ttsi/named.py", "42", "43"), ["src/ttsi/named.py changed"]),
        (lambda root: edit(root / "data/words.txt", "two", "three"), ["data/words.txt changed"]),
        (lambda root: (root / "data/more.txt").write_text("x"), ["data/more.txt is new"]),
        (lambda root: (root / "data/words.txt").unlink(), ["data/words.txt is gone"]),
        (lambda root: edit(root / "requirements.txt", "==1", "==2"), ["requirements.txt changed"]),
        (lambda root: edit(root / "src/ttsi/unused.py", "0", "1"), []),
        (lambda root: edit(root / FIRST, "Plain", "Other"), []),
        (lambda root: edit(root / "notebooks/02_second.py", "3", "2"), []),
        (lambda root: (root / FIRST).touch(), []),
    ],
)
def test_each_change_is_the_reason(root: Path, change: Change, expected: list[str]) -> None:
    before = components(root)
    change(root)
    found = reasons(before, components(root))
    assert sorted(found) == sorted(expected)


def test_a_parameter_is_named_with_both_values(root: Path) -> None:
    found = reasons(components(root), components(root, tau=0.8))
    assert found == ["parameter tau: 0.95 -> 0.8"]


def test_a_parameter_given_its_own_default_changes_nothing(root: Path) -> None:
    assert reasons(components(root), components(root, profile="tiny")) == []


def test_a_new_chapter_was_never_executed(root: Path) -> None:
    assert reasons(None, components(root)) == ["for the first time"]


def test_a_chapter_that_cannot_be_parsed_is_named(root: Path) -> None:
    edit(root / FIRST, "from ttsi", "from from ttsi")
    with pytest.raises(BookError, match="01_first cannot be parsed"):
        components(root)
