"""Figures of sweeps and of practice: what is drawn is what the tables say."""

from typing import Any

import pandas as pd
import pytest

from ttsi.plots.practice import quality_and_gain
from ttsi.plots.sweeps import setting_sweep


@pytest.fixture
def swept() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "value": [1e-4, 5e-3, 2e-2],
            "estimate": [0.5, 0.75, 0.25],
            "low": [0.4, 0.7, 0.1],
            "high": [0.6, 0.8, 0.4],
            "n": [50, 50, 50],
            "seconds": [1.0, 1.5, 1.25],
            "profile": [False, True, False],
        }
    )


def test_a_sweep_shows_each_value_and_marks_the_profiles_own(swept):
    figure = setting_sweep(swept, setting="learning rate", base=0.6, seconds=0.2)
    above, below = figure.axes
    drawn: list[Any] = list(above.lines)
    lines = {line.get_label(): line.get_ydata() for line in drawn}
    assert list(lines["adapted (n = 50 a point)"]) == [0.5, 0.75, 0.25]
    assert list(lines["the profile's value"]) == [0.75]
    assert list(lines["base, not adapted"]) == [0.6, 0.6]
    assert above.get_ylim() == (0, 1)
    assert below.get_ylim()[0] == 0
    assert [label.get_text() for label in below.get_xticklabels()] == ["0.0001", "0.005", "0.02"]
    assert below.get_xlabel() == "learning rate"


def test_gain_against_quality_has_a_point_for_each_author_and_split():
    points = pd.DataFrame(
        {
            "author": ["self", "self", "teacher", "teacher"],
            "split": ["a", "b", "a", "b"],
            "right": [0.2, 0.4, 0.8, 1.0],
            "estimate": [0.05, -0.02, 0.1, 0.2],
            "low": [0.0, -0.1, 0.05, 0.1],
            "high": [0.1, 0.05, 0.15, 0.3],
            "n": [75, 75, 75, 75],
        }
    )
    (axes,) = quality_and_gain(points).axes
    lines: list[Any] = list(axes.lines)
    drawn = {line.get_label(): (line.get_xdata()[0], line.get_ydata()[0]) for line in lines if "," in line.get_label()}
    assert drawn == {
        "self, a": (0.2, 0.05),
        "self, b": (0.4, -0.02),
        "teacher, a": (0.8, 0.1),
        "teacher, b": (1.0, 0.2),
    }
