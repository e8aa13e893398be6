"""One PDF of the built book, by a headless Chromium: `python -m ttsi_book.making.pdf --chromium PATH`, or `make pdf`.

The articles of all pages are put into one page in the order of the table of contents. Ids get the name of their page,
so that links between pages become links within the file, and a figure's clipping paths stay its own.
"""

import posixpath
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import unquote

import click
from bs4 import BeautifulSoup, Tag

from ttsi.records import InputError

FIRST = "intro"
LEFT_OUT = ("explore",)
"""Pages that are nothing without their scripts."""

UNWANTED = "script, noscript, .headerlink, details > summary, .sphinx-codeautolink-hidden, .prev-next-area"
INNER = re.compile(r"url\((['\"]?)#")
STYLE = Path(__file__).with_name("print.css")
PRINTED = {
    "prefer_css_page_size": True,
    "print_background": True,
    "outline": True,
    "tagged": True,
    "display_header_footer": True,
    "header_template": "<span></span>",
    "footer_template": '<div style="font: 8px sans-serif; width: 100%; text-align: center" class="pageNumber"></div>',
}
MINUTES = 10 * 60 * 1000


def in_one_page(html: Path) -> str:
    """Return the whole book at `html` as one page for print, which loads its files from there.

    Raises:
        InputError: there is no built book.
    """
    first = html / f"{FIRST}.html"
    if not first.is_file():
        raise InputError(f"{html} holds no book; expected the pages that `make book` builds")
    soups = {docname: _read(html, docname) for docname in _reading_order(_read(html, FIRST))}
    articles = [_article(soup, docname, tuple(soups), html) for docname, soup in soups.items()]
    title = soups[FIRST].select_one("title")
    return (
        '<!DOCTYPE html><html lang="en" data-theme="light" data-mode="light"><head><meta charset="utf-8">'
        f"{title or ''}{''.join(dict.fromkeys(_head(soups, html)))}"
        f"<style>{STYLE.read_text(encoding='utf-8')}</style></head>"
        f"<body>{''.join(articles)}</body></html>"
    )


def write_pdf(html: Path, pdf: Path, chromium: str) -> None:
    """Print the book at `html` into one file."""
    from playwright.sync_api import sync_playwright

    pdf.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        page_file = Path(folder) / "book.html"
        page_file.write_text(in_one_page(html), encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=chromium)
        page = browser.new_page()
        page.set_default_timeout(MINUTES)
        page.goto(page_file.as_uri())
        page.evaluate("async () => { await window.MathJax?.startup?.promise; await document.fonts.ready; }")
        scratch = Path(folder) / "book.pdf"
        page.pdf(path=scratch, **PRINTED)
        browser.close()
        shutil.move(scratch, pdf)


def _read(html: Path, docname: str) -> BeautifulSoup:
    return BeautifulSoup((html / f"{docname}.html").read_text(encoding="utf-8"), "html.parser")


def _reading_order(first: BeautifulSoup) -> Iterator[str]:
    yield FIRST
    for link in first.select("nav.bd-links a.reference.internal[href]"):
        docname = str(link["href"]).removesuffix(".html")
        if docname not in (*LEFT_OUT, FIRST, "#"):
            yield docname


def _head(soups: Mapping[str, BeautifulSoup], html: Path) -> Iterator[str]:
    """Yield the style sheets and what sets formulas, of every page."""
    for docname, soup in soups.items():
        for element in soup.select("link[rel=stylesheet], script"):
            if element.name != "script" or "athjax" in str(element).lower():
                _load_from(element, docname, html)
                yield str(element)


def _article(soup: BeautifulSoup, docname: str, docnames: Sequence[str], html: Path) -> str:
    article = soup.select_one("article.bd-article")
    canonical = soup.select_one("link[rel=canonical]")
    site = str(canonical["href"]).removesuffix(f"{docname}.html") if canonical else ""
    assert article is not None, docname
    for element in article.select(UNWANTED):
        element.decompose()
    for folded in article.select("details"):
        folded.name = "div"
    for element in article.find_all(True):
        _load_from(element, docname, html)
        _rename(element, docname, docnames, site)
    article["id"] = _anchor(docname)
    return str(article)


def _load_from(element: Tag, docname: str, html: Path) -> None:
    """Make the address of what an element loads an absolute one."""
    attribute = "href" if element.name == "link" else "src"
    address = str(element.get(attribute, ""))
    if address and ":" not in address:
        path = (html / docname).parent / unquote(address.partition("?")[0])
        element[attribute] = path.resolve().as_uri()


def _rename(element: Tag, docname: str, docnames: Sequence[str], site: str) -> None:
    """Give an id the name of its page, and let what refers to it follow."""
    for attribute, value in list(element.attrs.items()):
        if attribute == "id":
            element[attribute] = _anchor(docname, str(value))
        elif attribute in ("href", "xlink:href"):
            element[attribute] = _target(str(value), docname, docnames, site)
        elif isinstance(value, str) and "url(" in value:
            element[attribute] = INNER.sub(rf"url(\1#{_anchor(docname)}--", value)


def _target(address: str, docname: str, docnames: Sequence[str], site: str) -> str:
    """Return where a link leads in the file; what is not in it is on the published site."""
    path, _, fragment = address.partition("#")
    if ":" in path:
        return address
    other = posixpath.normpath(posixpath.join(posixpath.dirname(docname), path)).removesuffix(".html")
    other = docname if not path else FIRST if other == "index" else other
    if other in docnames:
        return f"#{_anchor(other, fragment)}"
    return f"{site}{posixpath.normpath(posixpath.join(posixpath.dirname(docname), address))}"


def _anchor(docname: str, fragment: str = "") -> str:
    page = docname.replace("/", "-")
    return f"{page}--{fragment}" if fragment else page


@click.command()
@click.option("--html", type=click.Path(path_type=Path), default=Path("_build/html"), show_default=True)
@click.option("--out", type=click.Path(path_type=Path), default=Path("_build/pdf/book.pdf"), show_default=True)
@click.option("--chromium", required=True, help="Path of a Chromium.")
def main(html: Path, out: Path, chromium: str) -> None:
    """Print the built book into one PDF."""
    try:
        write_pdf(html, out, chromium)
    except InputError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"The book is at {out}")


if __name__ == "__main__":
    main()
