"""What the tests of the built book share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from served_pages import QUIET, served


@pytest.fixture(scope="module")
def address(smoke_book: Path) -> Iterator[str]:
    with served(smoke_book / "html") as address:
        yield address


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=QUIET)
        yield browser
        browser.close()
