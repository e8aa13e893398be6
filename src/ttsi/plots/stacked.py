"""Figures: what practice examples become, and where seconds go."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ttsi.plots.colours import PAPER, looks
from ttsi.plots.frame import legend, new_figure

NARROW = 0.07
"""Share of the longest bar below which a part is too narrow for its number."""

ON_BAR = {"facecolor": PAPER, "edgecolor": "none", "boxstyle": "round,pad=0.15"}


def example_verdicts(counts: pd.DataFrame, *, rows: str = "way to ask") -> Figure:
    """Stack the counts of what became of practice examples: a bar for each of `rows`, a column for each verdict."""
    wide = NARROW * counts.sum(axis="columns").max()
    figure, axes = stacked_bars(counts, lambda count: f"{count:.0f}" if count > wide else "")
    axes.set(xlabel="practice examples written", ylabel=rows)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    return figure


def stage_seconds(seconds: pd.DataFrame) -> Figure:
    """Stack the mean seconds that a sample spends: a row for each method, a column for each stage of the loop."""
    figure, axes = stacked_bars(seconds, lambda _: "")
    totals = seconds.sum(axis="columns")
    for row, total in enumerate(totals):
        axes.annotate(f"{total:.3g} s", (total, row), (4, 0), textcoords="offset points", va="center")
    axes.set(xlabel="seconds per sample (mean wall-clock time)", ylabel="method", xlim=(0, 1.22 * totals.max()))
    axes.xaxis.set_major_locator(MaxNLocator(5))
    return figure


def stacked_bars(table: pd.DataFrame, text: Callable[[float], str]) -> tuple[Figure, Axes]:
    """Draw a horizontal bar for each row of `table`, stacked from those of its columns that hold anything."""
    table = table.loc[:, (table != 0).any()]
    figure, axes = new_figure(height=1.6 + 0.36 * len(table))
    places, start = range(len(table)), np.zeros(len(table))
    for column, look in looks(table.columns).items():
        style = {"color": look.colour, "edgecolor": PAPER, "linewidth": 0.8, "label": column}
        bars = axes.barh(places, table[column], left=start, **style)
        axes.bar_label(bars, fmt=text, label_type="center", bbox=ON_BAR)
        start += table[column].to_numpy()
    axes.set_yticks(places, [str(name) for name in table.index])
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.set_xlim(left=0)
    legend(figure)
    return figure, axes
