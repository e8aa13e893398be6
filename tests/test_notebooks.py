"""The chapters: their pairs, their parameters, and that each runs from its first cell to its last."""

import ast
import json
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
from collections.abc import Iterator
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ttsi_book.making.chapters import Chapter, find_chapters
from ttsi_book.making.pairs import INSTALL, pair_path, pair_text

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


ON_DEMAND = {"ray", "unsloth"}
"""Imported within functions, where a setting asks for them: other extras than a pair installs."""


def imported(code: str) -> Iterator[str]:
    """Yield the modules that code imports, and the names that may be modules."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{name.name}" for name in node.names)


def third_parties(code: str) -> set[str]:
    """Return the packages that code imports, by itself or through modules of this project."""
    seen: set[str] = set()
    packages, todo = set(), list(imported(code))
    while todo:
        top, *rest = todo.pop().split(".")
        if top not in ("ttsi", "ttsi_book"):
            packages.add(top)
            continue
        for depth in range(len(rest) + 1):
            path = ROOT.joinpath("src", top, *rest[:depth])
            module = next((one for one in (path / "__init__.py", path.with_suffix(".py")) if one.is_file()), None)
            if module and str(module) not in seen:
                seen.add(str(module))
                todo += imported(module.read_text(encoding="utf-8"))
    return packages - sys.stdlib_module_names


def installed_by_a_pair() -> set[str]:
    """Return the distributions that the first code of a pair installs, with all that they need."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    [extra] = re.findall(r"ttsi-book\[(\w+)\]", INSTALL)
    found, todo = set(), [*project["dependencies"], *project["optional-dependencies"][extra]]
    while todo:
        one = Requirement(todo.pop())
        if (one.name, *sorted(one.extras)) in found:
            continue
        found.add((one.name, *sorted(one.extras)))
        for text in requires(one.name) or ():
            marker = Requirement(text).marker
            if marker is None or any(marker.evaluate({"extra": name}) for name in ("", *one.extras)):
                todo.append(text)
    return {canonicalize_name(name) for name, *_ in found}


@each_chapter
def test_a_pair_installs_all_that_its_chapter_imports(chapter: Chapter) -> None:
    code = "\n".join(cell.source for cell in chapter.notebook().cells if cell.cell_type == "code")
    its_own = {name.partition(".")[0] for name in imported(code)}
    origins, installed = packages_distributions(), installed_by_a_pair()
    lacking = {
        package
        for package in third_parties(code) - (ON_DEMAND - its_own)
        if not installed & {canonicalize_name(name) for name in origins.get(package, ())}
    }
    assert not lacking


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
