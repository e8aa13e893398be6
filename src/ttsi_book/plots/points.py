"""Names beside the points of a scatter plot, where they hide neither points nor each other."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

SIDES = (("left", "center", 8, 0), ("right", "center", -8, 0), ("left", "bottom", 5, 5), ("left", "top", 5, -5))
SIDES += (("right", "bottom", -5, 5), ("right", "top", -5, -5), ("center", "bottom", 0, 9), ("center", "top", 0, -9))
REACH = 5.0
"""Half the width of a point, in points of text."""


def label_points(figure: Figure, axes: Axes, names: Mapping[Any, str], table: pd.DataFrame, *, x: str, y: str) -> None:
    """Write the names of some points beside them, each at the side where it hides least.

    The axes must have their limits. `table` has a row for each point, with the columns `x` and `y` and those of their
    intervals: `x_low`, `x_high`, …; `names` are by its rows.
    """
    figure.draw_without_rendering()  # lays the axes out
    taken = [box for row in table.to_dict("records") for box in _boxes(axes, row, x, y, figure.dpi)]
    for row, name in names.items():
        place, tried = table.loc[row, [x, y]].tolist(), []
        for ha, va, right, up in SIDES:
            text = axes.annotate(name, place, (right, up), textcoords="offset points", ha=ha, va=va)
            box = text.get_window_extent()
            outside = box.width * box.height - _shared(box, axes.bbox)
            tried.append((sum(_shared(box, other) for other in taken) + outside, len(tried), text, box))
        _, best, _, box = min(tried, key=lambda one: one[:2])
        for _, index, text, _ in tried:
            if index != best:
                text.remove()
        taken.append(box)


def _boxes(axes: Axes, row: dict[Any, Any], x: str, y: str, dpi: float) -> list[Bbox]:
    """Return what a point and its two whiskers cover, in pixels."""
    reach = REACH * dpi / 72
    ends = ((x, y), (f"{x}_low", y), (f"{x}_high", y), (x, f"{y}_low"), (x, f"{y}_high"))
    point, left, right, low, high = (axes.transData.transform((row[a], row[b])) for a, b in ends)
    return [Bbox([point - reach, point + reach]), Bbox([left - 1, right + 1]), Bbox([low - 1, high + 1])]


def _shared(one: Bbox, other: Bbox) -> float:
    both = Bbox.intersection(one, other)
    return both.width * both.height if both is not None else 0.0
