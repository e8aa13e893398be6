"""Figures on pages: transparent, in the colours of the theme, with the text for those who do not see them."""

import io
import re
from xml.etree import ElementTree

import matplotlib as mpl
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from ttsi_book.making.figures import themed_svg
from ttsi_book.making.pages import for_pages
from ttsi_book.plots.colours import COLOURS
from ttsi_book.plots.frame import style
from ttsi_book.plots.training import loss_curve


def drawn() -> str:
    with mpl.rc_context():
        style()
        text = io.StringIO()
        losses = pd.DataFrame({"step": [0, 1, 2], "practice": [3.0, 2.0, 1.0]})
        loss_curve(losses, x="step").savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()


@pytest.fixture(scope="module")
def svg() -> str:
    return drawn()


@pytest.fixture(scope="module")
def shown(svg: str) -> str:
    return themed_svg(svg, name="fig-loss", alternative='Loss "falls" & ends.')


def test_a_figure_is_the_same_bytes_each_time(svg: str) -> None:
    assert svg == drawn()


def test_its_text_is_text_in_the_colour_of_the_page(shown: str) -> None:
    texts = [element for element in ElementTree.fromstring(shown).iter() if element.tag.endswith("}text")]
    assert "loss (nats per token)" in [text.text for text in texts]
    assert all("fill: currentColor" in text.get("style", "") for text in texts)


def test_it_has_no_ground_and_no_colour_without_a_theme(svg: str, shown: str) -> None:
    assert 'id="card"' in svg
    assert "card" not in shown
    colours = set(re.findall(r"#[0-9a-f]{6}", re.sub(r"var\([^)]*\)", "", shown)))
    assert not colours
    assert f"var(--plot-grid, {COLOURS['grid']})" in shown


def test_the_alternative_text_survives(shown: str) -> None:
    image = next(iter(ElementTree.fromstring(shown)))
    assert image.attrib["role"] == "img"
    assert image.attrib["aria-label"] == 'Loss "falls" & ends.'
    assert "width" not in image.attrib


def test_it_has_no_style_that_would_be_that_of_the_page(svg: str, shown: str) -> None:
    assert "<style" in svg
    assert "<style" not in shown


def test_ids_are_those_of_the_figure_and_are_all_used(shown: str) -> None:
    ids = re.findall(r' id="([^"]*)"', shown)
    assert ids
    assert len(set(ids)) == len(ids)
    for one in ids:
        assert one.startswith("fig-loss-")
        assert f"#{one}" in shown


@pytest.mark.parametrize("prefix", ["", "application/papermill.record/"])
def test_figures_of_a_chapter_are_inlined_also_those_that_are_glued(svg: str, prefix: str) -> None:
    options = {"image": {"alt": "A line falls."}, "figure": {"name": "fig-loss"}}
    output = new_output("display_data", {f"{prefix}image/svg+xml": svg, f"{prefix}text/plain": "<Figure>"})
    chapter = new_notebook(cells=[new_code_cell("draw()", metadata={"mystnb": options}, outputs=[output])])
    data = for_pages(chapter).cells[0].outputs[0].data
    assert sorted(data) == [f"{prefix}text/html", f"{prefix}text/plain"]
    assert 'aria-label="A line falls."' in data[f"{prefix}text/html"]
