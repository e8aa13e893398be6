"""Figures of costs: axes that start at 0, points and lines where the tables say, legends that fit."""

from collections.abc import Callable

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure

from ttsi.evaluation.costs import Serving, crossing, crossing_interval
from ttsi.evaluation.statistics import Interval
from ttsi_book.plots.colours import PAPER
from ttsi_book.plots.costs import cost_frontier, crossings_by_training_time, total_seconds
from ttsi_book.plots.frame import style

mpl.use("agg")

POINTS = pd.DataFrame(
    [
        {"method": method, "answers": answers, "seconds": seconds, "accuracy": accuracy, "n": 200, "timed": 20}
        for method, answers, seconds, accuracy in (
            ("base", "direct", 0.2, 0.7),
            ("base", "majority vote", 0.3, 0.65),
            ("base", "pass@5", 0.3, 0.9),
            ("TT-SI", "direct", 0.6, 0.8),
        )
    ]
)
for name in ("seconds", "accuracy"):
    POINTS = POINTS.assign(**{f"{name}_low": 0.9 * POINTS[name], f"{name}_high": 1.1 * POINTS[name]})
LINES = {
    "SFT": Serving.ungated(np.array([0.2, 0.3]), once=20),
    "TT-SI": Serving(np.array([0.4, 0.5]), np.array([1.0, 1.6]), np.array([True, False])),
    "base": Serving.ungated(np.array([0.2, 0.3])),
}
CROSSINGS = {"TT-SI": crossing_interval(LINES["SFT"], LINES["TT-SI"])}
HOURS = np.linspace(0, 2, 5)
BY_HOURS = {"TT-SI": np.array([crossing(Serving.ungated([0.25], once=3600 * h), LINES["TT-SI"]) for h in HOURS])}
FIGURES: dict[str, Callable[[], Figure]] = {
    "frontier": lambda: cost_frontier(POINTS, bound="pass@5"),
    "totals": lambda: total_seconds(LINES, CROSSINGS, samples=100),
    "training time": lambda: crossings_by_training_time(HOURS, BY_HOURS, tested=294),
}


@pytest.fixture(autouse=True)
def book_style():
    with mpl.rc_context():
        style()
        yield


@pytest.mark.parametrize("name", FIGURES)
def test_axes_start_at_zero_and_are_labelled(name: str) -> None:
    figure = FIGURES[name]()
    figure.draw_without_rendering()
    (axes,) = figure.axes
    assert axes.get_xlim()[0] == 0
    assert name == "frontier" or axes.get_ylim()[0] == 0, "accuracies are dots, the rest amounts"
    assert axes.get_xlabel()
    assert axes.get_ylabel()
    assert figure.legends[0].get_window_extent().x1 <= figure.bbox.x1
    assert plt.get_fignums() == []


def test_the_bound_is_hollow_and_off_the_line() -> None:
    (axes,) = cost_frontier(POINTS, bound="pass@5").axes
    points = [item.lines[0] for item in axes.containers if isinstance(item, ErrorbarContainer)]
    assert [(line.get_xdata()[0], line.get_ydata()[0]) for line in points] == [  # pyright: ignore
        *zip(POINTS["seconds"], POINTS["accuracy"], strict=True)
    ]
    assert [line.get_markerfacecolor() == PAPER for line in points] == [False, False, True, False]
    assert list(map(float, np.asarray(axes.lines[0].get_ydata()))) == [0.7, 0.8, 0.8]


def test_both_numbers_of_samples_are_stated() -> None:
    (legend,) = cost_frontier(POINTS, bound="pass@5").legends
    assert "accuracy: n = 200; seconds: n = 20" in legend.get_title().get_text()


def test_points_are_named_and_no_name_hides_another() -> None:
    figure = cost_frontier(POINTS, bound="pass@5")
    figure.draw_without_rendering()
    names = figure.axes[0].texts
    assert [text.get_text() for text in names] == ["base", "TT-SI"]
    assert not names[0].get_window_extent().overlaps(names[1].get_window_extent())


def test_totals_cross_where_the_mark_is() -> None:
    (axes,) = total_seconds(LINES, CROSSINGS, samples=100).axes
    mark = axes.lines[-2]
    assert float(np.asarray(mark.get_xdata())[0]) == pytest.approx(crossing(LINES["SFT"], LINES["TT-SI"]))
    assert float(np.asarray(mark.get_ydata())[0]) == pytest.approx(float(LINES["SFT"].total(mark.get_xdata())[0]))


@pytest.mark.parametrize(("crossed", "marks"), [((300, 200, 400), 0), ((50, 20, np.inf), 2), ((np.inf,) * 3, 0)])
def test_only_a_crossing_on_the_axis_is_marked(crossed: tuple[float, float, float], marks: int) -> None:
    figure = total_seconds(LINES, {"TT-SI": Interval(*crossed, n=2)}, samples=100)
    figure.draw_without_rendering()
    assert len(figure.axes[0].lines) == len(LINES) + marks
    assert figure.axes[0].get_xlim() == (0, 100)


def test_the_crossing_grows_with_training_time() -> None:
    (axes,) = crossings_by_training_time(HOURS, BY_HOURS, tested=294).axes
    assert np.asarray(axes.lines[0].get_ydata()) == pytest.approx(BY_HOURS["TT-SI"])
    assert list(axes.lines[1].get_ydata()) == [294, 294]  # pyright: ignore
