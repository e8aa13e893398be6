"""The built book in a browser: light, dark and on a phone, without an error and without a word to another host."""

import functools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request

from test_book_pages import CHAPTERS, ROOT, STATIC_PAGES

MODES: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 900}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 900}},
    "phone": {"color_scheme": "light", "viewport": {"width": 390, "height": 844}, "has_touch": True},
}

pytestmark = pytest.mark.xdist_group("book")


@dataclass
class Complaints:
    """What a page did that it should not: errors, failed requests, requests to other hosts."""

    found: list[str]

    def watch(self, page: Page, host: str) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.found.append(f"error: {error}"))
        page.on("requestfailed", lambda request: self.found.append(f"failed: {request.url}"))
        page.on("request", functools.partial(self._request, host))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.found.append(f"console {message.type}: {message.text}")

    def _request(self, host: str, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme != "data" and parts.netloc != host:
            self.found.append(f"request to {request.url}")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("docname", [*STATIC_PAGES, *CHAPTERS, "search"])
def test_opens_without_complaint(browser: Browser, address: str, docname: str, mode: str) -> None:
    complaints = Complaints([])
    with browser.new_context(**MODES[mode]) as context:
        page = context.new_page()
        complaints.watch(page, urlsplit(address).netloc)
        page.goto(f"{address}/{docname}.html", wait_until="networkidle")
        assert not complaints.found
        # The theme's script may still be at it.
        wanted = "dark" if mode == "dark" else "light"
        page.wait_for_function("wanted => document.documentElement.dataset.theme === wanted", arg=wanted)
        width = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        assert width[0] <= width[1], f"the page is {width[0]} px wide in a window of {width[1]} px"


TEXT_OF_FIGURES = """() => [...document.querySelectorAll('.plot svg text')].map(text => {
    const scale = text.getScreenCTM(), style = getComputedStyle(text);
    return [parseFloat(style.fontSize) * Math.hypot(scale.a, scale.b), style.fill];
})"""
GROUNDS = """() => [...document.querySelectorAll('.cell_output .text_html')].map(
    output => getComputedStyle(output).backgroundColor)"""
WITH_FIGURES = [name for name in CHAPTERS if "mystnb=" in (ROOT / f"{name}.py").read_text(encoding="utf-8")]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("docname", WITH_FIGURES)
def test_figures_are_legible_and_in_the_colours_of_the_page(
    browser: Browser, address: str, docname: str, mode: str
) -> None:
    with browser.new_context(**MODES[mode]) as context:
        page = context.new_page()
        page.goto(f"{address}/{docname}.html", wait_until="networkidle")
        texts = page.evaluate(TEXT_OF_FIGURES)
        assert texts
        assert min(size for size, _ in texts) >= 10
        ink = page.evaluate("getComputedStyle(document.querySelector('.plot')).color")
        assert ink in {colour for _, colour in texts}
        light = sum(int(part) for part in re.findall(r"\d+", ink)[:3]) > 384
        assert light == (mode == "dark")
        grounds = (
            "[...document.querySelectorAll('.cell_output .text_html')].map(e => getComputedStyle(e).backgroundColor)"
        )
        assert set(page.evaluate(grounds)) == {"rgba(0, 0, 0, 0)"}


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
