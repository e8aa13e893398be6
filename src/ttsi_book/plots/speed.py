"""Figures: how the seconds of an adapted sample depend on the batch, or on the length of what is shared."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from ttsi_book.plots.colours import looks
from ttsi_book.plots.frame import label_lines, legend, new_figure, whiskers


def seconds_against(table: pd.DataFrame, *, column: str, label: str) -> Figure:
    """Plot seconds per adapted sample against a column, both axes logarithmic: a line for each way.

    `table` has a row for each point: `way`, `column`, and `estimate`, `low`, `high`, `n` of the mean over repetitions.
    """
    figure, axes = new_figure()
    ends = []
    for way, look in looks(table["way"]).items():
        rows = table.sort_values(column).query("way == @way")
        axes.plot(rows[column], rows["estimate"], look.marker + look.dash, color=look.colour, label=way)
        whiskers(axes, rows[column], rows, ["estimate", "low", "high"], look.colour)
        ends.append((rows[column].iloc[-1], rows["estimate"].iloc[-1], way, look.colour))
    axes.set(xscale="log", yscale="log", xlabel=f"{label} (logarithmic axis)")
    axes.set_ylabel("seconds per adapted sample (log.)")
    axes.set_ylim(0.8 * table["low"].min(), 1.25 * table["high"].max())
    places = sorted(table[column].unique())
    axes.set_xticks(places, [f"{place:g}" for place in places])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter("{x:g}")
    legend(figure, f"whiskers: 95% interval over {table['n'].min()} repetitions", names=False)
    label_lines(figure, axes, ends)
    return figure
