"""The built book as files: it asks nobody for anything, and what it shows and links to is there."""

import functools
import getpass
import json
import platform
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import click
import nbformat
import pytest
import yaml
from bs4 import BeautifulSoup, Tag

import ttsi
from ttsi.cli import main
from ttsi_book.making.chapters import find_chapters

ROOT = Path(__file__).parents[2]
CHAPTERS = [chapter.docname for chapter in find_chapters(ROOT)]
STATIC_PAGES = [
    *("intro", "explore", "api", "commands", "glossary", "way_of_one_request"),
    *("status", "references", "contributing", "changelog"),
]
SITE = "https://ttsi-book.github.io/ttsi-book/"
REPOSITORY = "https://github.com/ttsi-book/ttsi-book"

PRIVATE = re.compile(
    r"(?<![\w.:/])/(?:home|root|tmp|Users|mnt|var|opt|workspace)/[\w./-]+"  # paths
    r"|\b(?:sk-|hf_|ghp_|AKIA)[A-Za-z0-9_-]{12,}"  # keys
    r"|https?://(?:localhost|\d+\.\d+\.\d+\.\d+|[\w.-]+\.(?:local|internal|lan))\b"  # hosts
)

pytestmark = pytest.mark.xdist_group("book")
each_page = pytest.mark.parametrize("docname", [*STATIC_PAGES, *CHAPTERS])
each_chapter = pytest.mark.parametrize("docname", CHAPTERS)


@functools.cache
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
def test_downloaded_notebook_has_the_results_and_plain_text(smoke_book: Path, docname: str) -> None:
    path, page = read_page(smoke_book, docname)
    links = {str(link["href"]) for link in page.select("a[download], a[href*=_sources]")}
    (download,) = [path.parent / link for link in links if link.endswith(".ipynb")]
    notebook = nbformat.read(download, as_version=4)
    assert [cell for cell in notebook.cells if cell.get("outputs")]
    prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    assert "{glue:" not in prose
    assert "{cite:" not in prose


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


@each_page
def test_button_leads_to_the_source_that_is_edited(smoke_book: Path, docname: str) -> None:
    _, page = read_page(smoke_book, docname)
    (button,) = {str(link["href"]) for link in page.select('a[href*="/edit/"]')}
    source = button.removeprefix(f"{REPOSITORY}/edit/main/")
    assert source.endswith((".py", ".md"))
    assert (ROOT / source).is_file()


@each_page
def test_can_be_sent_on(smoke_book: Path, docname: str) -> None:
    _, page = read_page(smoke_book, docname)
    said = {
        str(meta.get("property") or meta.get("name")): str(meta["content"]) for meta in page.select("meta[content]")
    }
    assert said["og:title"]
    assert said["og:url"] == f"{SITE}{docname}.html"
    assert min(len(said["og:description"]), len(said["description"])) > 40
    assert "{{" not in said["og:description"] + said["description"]
    card = smoke_book / "html" / said["og:image"].removeprefix(SITE)
    assert card.read_bytes().startswith(b"\x89PNG")


def test_reference_explains_every_public_name(smoke_book: Path) -> None:
    _, page = read_page(smoke_book, "api")
    for name, module in ttsi._MODULES.items():
        entry = page.find(id=f"{module}.{'load' if name == 'load_benchmark' else name}")
        assert entry is not None, name
        described = entry.find_next_sibling("dd")
        assert described is not None, name
        assert described.get_text().strip(), name


def commands_of(group: click.Group, name: str) -> Iterator[str]:
    for word, command in group.commands.items():
        yield f"{name} {word}"
        if isinstance(command, click.Group):
            yield from commands_of(command, f"{name} {word}")


@pytest.mark.parametrize("command", list(commands_of(main, "ttsi")))
def test_reference_explains_every_command(smoke_book: Path, command: str) -> None:
    _, page = read_page(smoke_book, "commands")
    assert page.find(id=command.replace(" ", "-")) is not None


def test_names_in_the_text_lead_to_the_reference(smoke_book: Path) -> None:
    for docname, name, where in (
        ("way_of_one_request", "ESTIMATORS", "api.html#ttsi.estimators.ESTIMATORS"),
        ("notebooks/14_a_real_model", "ttsi run", "../commands.html#ttsi-run"),
    ):
        _, page = read_page(smoke_book, docname)
        links = {str(link["href"]): link.get_text() for link in page.select("article a:has(> code)")}
        assert links[where].startswith(name)
    _, page = read_page(smoke_book, "notebooks/01_one_request")
    assert page.select('.cell_input a[href="../api.html#ttsi.loop.SelfImprovement"]')


def test_book_is_cited_as_the_repository_says(smoke_book: Path) -> None:
    _, page = read_page(smoke_book, "references")
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    entry = next(listing.get_text() for listing in page.select("pre") if "@software" in listing.get_text())
    assert f"title = {{{citation['title']}}}" in entry
    assert f"version = {{{citation['version']}}}" in entry


def test_the_reference_shows_no_object_as_it_lies_in_memory(smoke_book: Path) -> None:
    _, page = read_page(smoke_book, "api")
    assert not re.search(r"at 0x[0-9a-f]+|Annotated\[|FieldInfo", page.get_text())
