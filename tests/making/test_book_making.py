"""`ttsi book` on a small book: what it executes, what it keeps when something fails, and what it never touches."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner, Result

from small_book import edit, write_small_book
from ttsi.cli import main
from ttsi_book.making import execution
from ttsi_book.making.pairs import write_pairs

FIRST, SECOND = "notebooks/01_first.py", "notebooks/02_second.py"


def has_a_broken_kernel(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let the user have a broken kernel installed under the usual name."""
    broken = folder / "jupyter" / "kernels" / "python3"
    broken.mkdir(parents=True)
    (broken / "kernel.json").write_text(json.dumps({"argv": ["false"], "display_name": "x", "language": "python"}))
    patch.setenv("JUPYTER_PATH", str(folder / "jupyter"))


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small book."""
    has_a_broken_kernel(monkeypatch, tmp_path)
    root = write_small_book(tmp_path / "repository")
    monkeypatch.chdir(root)
    return root


@pytest.fixture(scope="module")
def first_build(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """A small book that was built, and what was said."""
    root = write_small_book(tmp_path_factory.mktemp("built"))
    with pytest.MonkeyPatch.context() as patch:
        has_a_broken_kernel(patch, tmp_path_factory.mktemp("user"))
        patch.chdir(root)
        first = book()
    assert first.exit_code == 0, first.output
    return root, first


@pytest.fixture
def built(root: Path, first_build: tuple[Path, Result]) -> Path:
    """The same, of one's own."""
    shutil.copytree(first_build[0], root, dirs_exist_ok=True)
    return root


def book(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["book", *arguments])


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def published(root: Path) -> dict[str, bytes]:
    return snapshot(root / "book") | {f"html/{name}": data for name, data in snapshot(root / "_build/html").items()}


def test_a_book_is_executed_for_the_first_time(first_build: tuple[Path, Result]) -> None:
    root, first = first_build
    assert "01_first runs: for the first time" in first.output
    assert "answer 42 tiny 0.95" in (root / "_build/html/notebooks/01_first.html").read_text()
    assert str(root) not in (root / "_build/html/_sources/notebooks/01_first.ipynb").read_text()
    assert "tau = 0.95" in (root / "_build/html/status.html").read_text()


def test_side_builds_leave_the_published_book_alone(built: Path) -> None:
    before = published(built)
    side = book("--only", "01", "-p", "tau=0.8", "--out", "scratch")
    assert side.exit_code == 0, side.output
    assert "answer 42 tiny 0.8" in (built / "scratch/html/notebooks/01_first.html").read_text()
    assert not (built / "scratch/html/notebooks/02_second.html").exists()
    again = book("--only", "01", "-p", "tau=0.7", "--out", "scratch")
    assert "01_first runs again: parameter tau: 0.8 -> 0.7\n" in again.output
    assert published(built) == before


def test_only_what_changed_is_made_anew_and_a_line_says_why(built: Path) -> None:
    unchanged = "01_first: unchanged\n02_second: unchanged\n"
    stamps = {path: path.stat().st_mtime_ns for path in (built / "_build/html").rglob("*")}
    assert book().output.startswith(f"{unchanged}nothing changed: the pages stay as they are\n")
    assert {path: path.stat().st_mtime_ns for path in (built / "_build/html").rglob("*")} == stamps

    for name, before, after in (
        ("book/intro.md", "# Small", "# Other"),
        ("_config.yml", "Small", "Third"),
        (FIRST, "Plain", "Fourth"),
    ):
        edit(built / name, before, after)
        assert book().output.startswith(f"{unchanged}building the pages: {name} changed\n")
        assert any(after.strip("# ") in page.read_text() for page in (built / "_build/html").rglob("*.html"))
    assert "answer 42 tiny 0.95" in (built / "_build/html/notebooks/01_first.html").read_text()

    edit(built / FIRST, 'print("answer"', 'print("result"')
    again = book().output
    assert again.startswith(f"01_first runs again: {FIRST} changed\n01_first: executed in ")
    assert "02_second: unchanged" in again
    assert "result 42 tiny" in (built / "_build/html/notebooks/01_first.html").read_text()


