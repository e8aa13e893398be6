"""Names beside the points of a scatter plot, where they hide neither points nor each other."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.transforms import Bbox

SIDES = (("left", "center", 8, 0), ("right", "center", -8, 0), ("left", "bottom", 5, 5), ("left", "top", 5, -5))
SIDES += (("right", "bottom", -5, 5), ("right", "top", -5, -5), ("center", "bottom", 0, 9), ("center", "top", 0, -9))
REACH = 5.0
"""Half the width of a point, in points of text."""


def label_points(axes: Axes, points: np.ndarray, names: Mapping[int, str]) -> None:
    """Write the names of some points, by their row in `points` (x and y in data units), each at the first free side.

    The axes must have their limits. Where every side hides something, the one that hides least is taken.
    """
    figure = axes.get_figure(root=True)
    figure.draw_without_rendering()  # lays the axes out
    scale = figure.dpi / 72
    places = axes.transData.transform(points)
    taken = [Bbox.from_extents(*(place - REACH * scale), *(place + REACH * scale)) for place in places]
    for row, name in names.items():
        tried = []
        for ha, va, right, up in SIDES:
            text = axes.annotate(name, points[row], (right, up), textcoords="offset points", ha=ha, va=va)
            box = text.get_window_extent()
            hidden = sum(_shared(box, other) for other in taken) + box.width * box.height - _shared(box, axes.bbox)
            tried.append((hidden, len(tried), text, box))
        best = min(tried, key=lambda one: one[:2])
        for one in tried:
            if one is not best:
                one[2].remove()
        taken.append(best[3])


def _shared(one: Bbox, other: Bbox) -> float:
    both = Bbox.intersection(one, other)
    return both.width * both.height if both is not None else 0.0
