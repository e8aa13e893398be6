"""Every page by axe-core, wide and narrow, light and dark: no violation that is ours."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest
from playwright.sync_api import Browser, Page

from test_book_pages import CHAPTERS, STATIC_PAGES

pytestmark = pytest.mark.xdist_group("book")

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
SIZES = {"wide": (1280, 900), "phone": (390, 844)}
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
"""Takes most of the time, and finds the same at both sizes: it is checked at one of them, light and dark."""

CHECK = """async ([excluded, rules, only]) => {
    const options = only ? {runOnly: {type: 'rule', values: only}}
        : {rules: Object.fromEntries(rules.map(name => [name, {enabled: false}]))};
    const found = await axe.run({exclude: excluded}, {resultTypes: ['violations'], ...options});
    return found.violations.flatMap(one => one.nodes.map(node => `${one.id}: ${node.target.join(' ')}`));
}"""


def violations(page: Page, *, only: Sequence[str] = (), without: Sequence[str] = ()) -> list[str]:
    """Return what a page breaks of all rules, of some only, or of all without some."""
    return page.evaluate(CHECK, [PARTS_OF_THE_THEME, [*OF_THE_THEME, *without], [*only] or None])


def with_axe(page: Page, address: str) -> Page:
    page.goto(address, wait_until="load")
    page.evaluate(AXE)
    return page


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("docname", [*STATIC_PAGES, *CHAPTERS, "search"])
def test_breaks_no_rule(browser: Browser, address: str, docname: str, size: str) -> None:
    width, height = SIZES[size]
    context: dict[str, Any] = {"color_scheme": "light", "viewport": {"width": width, "height": height}}
    with browser.new_context(**context) as opened:
        page = with_axe(opened.new_page(), f"{address}/{docname}.html")
        assert violations(page, without=COLOURS if size == "phone" else ()) == []
        if size == "wide":
            page.evaluate("document.documentElement.dataset.theme = 'dark'")
            assert violations(page, only=COLOURS) == []


def test_a_violation_is_found(browser: Browser, address: str) -> None:
    with browser.new_context() as opened:
        page = with_axe(opened.new_page(), f"{address}/glossary.html")
        page.evaluate("""document.querySelector('article').insertAdjacentHTML('beforeend',
            '<img src="" id="mute"><p id="pale" style="color: #ddd; background: #fff">pale</p>')""")
        found = violations(page)
        assert "image-alt: #mute" in found
        assert "color-contrast: #pale" in found