def test_a_cell_edited_in_jupyter_is_in_the_book_and_in_its_source(root: Path) -> None:
    write_pairs(root)
    pair = root / "notebooks/02_second.ipynb"
    notebook = nbformat.read(pair, as_version=4)
    notebook.cells[-1].source += "\nprint('from Jupyter')"
    nbformat.write(notebook, pair)
    built = book("--only", "02", "--out", "side")
    assert f"{SECOND}: written anew from its .ipynb, which Jupyter saved\n" in built.output
    assert "from Jupyter" in (root / "side/html/notebooks/02_second.html").read_text()
    assert (root / SECOND).read_text().endswith("print(6 / value)\nprint('from Jupyter')\n")


def test_two_side_builds_at_once_leave_each_other_and_what_is_published_alone(built: Path) -> None:
    before = published(built) | snapshot(built / "data")
    command = [sys.executable, "-c", "from ttsi.cli import main; main()", "book", "--only", "01"]
    taus = {"one": "0.1", "two": "0.2"}
    builds = [subprocess.Popen([*command, "-p", f"tau={tau}", "--out", name]) for name, tau in taus.items()]
    assert [build.wait() for build in builds] == [0, 0]
    for name, tau in taus.items():
        assert f"answer 42 tiny {tau}" in (built / name / "html/notebooks/01_first.html").read_text()
    assert published(built) | snapshot(built / "data") == before


@pytest.mark.parametrize("arguments", [[], ["--out", "side"]])
def test_a_chapter_that_writes_among_the_data_fails(root: Path, arguments: list[str]) -> None:
    edit(root / FIRST, "print(", 'open("data/words.txt", "a").write("three")\nprint(')
    failed = book(*arguments)
    assert failed.exit_code == 1
    assert "01_first: while it ran, data/words.txt changed; no chapter may write there" in failed.output
    assert not list(root.rglob("chapters/01_first.ipynb"))


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("while True: pass", "still running after 2 s"),
        (
            "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
            "its process died, as it does where memory runs out",
        ),
    ],
)
def test_a_chapter_that_hangs_or_is_killed_names_its_cell_and_keeps_its_report(
    built: Path, monkeypatch: pytest.MonkeyPatch, cell: str, reason: str
) -> None:
    before = published(built)
    monkeypatch.setattr(execution, "CELL_SECONDS", 2)
    edit(built / SECOND, "print(6 / value)", f"print('so far', flush=True)\n\n# %%\n{cell}")
    failed = book()
    assert failed.exit_code == 1
    report = built / "_build/work/02_second.ipynb"
    assert f"02_second, cell 4 ({cell}): {reason}; the chapter as far as it ran: {report}" in failed.output
    assert nbformat.read(report, as_version=4).cells[-2].outputs[0].text == "so far\n"
    assert published(built) == before


def test_a_failing_chapter_is_named_and_leaves_the_last_good_book(built: Path) -> None:
    before = published(built)
    edit(built / FIRST, '"answer"', '"result"')
    edit(built / SECOND, "value = 3", "value = 0")
    failed = book()
    assert failed.exit_code == 1
    assert "02_second, cell 3 (# a first line): ZeroDivisionError: division by zero" in failed.output
    after = published(built)
    finished = {"notebooks/01_first.ipynb", "notebooks/manifest.json"}
    assert {name for name in before | after if before.get(name) != after.get(name)} == finished
    edit(built / SECOND, "value = 0", "value = 3")
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


def test_pages_with_warnings_leave_the_last_good_book(built: Path) -> None:
    html = snapshot(built / "_build/html")
    edit(built / "book/intro.md", "# Small", "# Small\n\n[](nowhere.md)")
    failed = book()
    assert failed.exit_code == 1
    assert "nowhere" in failed.output
    assert snapshot(built / "_build/html") == html


def test_one_chapter_of_the_published_book_is_rebuilt_and_stale_ones_are_named(built: Path) -> None:
    edit(built / "requirements.txt", "==1", "==2")
    rebuilt = book("--only", "02")
    assert rebuilt.exit_code == 0, rebuilt.output
    assert "01_first: built as it was, although requirements.txt changed" in rebuilt.output
    assert "out of date: requirements.txt changed" in (built / "_build/html/status.html").read_text()
    executed = nbformat.read(built / "book/notebooks/02_second.ipynb", as_version=4)
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
