"""What makes a chapter run again is said in one line, and nothing else makes it run again."""

from collections.abc import Callable
from pathlib import Path

import pytest

from small_book import edit, write_small_book
from ttsi_book.making.chapters import Chapter
from ttsi_book.making.execution import execute_chapter
from ttsi_book.making.keys import (
    chapter_components,
    folders_of_data,
    module_digests,
    of_modules,
    outside,
    reasons,
    result_files,
)
from ttsi_book.making.recording import folders_read, modules_used

FIRST = "notebooks/01_first.py"
GONE = ["parameter profile is gone", "parameter tau is gone"]
USED = {"ttsi", "ttsi.direct", "ttsi.indirect", "ttsi.absent"}
Change = Callable[[Path], object]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_small_book(tmp_path)


def components(root: Path, **parameters: object) -> dict[str, str]:
    return chapter_components(Chapter(root / FIRST), parameters, root) | of_modules(USED, module_digests(root))


def used(root: Path) -> set[str]:
    """Execute the first chapter; return the modules that its processes used."""
    _, noted = execute_chapter(Chapter(root / FIRST), {}, root, root / "work")
    return modules_used(noted, module_digests(root), root / "src")


def read(root: Path) -> set[str]:
    """Execute the first chapter; return the folders of data that its processes read."""
    _, noted = execute_chapter(Chapter(root / FIRST), {}, root, root / "work")
    return folders_read(noted, root)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda root: edit(root / FIRST, 'print("answer"', 'print("result"'), [f"{FIRST} changed"]),
        (lambda root: edit(root / FIRST, ' tags=["parameters"]', ""), [f"{FIRST} changed", *GONE]),
        (lambda root: edit(root / FIRST, "0.95", "0.9"), [f"{FIRST} changed", "parameter tau: 0.95 -> 0.9"]),
        (lambda root: edit(root / "src/ttsi/direct.py", "return", "return 1 +"), ["ttsi.direct changed"]),
        (lambda root: edit(root / "src/ttsi/indirect.py", "42", "43"), ["ttsi.indirect changed"]),
        (lambda root: edit(root / "src/ttsi/__init__.py", "_MODULES", "_NAMES"), ["ttsi changed"]),
        (lambda root: (root / "src/ttsi/absent.py").write_text(""), ["ttsi.absent changed"]),
        (lambda root: (root / "src/ttsi/indirect.py").unlink(), ["ttsi.indirect changed"]),
        (lambda root: (root / "src/ttsi/words.jinja").write_text(""), ["src/ttsi/words.jinja is new"]),
        (lambda root: edit(root / "data/words.txt", "two", "three"), ["data/words.txt changed"]),
        (lambda root: (root / "data/more.txt").write_text("x"), ["data/more.txt is new"]),
        (lambda root: (root / "data/words.txt").unlink(), ["data/words.txt is gone"]),
        (lambda root: edit(root / "requirements.txt", "==1", "==2"), ["requirements.txt changed"]),
        (lambda root: edit(root / "src/ttsi/named.py", "42", "43"), []),
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


def test_modules_that_are_imported_count_and_those_that_are_only_named_do_not(root: Path) -> None:
    assert used(root) == {"ttsi", "ttsi.direct", "ttsi.indirect"}


def test_a_module_that_a_table_names_counts_once_it_is_imported(root: Path) -> None:
    edit(root / "src/ttsi/direct.py", "return", '__import__("importlib").import_module("ttsi.named")\n    return')
    assert used(root) == {"ttsi", "ttsi.direct", "ttsi.indirect", "ttsi.named"}


def test_a_module_that_is_looked_for_in_vain_counts(root: Path) -> None:
    edit(root / FIRST, "print(", "try:\n    import ttsi.absent\nexcept ImportError:\n    pass\nprint(")
    assert "ttsi.absent" in used(root)


@pytest.mark.parametrize(
    "program", ['"-c", "import ttsi.named"', '"-P", "src/ttsi/named.py"', '"-m", "ttsi.named"'], ids=["c", "path", "m"]
)
def test_what_another_process_of_the_chapter_uses_counts(root: Path, program: str) -> None:
    edit(
        root / FIRST,
        "print(",
        f"import subprocess, sys\n\nsubprocess.run([sys.executable, {program}], check=True)\nprint(",
    )
    assert "ttsi.named" in used(root)


def test_a_process_that_is_killed_has_said_what_it_used(root: Path) -> None:
    program = "import os, ttsi.named; os.kill(os.getpid(), 9)"
    edit(
        root / FIRST, "print(", f"import subprocess, sys\n\nsubprocess.run([sys.executable, '-c', '{program}'])\nprint("
    )
    assert "ttsi.named" in used(root)


READING = {
    "opens": "open('data/rows/a.txt').close()",
    "lists": "import pathlib\n\nfound = list(pathlib.Path('data/rows').glob('*'))",
    "another process": "import subprocess, sys\n\nsubprocess.run([sys.executable, '-c', 'open(\"data/rows/a.txt\")'])",
}


@pytest.mark.parametrize("how", READING)
def test_a_chapter_depends_on_the_folders_of_data_that_it_read(root: Path, how: str) -> None:
    for folder in ("rows", "others"):
        (root / "data" / folder).mkdir()
        (root / "data" / folder / "a.txt").write_text("a")
    edit(root / FIRST, "print(", f"{READING[how]}\nprint(")
    assert read(root) == {"data/rows"}


def test_a_new_file_is_a_reason_unless_its_folder_was_there_and_not_read(root: Path) -> None:
    (root / "data/rows").mkdir()
    (root / "data/rows/a.txt").write_text("a")
    unread = folders_of_data(result_files(root))
    assert unread == {"data/rows"}
    before = outside(unread, components(root))
    for name in ("rows/a.txt", "rows/b.txt", "words.txt", "new.txt", "folder/c.txt", "rows/folder/d.txt"):
        (root / "data" / name).parent.mkdir(exist_ok=True)
        (root / "data" / name).write_text("changed")
    assert reasons(before, outside(unread, components(root))) == [
        "data/folder/c.txt is new",
        "data/new.txt is new",
        "data/rows/folder/d.txt is new",
        "data/words.txt changed",
    ]
    nothing_recorded = reasons(components(root), components(root) | {"data/rows/a.txt": "other"})
    assert nothing_recorded == ["data/rows/a.txt changed"]
