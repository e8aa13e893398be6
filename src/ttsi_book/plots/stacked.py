"""Figures: what practice examples become, and where seconds go."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ttsi_book.plots.frame import LABEL_BOX, PALETTE, legend, new_figure

NARROW = 0.035
"""Share of the longest bar below which a part is too narrow for its number."""


def example_verdicts(counts: pd.DataFrame, *, rows: str = "way to ask") -> Figure:
    """Stack the counts of what became of practice examples: a bar for each of `rows`, a column for each verdict."""
    wide = NARROW * counts.sum(axis="columns").max()
    figure, axes = stacked_bars(counts, lambda count: f"{count:.0f}" if count > wide else "")
    axes.set(xlabel="practice examples written", ylabel=rows)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


def stage_seconds(seconds: pd.DataFrame) -> Figure:
    """Stack the mean seconds that a sample spends: a row for each method, a column for each stage of the loop."""
    figure, axes = stacked_bars(seconds, lambda _: "")
    for row, total in enumerate(seconds.sum(axis="columns")):
        axes.text(total, row, f" {total:.3g} s", va="center", fontsize="small")
    axes.set(xlabel="seconds per sample (mean wall-clock time)", ylabel="method")
    axes.margins(x=0.12)
    axes.set_xlim(left=0)
    return figure


def stacked_bars(table: pd.DataFrame, text: Callable[[float], str]) -> tuple[Figure, Axes]:
    """Draw a horizontal bar for each row of `table`, stacked from its columns in their order."""
    figure, axes = new_figure(height=1.5 + 0.45 * len(table))
    places, start = range(len(table)), np.zeros(len(table))
    for index, column in enumerate(table.columns):
        bars = axes.barh(places, table[column], left=start, color=PALETTE[index], label=column)
        axes.bar_label(bars, fmt=text, label_type="center", fontsize="small", bbox=LABEL_BOX)
        start += table[column].to_numpy()
    axes.set_yticks(places, [str(name) for name in table.index])
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.set_xlim(left=0)
    legend(figure, columns=3)
    return figure, axes
