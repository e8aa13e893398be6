"""The built book as files: it asks nobody for anything, and what it shows and links to is there."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from bs4 import BeautifulSoup, Tag

from ttsi_book.making.chapters import find_chapters

ROOT = Path(__file__).parents[2]
CHAPTERS = [chapter.docname for chapter in find_chapters(ROOT)]
STATIC_PAGES = ["intro", "explore", "glossary", "way_of_one_request", "status", "references", "contributing"]

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
def test_no_id_stands_twice_in_the_figures_of_a_page(smoke_book: Path, docname: str) -> None:
    _, page = read_page(smoke_book, docname)
    ids = [str(element["id"]) for element in page.select(".plot [id]")]
    assert len(set(ids)) == len(ids)
