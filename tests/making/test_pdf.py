"""The book as one file: every page in order, code whole, nothing folded, links within it."""

import re
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import sync_playwright

from ttsi.records import InputError
from ttsi_book.making.pdf import in_one_page, write_pdf

LONG = "value = " + " + ".join(f"term_{number}" for number in range(60))
NAV = '<nav class="bd-links">{}</nav>'.format(
    "".join(f'<a class="reference internal" href="{page}.html">x</a>' for page in ("explore", "notebooks/01_first"))
)
PAGES = {
    "intro": f"""{NAV}<article class="bd-article"><h1 id="top">Small<a class="headerlink" href="#top">#</a></h1>
        <a href="notebooks/01_first.html#part">first</a> <a href="explore.html">explore</a></article>""",
    "explore": '<article class="bd-article">nothing without scripts</article>',
    "notebooks/01_first": f"""{NAV}<article class="bd-article"><h1 id="top">First</h1><script>hidden()</script>
        <a href="#part">below</a> <a href="../intro.html">back</a>
        <svg viewBox="0 0 9 9"><clipPath id="part"><path d="M0 0h9"/></clipPath><g clip-path="url(#part)"/></svg>
        <details><summary>Show</summary><div class="highlight"><pre>{LONG}</pre></div></details></article>""",
}


@pytest.fixture
def html(tmp_path: Path) -> Path:
    """Pages as the theme makes them, in small."""
    for docname, body in PAGES.items():
        page = tmp_path / "html" / f"{docname}.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        head = f'<title>Small</title><link rel="canonical" href="https://example.org/{docname}.html">'
        page.write_text(f"<html><head>{head}</head><body>{body}</body></html>", encoding="utf-8")
    return tmp_path / "html"


def links_and_ids(text: str) -> tuple[set[str], list[str]]:
    page = BeautifulSoup(text, "html.parser")
    inner = {str(link["href"])[1:] for link in page.select('a[href^="#"]')}
    return inner, [str(element["id"]) for element in page.select("[id]")]


def test_pages_stand_in_order_and_links_stay_within(html: Path) -> None:
    text = in_one_page(html)
    inner, ids = links_and_ids(text)
    assert inner == {"notebooks-01_first--part", "intro"}
    assert inner <= set(ids)
    assert len(ids) == len(set(ids))
    assert text.index("Small</h1>") < text.index("First</h1>")
    assert 'href="https://example.org/explore.html"' in text
    assert "url(#notebooks-01_first--part)" in text
    assert not re.search(r"hidden\(\)|nothing without|<details|<summary|headerlink", text)


def test_a_long_line_of_code_is_printed_whole(html: Path, tmp_path: Path, chromium: str) -> None:
    write_pdf(html, tmp_path / "out" / "book.pdf", chromium)
    pdf = (tmp_path / "out" / "book.pdf").read_bytes()
    assert pdf.startswith(b"%PDF")
    assert len(re.findall(rb"/Type /Page\b", pdf)) == 2
    assert b"/Outlines" in pdf
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium)
        page = browser.new_page(viewport={"width": 670, "height": 900})  # A4 without its margins
        page.emulate_media(media="print")
        page.set_content(in_one_page(html))
        code = page.locator("pre")
        assert code.inner_text() == LONG
        assert code.evaluate("element => element.scrollWidth <= element.clientWidth")
        browser.close()


def test_a_folder_without_a_book_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no book"):
        in_one_page(tmp_path)


@pytest.mark.xdist_group("book")
def test_links_within_the_whole_book_lead_somewhere(smoke_book: Path) -> None:
    inner, ids = links_and_ids(in_one_page(smoke_book / "html"))
    assert inner <= set(ids)
    assert len(ids) == len(set(ids))
