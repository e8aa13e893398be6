"""Figures: what practice examples become, and where seconds go."""

import textwrap
from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ttsi_book.plots.colours import DASHES, PAPER, looks
from ttsi_book.plots.frame import legend, new_figure

LABEL_WIDTH = 24
"""Characters in a line of a bar's name."""


def example_verdicts(counts: pd.DataFrame, *, rows: str = "way to ask") -> Figure:
    """Stack the counts of what became of practice examples: a bar for each of `rows`, a column for each verdict."""
    figure, axes = stacked_bars(counts, lambda count: f"{count:.0f}")
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
    """Draw a horizontal bar for each row of `table`, stacked from those of its columns that hold anything.

    `text` says what to write on a part that has room for it.
    """
    table = table.loc[:, (table != 0).any()]
    figure, axes = new_figure(height=1.6 + 0.36 * len(table))
    places, start = range(len(table)), np.zeros(len(table))
    for column, look in looks(table.columns).items():
        strength = 1 if look.dash == DASHES[0] else 0.55  # a second part of one colour is fainter
        style = {"color": look.colour, "alpha": strength, "edgecolor": PAPER, "linewidth": 0.8, "label": column}
        bars = axes.barh(places, table[column], left=start, **style)
        axes.bar_label(bars, fmt=text, label_type="center", color=PAPER)
        start += table[column].to_numpy()
    axes.set_yticks(places, [textwrap.fill(str(name), LABEL_WIDTH) for name in table.index])
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.set_xlim(left=0)
    legend(figure)
    _leave_out_wide(figure, axes)
    return figure, axes


def _leave_out_wide(figure: Figure, axes: Axes) -> None:
    """Take away the numbers that are wider than their part of a bar."""
    figure.draw_without_rendering()  # lays the axes out
    for text, bar in zip(list(axes.texts), axes.patches, strict=True):
        if text.get_window_extent().width > bar.get_window_extent().width - 2:
            text.remove()
