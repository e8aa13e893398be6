"""The built book in a browser: light, dark and on a phone: no error, no word to another host, no rule broken."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import axe_playwright_python
import pytest
from playwright.sync_api import Browser, Page

from served_pages import MODES, Complaints
from test_book_pages import CHAPTERS, ROOT, STATIC_PAGES

TEXT_OF_FIGURES = """() => [...document.querySelectorAll('.plot svg text')].map(text => {
    const scale = text.getScreenCTM(), style = getComputedStyle(text);
    return [parseFloat(style.fontSize) * Math.hypot(scale.a, scale.b), style.fill];
})"""
GROUNDS = """() => [...document.querySelectorAll('.cell_output .text_html')].map(
    output => getComputedStyle(output).backgroundColor)"""
WITH_FIGURES = [name for name in CHAPTERS if "mystnb=" in (ROOT / f"{name}.py").read_text(encoding="utf-8")]

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
OF_THE_THEME = {
    "region": "the logo above the contents stands outside of its landmarks",
    "aria-allowed-role": "docutils gives entries of the bibliography the role doc-biblioentry on a div",
    "aria-deprecated-role": "the same",
    "aria-required-children": "the same, in a list whose items they are not",
}
"""Rules that only markup of the theme and of docutils breaks, and what breaks them."""

PARTS_OF_THE_THEME = [".search-button__default-text"]
"""Greyed on its own ground by the theme."""

COLOURS = ["color-contrast"]
"""Takes most of the time, and finds the same on a phone: it is checked wide, light and dark."""
RULES = {"light": {}, "dark": {"only": COLOURS}, "phone": {"without": COLOURS}}
"""What is checked of a page in each mode; only colours differ between light and dark."""

CHECK = """async ([excluded, rules, only]) => {
    const options = only ? {runOnly: {type: 'rule', values: only}}
        : {rules: Object.fromEntries(rules.map(name => [name, {enabled: false}]))};
    const found = await axe.run({exclude: excluded}, {resultTypes: ['violations'], ...options});
    return found.violations.flatMap(one => one.nodes.map(node => `${one.id}: ${node.target.join(' ')}`));
}"""

pytestmark = pytest.mark.xdist_group("book")


@pytest.fixture(scope="module")
def opened(browser: Browser, address: str, request: pytest.FixtureRequest) -> Iterator[tuple[Page, str, list[str]]]:
    """A page in a mode, opened once for all its tests: the page, the mode, and what it did that it should not."""
    docname, mode = request.param
    complaints = Complaints([])
    with browser.new_context(**MODES[mode]) as context:
        page = context.new_page()
        complaints.watch(page, urlsplit(address).netloc)
        page.goto(f"{address}/{docname}.html", wait_until="networkidle")
        # The theme's script may still be at it.
        wanted = "dark" if mode == "dark" else "light"
        page.wait_for_function("wanted => document.documentElement.dataset.theme === wanted", arg=wanted)
        yield page, mode, complaints.found


def in_every_mode(docnames: Sequence[str]) -> pytest.MarkDecorator:
    pages = [pytest.param((name, mode), id=f"{name}-{mode}") for name in docnames for mode in MODES]
    return pytest.mark.parametrize("opened", pages, indirect=True)


def violations(page: Page, *, only: Sequence[str] = (), without: Sequence[str] = ()) -> list[str]:
    """Return what a page breaks of all rules, of some only, or of all without some."""
    return page.evaluate(CHECK, [PARTS_OF_THE_THEME, [*OF_THE_THEME, *without], [*only] or None])


@in_every_mode([*STATIC_PAGES, *CHAPTERS, "search"])
def test_opens_without_complaint(opened: tuple[Page, str, list[str]]) -> None:
    page, _, complaints = opened
    assert not complaints
    width = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert width[0] <= width[1], f"the page is {width[0]} px wide in a window of {width[1]} px"


@in_every_mode(WITH_FIGURES)
def test_figures_are_legible_and_in_the_colours_of_the_page(opened: tuple[Page, str, list[str]]) -> None:
    page, mode, _ = opened
    texts = page.evaluate(TEXT_OF_FIGURES)
    assert texts
    assert min(size for size, _ in texts) >= 10
    ink = page.evaluate("getComputedStyle(document.querySelector('.plot')).color")
    assert ink in {colour for _, colour in texts}
    light = sum(int(part) for part in re.findall(r"\d+", ink)[:3]) > 384
    assert light == (mode == "dark")
    assert set(page.evaluate(GROUNDS)) == {"rgba(0, 0, 0, 0)"}


@in_every_mode([*STATIC_PAGES, *CHAPTERS, "search"])
def test_breaks_no_rule(opened: tuple[Page, str, list[str]]) -> None:
    page, mode, _ = opened
    page.evaluate(AXE)
    assert violations(page, **RULES[mode]) == []


def test_a_violation_is_found(browser: Browser, address: str) -> None:
    with browser.new_context() as opened:
        page = opened.new_page()
        page.goto(f"{address}/glossary.html", wait_until="load")
        page.evaluate("""document.querySelector('article').insertAdjacentHTML('beforeend',
            '<img src="" id="mute"><p id="pale" style="color: #ddd; background: #fff">pale</p>')""")
        page.evaluate(AXE)
        found = violations(page)
        assert "image-alt: #mute" in found
        assert "color-contrast: #pale" in found


def test_tables_keep_their_first_column_on_a_phone(browser: Browser, address: str) -> None:
    with browser.new_context(**MODES["phone"]) as context:
        page = context.new_page()
        page.goto(f"{address}/notebooks/06_results.html", wait_until="networkidle")
        places = page.evaluate("""() => {
            const boxes = [...document.querySelectorAll('.table-box')];
            const box = boxes.find(box => box.scrollWidth > box.clientWidth + 20);
            box.scrollLeft = 1000;
            const left = cell => cell.getBoundingClientRect().left - box.getBoundingClientRect().left;
            const cells = box.querySelector('tbody tr').children;
            return [left(cells[0]), left(cells[1])];
        }""")
        assert places[0] == 0
        assert places[1] < places[0] + 20, "the second column lies under the first"


def test_numbers_stand_under_each_other(browser: Browser, address: str) -> None:
    with browser.new_context(**MODES["light"]) as context:
        page = context.new_page()
        page.goto(f"{address}/notebooks/06_results.html", wait_until="networkidle")
        ends = page.evaluate("""() => [...document.querySelectorAll('.table-box table')].map(table =>
            [...table.querySelectorAll('tr')].map(row => row.lastElementChild).filter(cell => cell.matches('.number'))
                .map(cell => [getComputedStyle(cell).textAlign, getComputedStyle(cell).whiteSpace]))
            .flat()""")
        assert ends
        assert {tuple(one) for one in ends} == {("right", "nowrap")}


def test_formulas_are_set(browser: Browser, address: str, smoke_book: Path) -> None:
    with_formula = [name for name in CHAPTERS if 'class="math' in (smoke_book / f"html/{name}.html").read_text()]
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{address}/{with_formula[0]}.html", wait_until="networkidle")
        assert page.locator("mjx-container svg").count() > 0


def test_search_finds_a_page(browser: Browser, address: str) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{address}/search.html?q=agent", wait_until="networkidle")
        page.locator("#search-results li a").first.wait_for()
