"""Figures: how the seconds of an adapted sample depend on the batch, or on the length of what is shared."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from ttsi_book.plots.frame import PALETTE, legend, new_figure, whiskers


def seconds_against(table: pd.DataFrame, *, column: str, label: str) -> Figure:
    """Plot seconds per adapted sample against a column, both axes logarithmic: a line for each way.

    `table` has a row for each point: `way`, `column`, and `estimate`, `low`, `high`, `n` of the mean over repetitions.
    """
    figure, axes = new_figure()
    for colour, (way, rows) in zip(PALETTE, table.groupby("way", sort=False), strict=False):
        rows = rows.sort_values(column)
        axes.plot(rows[column], rows["estimate"], "o-", color=colour, label=str(way))
        whiskers(axes, rows[column], rows, ["estimate", "low", "high"], colour)
    axes.set(xscale="log", yscale="log", xlabel=label, ylabel="seconds per adapted sample")
    places = sorted(table[column].unique())
    axes.set_xticks(places, [f"{place:g}" for place in places])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_minor_locator(LogLocator(subs=(2, 5)))
    for set_formatter in (axes.yaxis.set_major_formatter, axes.yaxis.set_minor_formatter):
        set_formatter("{x:g}")
    legend(figure, f"whiskers: 95% interval over {table['n'].min()} repetitions", columns=3)
    return figure
