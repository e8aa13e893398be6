"""The built book in a browser: light, dark and on a phone, without an error and without a word to another host."""

import functools
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

from test_book_pages import CHAPTERS, STATIC_PAGES

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
MODES: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 900}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 900}},
    "phone": {"color_scheme": "light", "viewport": {"width": 390, "height": 844}, "has_touch": True},
}

pytestmark = pytest.mark.xdist_group("book")


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


@pytest.fixture(scope="module")
def address(smoke_book: Path) -> Iterator[str]:
    handler = functools.partial(QuietHandler, directory=str(smoke_book / "html"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=QUIET)
        yield browser
        browser.close()


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
        assert page.evaluate("document.documentElement.dataset.theme") == ("dark" if mode == "dark" else "light")
        width = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        assert width[0] <= width[1], f"the page is {width[0]} px wide in a window of {width[1]} px"


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
