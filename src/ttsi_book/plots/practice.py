"""Figures: practice examples, and what they are worth."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from ttsi_book.plots.colours import GREY, INK, looks
from ttsi_book.plots.frame import close_up, count, in_points, legend, new_figure, whiskers

MARKERS = "osD^"
SIDE_BY_SIDE = 0.016
"""Distance of points that would lie on each other, a share."""


def quality_and_gain(points: pd.DataFrame) -> Figure:
    """Plot the gain over base against the share of practice that is right: unseen tools above, seen ones below.

    `points` has a row for each point: `author`, `split` (`kind/tools`), the share `right`, and the `estimate`, `low`,
    `high`, `n` of the paired difference in accuracy. Points with the same share stand side by side.
    """
    figure, (above, below) = new_figure(rows=2, height=6.2)
    points = points.assign(kind=points["split"].str.split("/").str[0], tools=points["split"].str.split("/").str[1])
    colours = {author: look.colour for author, look in looks(points["author"]).items()}
    markers = dict(zip(points["kind"].unique(), MARKERS, strict=False))
    for author, colour in colours.items():
        above.plot([], [], "o", color=colour, label=f"written by {author}")
    for kind, marker in markers.items():
        above.plot([], [], marker, color=INK, label=str(kind))
    for axes, tools in ((above, "unseen"), (below, "seen")):
        _points(axes, points.query("tools == @tools"), colours, markers)
        ends = close_up(min([*points["low"], 0]), max([*points["high"], 0]), ends=(-1, 1))
        axes.set(ylim=ends, ylabel=f"gain, {tools} (points)")
        in_points(axes.yaxis)
    below.set(xlim=(min(0.9 * points["right"].min(), 0.9), 1.03), xlabel="share of written examples that are right")
    below.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    legend(figure, f"whiskers: 95% interval ({count(points)} a point)")
    return figure


def _points(axes: Axes, points: pd.DataFrame, colours: dict, markers: dict) -> None:
    axes.axhline(0, color=GREY, linewidth=1)
    shares = points["right"].round(2)
    _, group, sizes = np.unique(shares, return_inverse=True, return_counts=True)
    side = SIDE_BY_SIDE * (shares.groupby(shares).cumcount() - (sizes[group] - 1) / 2)
    for x, (_, point) in zip(points["right"] + side, points.iterrows(), strict=True):
        colour = colours[point["author"]]
        whiskers(axes, np.array([x]), point.to_frame().T, ["estimate", "low", "high"], colour)
        axes.plot(x, point["estimate"], markers[point["kind"]], color=colour, markersize=6, clip_on=False)
