"""Figures of the benchmarks: shares of all samples, and numbers that are written beside their bars."""

import matplotlib as mpl
import numpy as np
import pytest

from ttsi_book.plots.frame import style
from ttsi_book.plots.survey import gold_positions, reachable_shares

mpl.use("agg")


@pytest.fixture(autouse=True)
def book_style():
    with mpl.rc_context():
        style()
        yield


def test_positions_are_shares_of_the_samples() -> None:
    figure = gold_positions({"upstream": (8, 1, 1), "shuffled": (3, 4, 3)}, first_by_chance=10 / 3)
    figure.draw_without_rendering()
    (axes,) = figure.axes
    heights = [patch.get_height() for patch in axes.patches]  # pyright: ignore[reportAttributeAccessIssue]
    assert heights == pytest.approx([0.8, 0.1, 0.1, 0.3, 0.4, 0.3])
    assert axes.get_ylim() == (0, 1)
    assert np.asarray(axes.lines[-1].get_ydata()) == pytest.approx([1 / 3, 1 / 3])
    assert "n = 10" in figure.legends[0].get_title().get_text()
    assert figure.legends[0].get_window_extent().x1 <= figure.bbox.x1


def test_numbers_stand_beside_the_bars_and_inside_the_figure() -> None:
    figure = reachable_shares({"sealtool/all": (1349, 1354), "toolalpaca/real": (0, 114)})
    figure.draw_without_rendering()
    (axes,) = figure.axes
    assert [patch.get_width() for patch in axes.patches][2:] == pytest.approx([1349 / 1354, 0])  # pyright: ignore
    assert [text.get_text() for text in axes.texts] == ["99.6% of 1,354", "0.0% of 114"]
    assert all(text.get_window_extent().x1 <= figure.bbox.x1 for text in axes.texts)
    assert axes.get_xlim() == (0, 1)
