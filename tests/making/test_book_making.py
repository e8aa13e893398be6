"""`ttsi book` on a small book: what it executes, what it keeps when something fails, and what it never touches."""

import json
from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner, Result

from small_book import edit, write_small_book
from ttsi.cli import main

FIRST, SECOND = "notebooks/01_first.py", "notebooks/02_second.py"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small book whose user has a broken kernel installed under the usual name."""
    broken = tmp_path / "jupyter" / "kernels" / "python3"
    broken.mkdir(parents=True)
    (broken / "kernel.json").write_text(json.dumps({"argv": ["false"], "display_name": "x", "language": "python"}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    root = write_small_book(tmp_path / "repository")
    monkeypatch.chdir(root)
    return root


def book(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["book", *arguments])


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def published(root: Path) -> dict[str, bytes]:
    return snapshot(root / "book") | {f"html/{name}": data for name, data in snapshot(root / "_build/html").items()}


def test_a_book_is_executed_once_and_side_builds_leave_it_alone(root: Path) -> None:
    first = book()
    assert first.exit_code == 0, first.output
    assert "01_first: never executed" in first.output
    assert "answer 42 tiny 0.95" in (root / "_build/html/notebooks/01_first.html").read_text()
    assert str(root) not in (root / "_build/html/_sources/notebooks/01_first.ipynb").read_text()
    assert "tau = 0.95" in (root / "_build/html/status.html").read_text()

    edit(root / FIRST, "Plain prose", "Better prose")
    second = book()
    assert "01_first: unchanged\n02_second: unchanged" in second.output
    page = (root / "_build/html/notebooks/01_first.html").read_text()
    assert "Better prose" in page
    assert "answer 42 tiny 0.95" in page

    before = published(root)
    side = book("--only", "01", "-p", "tau=0.8", "--out", "scratch")
    assert side.exit_code == 0, side.output
    assert "answer 42 tiny 0.8" in (root / "scratch/html/notebooks/01_first.html").read_text()
    assert not (root / "scratch/html/notebooks/02_second.html").exists()
    again = book("--only", "01", "-p", "tau=0.7", "--out", "scratch")
    assert "01_first: parameter tau: 0.8 -> 0.7" in again.output
    assert published(root) == before


def test_a_failing_chapter_is_named_and_leaves_the_last_good_book(root: Path) -> None:
    assert book().exit_code == 0
    before = published(root)
    edit(root / FIRST, '"answer"', '"result"')
    edit(root / SECOND, "value = 3", "value = 0")
    failed = book()
    assert failed.exit_code == 1
    assert "02_second, cell 3 (# a first line): ZeroDivisionError: division by zero" in failed.output
    after = published(root)
    finished = {"notebooks/01_first.ipynb", "notebooks/manifest.json"}
    assert {name for name in before | after if before.get(name) != after.get(name)} == finished
    edit(root / SECOND, "value = 0", "value = 3")
    assert "01_first: unchanged\n02_second: unchanged" in book().output


@pytest.mark.parametrize("ending", ["raise SystemExit(0)", "import os; os._exit(0)"])
def test_a_chapter_that_ends_early_fails(root: Path, ending: str) -> None:
    edit(root / SECOND, "print(6 / value)", ending)
    failed = book("--only", "02", "--out", "side")
    assert failed.exit_code == 1
    assert "02_second" in failed.output
    assert not (root / "side/chapters/02_second.ipynb").exists()


def test_a_swallowed_error_fails_with_its_cell_number_under_parameters(root: Path) -> None:
    edit(root / SECOND, "# %%\n# a first line\nvalue = 3", '# %% tags=["raises-exception"]\n# a first line\nvalue = 0')
    failed = book("--only", "02", "-p", "profile=smoke", "--out", "side")
    assert failed.exit_code == 1
    assert "02_second, cell 3 (# a first line): ZeroDivisionError" in failed.output


def test_pages_with_warnings_leave_the_last_good_book(root: Path) -> None:
    assert book().exit_code == 0
    html = snapshot(root / "_build/html")
    edit(root / "book/intro.md", "# Small", "# Small\n\n[](nowhere.md)")
    failed = book()
    assert failed.exit_code == 1
    assert "nowhere" in failed.output
    assert snapshot(root / "_build/html") == html


def test_one_chapter_of_the_published_book_is_rebuilt_and_stale_ones_are_named(root: Path) -> None:
    assert book().exit_code == 0
    edit(root / "requirements.txt", "==1", "==2")
    rebuilt = book("--only", "02")
    assert rebuilt.exit_code == 0, rebuilt.output
    assert "01_first: built as it was, although requirements.txt changed" in rebuilt.output
    assert "out of date: requirements.txt changed" in (root / "_build/html/status.html").read_text()
    executed = nbformat.read(root / "book/notebooks/02_second.ipynb", as_version=4)
    assert executed.cells[-1].outputs[0].text == "2.0\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-p", "tau=0.8"], "02_second has no parameter tau; it has profile"),
        (["--only", "01", "-p", "tow=1", "--out", "x"], "01_first has no parameter tow; it has profile, tau"),
        (["--only", "01", "-p", "tau=0.8"], "expected --out DIR"),
        (["--only", "01", "--profile", "smoke"], "expected --out DIR"),
        (["--only", "09"], "unknown chapter 09; expected one of 01_first, 02_second"),
        (["--only", "01"], "02_second never executed"),
        (["--out", "."], "holds something else"),
        (["--out", "book"], "holds something else"),
    ],
)
def test_what_cannot_be_used_is_refused_before_anything_runs(root: Path, arguments: list[str], message: str) -> None:
    before = snapshot(root)
    refused = book(*arguments)
    assert refused.exit_code == 2
    assert refused.output.startswith("Error: ")
    assert refused.output.count("\n") == 1
    assert message in refused.output
    assert snapshot(root) == before


def test_a_folder_that_is_no_book_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    refused = book()
    assert refused.exit_code == 2
    assert "no book in" in refused.output
