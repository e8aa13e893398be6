"""Two builds from nothing, compared number by number: `python -m ttsi_book.making.reproducing`.

Every number on every page must be the same in both. Those that tell of seconds, or of the build itself, are let off, by
the words beside them; how many were is said.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from bs4 import BeautifulSoup, Tag

NUMBER = re.compile(r"\d[\d.,]*(?:e[+-]?\d+)?")
TIMES = re.compile(
    r"second|\bms\b|[\d,] s\b|minute|hour|times (?:as|the)|of the time|faster|slower|Executed|UTC|Machine",
    re.IGNORECASE,
)
"""What a text says that tells of time, or of a build: its numbers differ from build to build."""

BLOCKS = ("p", "li", "td", "th", "pre", "text", "figcaption", "dd", "dt", "h1", "h2", "h3")
CELLS = ("td", "th")


def differences(one: Path, other: Path) -> tuple[list[str], int]:
    """Compare the pages of two folders.

    Returns:
        What differs, a line each, and how many numbers that differ were let off as times.
    """
    names = {path.relative_to(folder) for folder in (one, other) for path in folder.rglob("*.html")}
    found, let_off = [], 0
    for name in sorted(names):
        if not ((one / name).is_file() and (other / name).is_file()):
            found.append(f"{name}: in one build only")
            continue
        pairs = zip_longest(_numbers(one / name), _numbers(other / name), fillvalue=("nothing", False, ""))
        for (before, timed, words), (after, *_) in pairs:
            if before != after and timed:
                let_off += 1
            elif before != after:
                found.append(f"{name}: {before} and {after}, in: {words}")
    return found, let_off


def _numbers(page: Path) -> Iterator[tuple[str, bool, str]]:
    """Yield each number of a page's article, whether it is let off, and the words around it."""
    article = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser").select_one("article")
    for block in article.find_all(BLOCKS) if article else ():
        if block.find(BLOCKS):
            continue
        words = " ".join(block.get_text(" ").split())
        timed = bool(TIMES.search(f"{words} {_told_of(block)}"))
        yield from ((number, timed, words[:80]) for number in NUMBER.findall(words))


def _told_of(block: Tag) -> str:
    """Say what the numbers of a block are: the heads of their column and row in a table, or all words of the figure."""
    cell, table = block if block.name in CELLS else block.find_parent(CELLS), block.find_parent("table")
    if not (cell and table):
        figure = block.find_parent("figure")
        return figure.get_text(" ") if figure else ""
    rows = [row.find_all(CELLS) for row in table.find_all("tr")]
    own = next(row for row in rows if any(one is cell for one in row))
    # From the right, since a row whose label spans several has fewer cells.
    from_the_right = next(place for place, one in enumerate(own) if one is cell) - len(own)
    heads = [row[from_the_right] for row in rows if len(row) >= -from_the_right and row[-1].name == "th"]
    return " ".join(one.get_text(" ") for one in [*heads, *(one for one in own if one.name == "th"), own[0]])


def build_twice(root: Path, folder: Path) -> list[Path]:
    """Clone a repository twice, make the book in each, and return the folders of pages."""
    pages = []
    for name in ("first", "second"):
        subprocess.run(["git", "clone", "--quiet", str(root), str(folder / name)], check=True)
        subprocess.run(["make", "book"], cwd=folder / name, check=True)
        pages.append(folder / name / "_build" / "html")
    return pages


@click.command()
@click.argument("built", nargs=-1, type=click.Path(exists=True, file_okay=False, path_type=Path))
def main(built: tuple[Path, ...]) -> None:
    """Compare two folders of pages; without them, two builds from fresh clones of what is committed here."""
    with TemporaryDirectory() as folder:
        one, other = built or build_twice(Path.cwd(), Path(folder))
        found, let_off = differences(one, other)
    for line in found:
        click.echo(line)
    click.echo(f"{len(found)} numbers differ; {let_off} that tell of times or of the build do, too, as they may.")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
