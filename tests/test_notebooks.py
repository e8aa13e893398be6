"""The chapters: their pairs, their parameters, and that each runs from its first cell to its last."""

import json
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell

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


@each_chapter
def test_pair_is_plain_markdown(chapter: Chapter) -> None:
    prose = [cell.source for cell in nbformat.read(pair_path(chapter), as_version=4).cells if cell.cell_type != "code"]
    raw = re.compile(r"\{[\w:-]+\}`|^\s*(:{3,}|`{3,}\{)|^\([\w-]+\)=$|\{\{|\[\]\(|\]\((?!https?://|#)", re.M)
    assert not [found[0] for text in prose for found in raw.finditer(text)]


@each_chapter
def test_first_code_of_a_pair_installs_the_library_and_fits_the_page(chapter: Chapter) -> None:
    code = [cell for cell in nbformat.read(pair_path(chapter), as_version=4).cells if cell.cell_type == "code"]
    assert "git clone" in code[0].source
    assert max(map(len, code[0].source.splitlines())) <= 79
    assert not [cell for cell in [*code[1:], *chapter.notebook().cells] if "pip install" in cell.source]


@each_chapter
def test_code_fits_the_column_of_a_page(chapter: Chapter) -> None:
    code = [cell.source for cell in chapter.notebook().cells if cell.cell_type == "code"]
    assert not [line for source in code for line in source.splitlines() if len(line) > 79]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """The working tree as a repository that can be cloned, without what is published of runs."""
    root = tmp_path / "repository"
    for name, unneeded in (("src", ("*.egg-info", "__pycache__")), ("data", ("benchmarks", "sweeps"))):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns(*unneeded))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, root)
    git = ["git", "-c", "user.name=test", "-c", "user.email=test@localhost"]
    for command in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "as it is"]):
        subprocess.run([*git, *command], cwd=root, check=True)
    return root


def bare_python(place: Path) -> Path:
    """Return a Python with all packages of this one but `ttsi`, which has to be installed."""
    venv.create(place, with_pip=False)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    # A folder that a .pth file names is searched, and its own .pth files, ttsi's among them, are not read.
    packages = place / "lib" / version / "site-packages"
    (packages / "others.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    return place / "bin" / "python"


def test_a_pair_runs_where_the_library_has_to_be_installed(
    tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = bare_python(tmp_path / "bare")
    monkeypatch.delenv("PYTHONPATH", raising=False)
    monkeypatch.delenv("TTSI_DATA", raising=False)
    monkeypatch.setenv("TTSI_REPOSITORY", repository.as_uri())
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_NO_BUILD_ISOLATION", "1")
    kernel = tmp_path / "jupyter" / "kernels" / "bare"
    kernel.mkdir(parents=True)
    command = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (kernel / "kernel.json").write_text(json.dumps({"argv": command, "display_name": "bare", "language": "python"}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    notebook = nbformat.read(pair_path(CHAPTERS[0]), as_version=4)
    parameters = next(cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", []))
    parameters.source += '\nprofile = "smoke"'
    notebook.cells.append(new_code_cell("import ttsi\n\nprint(ttsi.__file__)"))
    work = tmp_path / "work"
    work.mkdir()
    NotebookClient(notebook, kernel_name="bare", resources={"metadata": {"path": str(work)}}, timeout=600).execute()
    assert notebook.cells[-1].outputs[0].text.strip() == str(work / "ttsi-book" / "src" / "ttsi" / "__init__.py")


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
