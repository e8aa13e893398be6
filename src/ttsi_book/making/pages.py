"""The source of the book put together, and jupyter-book, which makes pages of it."""

import shutil
import subprocess
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import nbformat
import yaml
from nbformat import NotebookNode

from ttsi_book.making import BookError
from ttsi_book.making.figures import themed_svg
from ttsi_book.making.front import glued
from ttsi_book.making.pairs import standalone
from ttsi_book.making.plain import Plain
from ttsi_book.making.tables import readable_table

JUPYTER_BOOK = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()", "build"]
DOWNLOADS = "downloads"
WARNINGS_ARE_ERRORS = ["-W", "-n", "--keep-going"]


def assemble(root: Path, chapters: Mapping[str, Path], status: str, source: Path) -> None:
    """Put the source of a book together: pages without code, executed chapters by docname, status, and contents."""
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(root / "book", source, ignore=shutil.ignore_patterns("notebooks"))
    (source / "notebooks").mkdir()
    shutil.rmtree(source.parent / DOWNLOADS, ignore_errors=True)
    (source.parent / DOWNLOADS).mkdir()
    for docname, chapter in chapters.items():
        shown = for_pages(nbformat.read(chapter, as_version=4))
        nbformat.write(shown, source / "notebooks" / chapter.name)
        executed = nbformat.read(chapter, as_version=4)
        plain = standalone(executed, docname, Plain(root, dict(glued(executed))))
        nbformat.write(plain, source.parent / DOWNLOADS / chapter.name)
    (source / "machine.md").write_text(status, encoding="utf-8")
    if (source / "explore.md").is_file():
        from ttsi_book.explore.writing import write_explorer  # here, since it takes seconds to import

        write_explorer(root / "data", source / "assets" / "explore" / "data")
    contents = yaml.safe_load((root / "book" / "_toc.yml").read_text(encoding="utf-8"))
    (source / "_toc.yml").write_text(yaml.safe_dump(_keep(contents, chapters), sort_keys=False), encoding="utf-8")


def build_pages(root: Path, source: Path, html: Path, *, strict: bool) -> Path:
    """Build the pages of `source` and put them in place of `html` when all went well; returns the first page.

    A build of some chapters only is not strict: pages may refer to chapters that it leaves out.

    Raises:
        BookError: jupyter-book failed or, when strict, warned; the pages at `html` are as before.
    """
    command = [*JUPYTER_BOOK, str(source), "--config", str(root / "_config.yml"), "--toc", str(source / "_toc.yml")]
    command += ["--path-output", str(source.parent), *(WARNINGS_ARE_ERRORS if strict else [])]
    shutil.rmtree(source.parent / "_build", ignore_errors=True)
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    (source.parent / "build.log").write_text(run.stdout + run.stderr, encoding="utf-8")
    if run.returncode:
        raise BookError(f"jupyter-book failed; the last good book is as it was\n{_complaints(run.stdout + run.stderr)}")
    # Sphinx offers each source for download, which is MyST: what is read anywhere takes its place.
    shutil.copytree(source.parent / DOWNLOADS, source.parent / "_build/html/_sources/notebooks", dirs_exist_ok=True)
    _swap(source.parent / "_build" / "html", html)
    return html / "index.html"


def for_pages(notebook: NotebookNode) -> NotebookNode:
    """Return an executed chapter with its figures and tables made for pages, light and dark, wide and narrow."""
    for number, cell in enumerate(notebook.cells):
        options = cell.metadata.get("mystnb", {})
        name = options.get("figure", {}).get("name", f"figure-{number}")
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            for kind in [kind for kind in data if kind.endswith("image/svg+xml")]:
                alternative = options.get("image", {}).get("alt", "")
                html = themed_svg(data.pop(kind), name=name, alternative=alternative)
                data[kind.replace("image/svg+xml", "text/html")] = html
            for kind in [kind for kind in data if kind.endswith("text/html")]:
                data[kind] = readable_table(data[kind])
    return notebook


def _keep(contents: Any, docnames: Collection[str]) -> Any:
    """Drop from a table of contents the chapters that are not in `docnames`, and the parts left empty."""
    if isinstance(contents, list):
        kept = [_keep(item, docnames) for item in contents]
        return [item for item in kept if item]
    if not isinstance(contents, dict):
        return contents
    file = contents.get("file", "")
    if file.startswith("notebooks/") and file not in docnames:
        return None
    kept = {name: _keep(value, docnames) for name, value in contents.items()}
    return kept if kept.get("chapters", True) else None


def _complaints(log: str) -> str:
    lines = [line for line in log.splitlines() if "WARNING" in line or "ERROR" in line or "rror:" in line]
    return "\n".join(lines or log.splitlines()[-20:])


def _swap(new: Path, place: Path) -> None:
    """Put `new` at `place`; the old pages go only when the new ones are at hand."""
    old = new.with_name("old")
    if place.exists():
        place.rename(old)
    new.rename(place)
    shutil.rmtree(old, ignore_errors=True)
