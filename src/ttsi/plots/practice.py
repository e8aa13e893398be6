"""Figures: practice examples, and what they are worth."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from ttsi.plots.frame import GREY, PALETTE, count, legend, new_figure, whiskers

MARKERS = "osD^vP"


def quality_and_gain(points: pd.DataFrame) -> Figure:
    """Plot the gain in accuracy against the share of practice that is right.

    `points` has a row for each point: `author`, `split`, the share `right`, and the `estimate`, `low`, `high`, `n` of
    the paired difference in accuracy.
    """
    figure, axes = new_figure(height=4.2)
    axes.axhline(0, color=GREY, linewidth=1)
    for (author, of_author), colour in zip(points.groupby("author", sort=False), PALETTE, strict=False):
        whiskers(axes, of_author["right"], of_author, ["estimate", "low", "high"], colour)
        for (split, at), marker in zip(of_author.groupby("split", sort=False), MARKERS, strict=False):
            axes.plot(at["right"], at["estimate"], marker, color=colour, label=f"{author}, {split}", markersize=6)
    axes.set(xlim=(-0.02, 1.02), xlabel="share of written examples that are right", ylabel="gain in accuracy over base")
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    legend(figure, f"whiskers: 95% interval ({count(points)} a point)", columns=3)
    return figure
