"""The built book as files: it asks nobody for anything, and what it shows and links to is there."""

import getpass
import json
import platform
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
import pytest
import yaml
from bs4 import BeautifulSoup, Tag

from ttsi_book.making.chapters import find_chapters

ROOT = Path(__file__).parents[1]
CHAPTERS = [chapter.docname for chapter in find_chapters(ROOT)]
STATIC_PAGES = ["intro", "explore", "glossary", "way_of_one_request", "status", "references", "contributing"]

PRIVATE = re.compile(
    r"(?<![\w.:/])/(?:home|root|tmp|Users|mnt|var|opt|workspace)/[\w./-]+"  # paths
    r"|\b(?:sk-|hf_|ghp_|AKIA)[A-Za-z0-9_-]{12,}"  # keys
    r"|https?://(?:localhost|\d+\.\d+\.\d+\.\d+|[\w.-]+\.(?:local|internal|lan))\b"  # hosts
)

pytestmark = pytest.mark.xdist_group("book")
each_page = pytest.mark.parametrize("docname", [*STATIC_PAGES, *CHAPTERS])
each_chapter = pytest.mark.parametrize("docname", CHAPTERS)


def read_page(smoke_book: Path, docname: str) -> tuple[Path, BeautifulSoup]:
    path = smoke_book / "html" / f"{docname}.html"
    return path, BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def loaded(page: BeautifulSoup) -> Iterator[str]:
    """Yield what a browser loads to show a page."""
    for tag, attribute in (("script", "src"), ("img", "src"), ("iframe", "src"), ("source", "src"), ("link", "href")):
        yield from (
            str(element[attribute]) for element in page.find_all(tag, attrs={attribute: True}) if loads(element)
        )


def loads(element: Tag) -> bool:
    """Whether a browser fetches what an element names; links to other pages wait for a click."""
    rel = element.get("rel") or []
    return element.name != "link" or bool({"stylesheet", "preload", "icon", "shortcut", "modulepreload"} & set(rel))


def file_contents(contents: object) -> list[str]:
    if isinstance(contents, list):
        return [file for item in contents for file in file_contents(item)]
    if not isinstance(contents, dict):
        return []
    own = [contents[name] for name in ("root", "file") if name in contents]
    return own + [file for value in contents.values() for file in file_contents(value)]


def test_contents_name_every_page() -> None:
    contents = yaml.safe_load((ROOT / "book" / "_toc.yml").read_text())
    assert sorted(file_contents(contents)) == sorted([*STATIC_PAGES, *CHAPTERS])


@each_page
def test_loads_only_files_of_the_book(smoke_book: Path, docname: str) -> None:
    path, page = read_page(smoke_book, docname)
    for address in loaded(page):
        parts = urlsplit(address)
        assert not parts.netloc, address
        assert parts.scheme == "data" or (path.parent / unquote(parts.path)).is_file(), address


@each_page
def test_has_one_search_bar(smoke_book: Path, docname: str) -> None:
    _, page = read_page(smoke_book, docname)
    assert len(page.select("input[type=search]")) == 1


@each_page
def test_shows_no_broken_reference(smoke_book: Path, docname: str) -> None:
    _, page = read_page(smoke_book, docname)
    article = page.select_one("article")
    assert article is not None
    assert not article.select(".problematic, .system-message")
    assert "{glue" not in article.get_text()


@each_chapter
def test_launch_buttons_lead_to_the_clean_pair(smoke_book: Path, docname: str) -> None:
    _, page = read_page(smoke_book, docname)
    targets = [
        str(link["href"]) for link in page.select('a[href*="mybinder.org"], a[href*="colab.research.google.com"]')
    ]
    assert len(targets) == 2
    for target in targets:
        assert target.endswith(f"/{docname}.ipynb")
        assert "/main" in target
    assert (ROOT / f"{docname}.ipynb").is_file()


