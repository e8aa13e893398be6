"""The page Explore in a browser: it shows what the published rows say, by keyboard, on a phone, and from a file."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from served_pages import MODES, Complaints
from ttsi.data import data_root
from ttsi.evaluation.statistics import proportion_interval
from ttsi.studies.published import margins_of, read_study, replay

MEGABYTES = 3_000_000

pytestmark = pytest.mark.xdist_group("book")


@pytest.fixture(params=MODES)
def page(browser: Browser, address: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The page in one of the modes; whatever a test does with it, it may not complain or grow wider than the window."""
    complaints = Complaints([])
    with browser.new_context(**MODES[request.param]) as context:
        page = context.new_page()
        complaints.watch(page, urlsplit(address).netloc)
        open_page(page, address)
        yield page
        assert not complaints.found
        width = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        assert width[0] <= width[1]


def open_page(page: Page, address: str) -> None:
    page.goto(f"{address}/explore.html", wait_until="networkidle")
    page.locator("html[data-explore=ready]").wait_for()


def choose(page: Page, label: str, option: str) -> None:
    page.get_by_label(label).select_option(label=option)
    page.locator("html[data-explore=ready]").wait_for()


def numbers(page: Page) -> dict[str, str]:
    terms, values = (page.locator(f"#explore-numbers {tag}").all_inner_texts() for tag in ("dt", "dd"))
    return dict(zip(terms, values, strict=True))


def expected(family: str, tau: float, estimator: str) -> dict[str, str]:
    """Return what the page has to show of toolworld's unseen splits, by way of `replay` and of the intervals."""
    rows, base = (
        read_study(data_root() / "results", name).set_index("sample_id", drop=False) for name in (family, "base")
    )
    rows = rows[rows["split"].str.endswith("/unseen")]
    margins = margins_of(base.loc[rows.index])[estimator]
    found = replay(rows.assign(margin=margins), tau=tau)
    before, after, n = found["base_correct"], found["greedy_correct"], len(found)
    share = proportion_interval(int(np.sum(after)), n)
    return {
        "below tau": f"{found['uncertain'].sum()} of {n} ({100 * found['uncertain'].mean():.1f}%)",
        "adapted": f"{found['adapted'].sum()} of {n}",
        "accuracy": f"{100 * share.estimate:.1f}%",
        "95% interval": f"{100 * share.low:.1f}% to {100 * share.high:.1f}%",
        "fixed": str((~before & after).sum()),
        "broken": str((before & ~after).sum()),
    }


def test_the_slider_shows_what_replay_gives(page: Page) -> None:
    slider = page.get_by_label("tau", exact=True)
    slider.focus()
    assert numbers(page).items() >= expected("tt-si", 0.95, "call-probability").items()
    ring = page.locator("#explore-curve .now").get_attribute("cx")
    for _ in range(10):
        page.keyboard.press("ArrowLeft")
    assert numbers(page).items() >= expected("tt-si", 0.85, "call-probability").items()
    assert page.locator("#explore-curve .now").get_attribute("cx") != ring
    expect(page.get_by_role("status").filter(has_text="below tau")).to_contain_text("accuracy")
    page.keyboard.press("Home")
    assert numbers(page)["below tau"].startswith("0 of")
    page.get_by_label("Estimator").select_option("rss-margin")
    choose(page, "Method", "TT-D")
    slider.fill("0.35")
    assert numbers(page).items() >= expected("tt-d", 0.35, "rss-margin").items()


def test_samples_are_filtered_and_opened_by_keyboard(page: Page) -> None:
    page.get_by_label("Outcome").select_option("broken")
    rows = read_study(data_root() / "results", "tt-si")
    rows = rows[rows["split"].str.endswith("/unseen")]
    broken = rows[rows["base_correct"] & ~rows["greedy_correct"]]
    expect(page.locator("#explore-count")).to_have_text(f"{len(broken)} of {len(rows)} samples")
    first = page.locator("#explore-samples summary").first
    page.get_by_label("Text").focus()
    page.keyboard.press("Tab")
    expect(first).to_be_focused()
    page.keyboard.press("Enter")
    card = page.locator("#explore-samples li").first
    expect(card.locator("del").first).to_be_visible()
    expect(card.get_by_text("practice", exact=True)).to_be_visible()
    expect(card.get_by_text("tools on offer", exact=True)).to_be_visible()
    identity = card.locator("dd").first.inner_text()
    assert identity in set(broken["sample_id"])
    page.get_by_label("Text").fill(identity)
    expect(page.locator("#explore-count")).to_have_text(f"1 of {len(rows)} samples")


def test_a_method_without_a_gate_has_no_slider(page: Page) -> None:
    choose(page, "Method", "constrained")
    expect(page.get_by_label("tau", exact=True)).to_be_hidden()
    expect(page.get_by_text("This method does not practise, and has no gate.")).to_be_visible()
    assert "below tau" not in numbers(page)


def test_every_set_and_family_can_be_chosen(browser: Browser, address: str) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        open_page(page, address)
        for title in page.locator("[name=set] option").all_inner_texts():
            choose(page, "Samples", title)
            for label in page.locator("[name=family] option").all_inner_texts():
                choose(page, "Method", label)
                page.locator("#explore-samples summary").first.click()
                page.locator("#explore-samples li dl").first.wait_for()
        assert not errors


def test_the_page_weighs_little_and_opens_from_a_file(browser: Browser, address: str, smoke_book: Path) -> None:
    for start in (address, (smoke_book / "html").as_uri()):
        with browser.new_context() as context:
            page, complaints, weights = context.new_page(), Complaints([]), []
            complaints.watch(page, urlsplit(start).netloc)
            page.on("response", lambda response, weights=weights: weights.append(len(response.body())))
            open_page(page, start)
            expect(page.locator("#explore-samples li").first).to_be_visible()
            assert not complaints.found
            assert sum(weights) < MEGABYTES
