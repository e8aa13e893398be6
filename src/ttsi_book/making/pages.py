"""The source of the book put together, and jupyter-book, which makes pages of it."""

import filecmp
import shutil
import subprocess
import sys
from collections.abc import Collection, Iterable, Mapping
from copy import deepcopy
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
from ttsi_book.making.sources import rests_on, source_line
from ttsi_book.making.tables import readable_table

JUPYTER_BOOK = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()", "build"]
DOWNLOADS = "downloads"
WARNINGS_ARE_ERRORS = ["-W", "-n", "--keep-going"]


def assemble(root: Path, chapters: Mapping[str, Path], status: str, source: Path, made_from: str = "") -> None:
    """Put the source of a book together: pages without code, executed chapters by docname, status, and contents.

    What was at `source` before goes. `status` holds the tables of the status page. `made_from` tells what the page
    Explore is made from; where that is as before, so are its files.

    Raises:
        BookError: the table of contents does not list a chapter.
    """
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(root / "book", source, ignore=shutil.ignore_patterns("notebooks"))
    (source / "notebooks").mkdir()
    shutil.rmtree(source.parent / DOWNLOADS, ignore_errors=True)
    (source.parent / DOWNLOADS).mkdir()
    for docname, chapter in chapters.items():
        executed = nbformat.read(chapter, as_version=4)
        shown = for_pages(deepcopy(executed), _source_lines(executed, chapter.stem, root))
        nbformat.write(shown, source / "notebooks" / chapter.name)
        plain = standalone(executed, docname, Plain(root, dict(glued(executed))))
        nbformat.write(plain, source.parent / DOWNLOADS / chapter.name)
    (source / "machine.md").write_text(status, encoding="utf-8")
    if (source / "explore.md").is_file():
        shutil.copytree(_explorer(root, source.parent / "explore", made_from), source / "assets" / "explore" / "data")
    listed = (root / "book" / "_toc.yml").read_text(encoding="utf-8")
    if unlisted := [docname for docname in chapters if docname not in listed]:
        raise BookError(f"book/_toc.yml does not list {unlisted[0]}; expected it there")
    contents = yaml.safe_load(listed)
    (source / "_toc.yml").write_text(yaml.safe_dump(_keep(contents, chapters), sort_keys=False), encoding="utf-8")


def build_pages(root: Path, source: Path, html: Path, *, strict: bool, anew: bool = True) -> Path:
    """Build the pages of `source` and put them in place of `html` when all went well; returns the first page.

    A build of some chapters only is not strict: pages may refer to chapters that it leaves out. Unless all are made
    `anew`, Sphinx goes on from the build before, and reads what changed in `source` since.

    Raises:
        BookError: jupyter-book failed or, when strict, warned; the pages at `html` are as before.
    """
    seen = source.with_name("seen")
    _bring_up_to_date(seen, source)
    command = [*JUPYTER_BOOK, str(seen), "--config", str(root / "_config.yml"), "--toc", str(seen / "_toc.yml")]
    command += ["--path-output", str(source.parent), *(WARNINGS_ARE_ERRORS if strict else [])]
    made = source.parent / "_build"
    if anew:
        shutil.rmtree(made, ignore_errors=True)
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    (source.parent / "build.log").write_text(run.stdout + run.stderr, encoding="utf-8")
    if run.returncode:
        shutil.rmtree(made, ignore_errors=True)  # a warning is given once
        raise BookError(f"jupyter-book failed; the last good book is as it was\n{_complaints(run.stdout + run.stderr)}")
    # Sphinx offers each source for download, which is MyST: what is read anywhere takes its place.
    shutil.copytree(source.parent / DOWNLOADS, made / "html/_sources/notebooks", dirs_exist_ok=True)
    _swap(made / "html", html)
    return html / "index.html"


def for_pages(notebook: NotebookNode, sources: Iterable[str] = ()) -> NotebookNode:
    """Return an executed chapter with its figures and tables made for pages, light and dark, wide and narrow.

    `sources` has, of each code cell, the line that says where its figures and tables come from.
    """
    lines = iter(sources)
    for number, cell in enumerate(notebook.cells):
        source = next(lines, "") if cell.cell_type == "code" else ""
        options = cell.metadata.get("mystnb", {})
        name = options.get("figure", {}).get("name", f"figure-{number}")
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            for kind in [kind for kind in data if kind.endswith("image/svg+xml")]:
                alternative = options.get("image", {}).get("alt", "")
                html = themed_svg(data.pop(kind), name=name, alternative=alternative)
                data[kind.replace("image/svg+xml", "text/html")] = html + source
            for kind in [kind for kind in data if kind.endswith("text/html")]:
                data[kind] = readable_table(data[kind], source)
    return notebook


def _source_lines(executed: NotebookNode, name: str, root: Path) -> list[str]:
    cells = [cell.source for cell in executed.cells if cell.cell_type == "code"]
    return [source_line(name, files, root) for files in rests_on(cells)]


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


def _explorer(root: Path, folder: Path, made_from: str) -> Path:
    """Return the files of the page Explore, written anew where they are made from something else than before."""
    note = folder.with_suffix(".key")
    if not (made_from and note.is_file() and note.read_text(encoding="utf-8") == made_from):
        from ttsi_book.explore.writing import write_explorer  # here, since it takes seconds to import

        note.unlink(missing_ok=True)
        write_explorer(root / "data", folder)
        note.write_text(made_from, encoding="utf-8")
    return folder


def _bring_up_to_date(seen: Path, source: Path) -> None:
    """Make `seen` the same as `source`; files that are the same already keep their time, by which Sphinx goes."""
    wanted = {path.relative_to(source) for path in source.rglob("*") if path.is_file()}
    for path in [path for path in seen.rglob("*") if path.is_file()]:
        if path.relative_to(seen) not in wanted:
            path.unlink()
    shutil.copytree(source, seen, copy_function=_copy_other, dirs_exist_ok=True)


def _copy_other(new: str, old: str) -> None:
    if not (Path(old).is_file() and filecmp.cmp(new, old, shallow=False)):
        shutil.copyfile(new, old)


def _swap(new: Path, place: Path) -> None:
    """Put a copy of `new` at `place`; the old pages go only when the new ones are at hand."""
    coming, old = new.with_name("coming"), new.with_name("old")
    for folder in (coming, old):
        shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(new, coming)
    if place.exists():
        place.rename(old)
    coming.rename(place)
    shutil.rmtree(old, ignore_errors=True)
