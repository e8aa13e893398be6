"""Figures of sweeps and of practice: what is drawn is what the tables say."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb

from ttsi_book.plots.practice import MARKERS, quality_and_gain
from ttsi_book.plots.stacked import example_verdicts
from ttsi_book.plots.sweeps import setting_sweep


def drawn(axes: Axes) -> dict[str, list[list[float]]]:
    """Return the points of each line by its label."""
    return {str(line.get_label()): np.asarray(line.get_xydata()).tolist() for line in axes.lines}


@pytest.fixture
def swept() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "value": [1e-4, 5e-3, 2e-2],
            "estimate": [0.5, 0.75, 0.25],
            "low": [0.4, 0.7, 0.1],
            "high": [0.6, 0.8, 0.4],
            "n": [50, 50, 50],
            "profile": [False, True, False],
        }
    )


def test_a_sweep_shows_each_value_and_marks_the_profiles_own(swept):
    figure = setting_sweep(swept, setting="learning rate", base=0.6)
    (axes,) = figure.axes
    lines = drawn(axes)
    assert lines["adapted (n = 50 a point)"] == [[1e-4, 0.5], [5e-3, 0.75], [2e-2, 0.25]]
    assert lines["the profile's value"] == [[5e-3, 0.75]]
    assert [y for _, y in lines["base, not adapted"]] == [0.6, 0.6]
    assert axes.get_ylim() == pytest.approx((0.044, 0.856))
    assert axes.get_xscale() == "log"
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0.0001", "0.005", "0.02"]
    assert axes.get_xlabel() == "learning rate (logarithmic axis)"


def test_gain_against_quality_has_a_point_for_each_author_and_split():
    points = pd.DataFrame(
        {
            "author": ["self", "self", "teacher", "teacher", "teacher"],
            "split": ["single/unseen", "typed/unseen", "single/unseen", "typed/unseen", "single/seen"],
            "right": [0.2, 0.4, 1.0, 1.0, 0.9],
            "estimate": [0.05, -0.02, 0.1, 0.2, -0.3],
            "low": [0.0, -0.1, 0.05, 0.1, -0.4],
            "high": [0.1, 0.05, 0.15, 0.3, -0.2],
            "n": [75, 75, 75, 75, 30],
        }
    )
    figure = quality_and_gain(points)
    unseen, seen = (
        [
            (line.get_marker(), to_rgb(line.get_color()), *np.asarray(line.get_xydata())[0].round(3).tolist())
            for line in axes.lines
            if str(line.get_marker()) in MARKERS and len(np.asarray(line.get_xdata())) == 1
        ]
        for axes in figure.axes
    )
    assert [point[2:] for point in unseen] == [(0.2, 0.05), (0.4, -0.02), (0.992, 0.1), (1.008, 0.2)], "side by side"
    assert [point[2:] for point in seen] == [(0.9, -0.3)]
    assert len({point[:2] for point in unseen}) == 4, "an author has a colour, a kind a marker"
    limits = np.array([axes.get_ylim() for axes in figure.axes])
    assert limits == pytest.approx(np.array([[-0.456, 0.356]] * 2)), "both panels on one scale"
    (legend,) = figure.legends
    shown = [text.get_text() for text in legend.get_texts()]
    assert shown == ["written by self", "written by teacher", "single", "typed"]
    assert legend.get_title().get_text() == "whiskers: 95% interval (n = 30 to 75 a point)"


def test_a_part_too_narrow_for_its_number_has_none():
    counts = pd.DataFrame({"valid": [970, 500], "not an example": [30, 500]}, index=["self", "teacher"])
    (axes,) = example_verdicts(counts, rows="author").axes
    assert [text.get_text() for text in axes.texts] == ["970", "500", "500"]
    assert axes.get_ylabel() == "author"