@each_chapter
def test_notebook_can_be_downloaded(smoke_book: Path, docname: str) -> None:
    path, page = read_page(smoke_book, docname)
    links = [str(link["href"]) for link in page.select("a[download], a[href*=_sources]")]
    assert [link for link in links if link.endswith(".ipynb") and (path.parent / link).is_file()]


@each_chapter
def test_figures_have_caption_and_alternative_text(smoke_book: Path, docname: str) -> None:
    _, page = read_page(smoke_book, docname)
    assert not page.select(".cell_output img"), "a figure that does not follow the theme"
    for image in page.select(".plot > svg"):
        assert image["role"] == "img"
        alternative = str(image.get("aria-label", ""))
        assert len(alternative.split()) > 3, f"alternative text {alternative!r}"
        figure = image.find_parent("figure")
        assert figure is not None, f"no caption: {alternative}"
        assert figure.select_one("figcaption") is not None, f"no caption: {alternative}"


@each_chapter
def test_tables_have_one_row_of_heads_and_none_is_empty(smoke_book: Path, docname: str) -> None:
    _, page = read_page(smoke_book, docname)
    assert not page.select(".cell_output table.dataframe[border], .cell_output style")
    for table in page.select(".cell_output table.dataframe"):
        assert table.find_parent(class_="table-box") is not None
        assert len(table.select("thead tr")) == 1
        assert all(head.get_text(strip=True) for head in table.select("th"))


@each_chapter
def test_figures_and_tables_say_where_they_come_from(smoke_book: Path, docname: str) -> None:
    _, page = read_page(smoke_book, docname)
    shown = page.select(".cell_output .plot, .cell_output .table-box")
    assert shown
    for one in shown:
        line = one.find_next_sibling(class_="source")
        assert line is not None
        names = [link.get_text() for link in line.select("a[href^='https://github.com/']")]
        assert names[0] == f"{docname}.py"
        assert all((ROOT / name).exists() for name in names)


@pytest.mark.parametrize(
    ("docname", "name", "data"),
    [
        ("notebooks/07_when_to_adapt", "fig-gates-tau", ["data/results", "data/timing"]),
        ("notebooks/05_test_time_lora", "fig-lora-loss", []),
    ],
)
def test_a_figure_leads_to_the_rows_that_it_rests_on(
    smoke_book: Path, docname: str, name: str, data: list[str]
) -> None:
    _, page = read_page(smoke_book, docname)
    links = page.select(f"#{name} .source a")
    assert [link.get_text() for link in links[1:]] == data


@each_chapter
def test_outputs_hold_no_key_no_path_and_no_host(smoke_book: Path, docname: str) -> None:
    executed = nbformat.read(smoke_book / "chapters" / f"{Path(docname).name}.ipynb", as_version=4)
    outputs = "".join(json.dumps(cell.outputs) for cell in executed.cells if cell.cell_type == "code")
    assert not private(outputs)


def private(text: str) -> list[str]:
    """Return what a text tells of the machine that made it, or of who has it."""
    names = {platform.node(), getpass.getuser(), str(ROOT), str(Path.home()), tempfile.gettempdir()}
    here = [name for name in names if len(name) > 4 and name in text]  # a shorter name is a word of its own
    return here + [found.group() for found in PRIVATE.finditer(text)]


@pytest.mark.parametrize(
    "text",
    ["/home/someone/book", "key sk-abcdefghijklmnop", "hf_abcdefghijklmnop", "http://10.0.0.7:8080/v1", str(ROOT)],
)
def test_what_is_private_is_found(text: str) -> None:
    assert private(f"so {text}.")


@each_chapter
def test_no_id_stands_twice_in_the_figures_of_a_page(smoke_book: Path, docname: str) -> None:
    _, page = read_page(smoke_book, docname)
    ids = [str(element["id"]) for element in page.select(".plot [id]")]
    assert len(set(ids)) == len(ids)
