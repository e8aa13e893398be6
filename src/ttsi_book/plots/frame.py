"""What every figure shares: one style, axes of shares, legends, whiskers.

Axes of amounts start at 0 and axes of shares run from 0 to 1; whiskers and bands are 95% intervals, with n stated. A
figure is closed as soon as it is made, so that a notebook that returns it shows it once.
"""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from ttsi.evaluation.statistics import Interval

PALETTE = sns.color_palette("colorblind")
BLUE, ORANGE, GREY = PALETTE[0], PALETTE[1], "0.45"
WIDTH = 7.2
LABEL_BOX = {"facecolor": "white", "edgecolor": "none", "boxstyle": "round,pad=0.15"}
MARGIN_BINS = 20
STYLE = {
    "figure.dpi": 144,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "0.6",
    "grid.color": "0.9",
    "legend.frameon": False,
    "legend.fontsize": "small",
}


def style() -> None:
    """Set the book's look: figures colour-blind-safe, on a white card for light and dark pages; tables uncut."""
    pd.set_option("display.max_colwidth", None)
    sns.set_theme(context="paper", style="whitegrid", palette="colorblind", font_scale=1.1, rc=STYLE)


def percent(interval: Interval) -> str:
    """Return a share and its 95% interval as text: `72.4% (95% interval 66.0% to 78.1%, n = 294)`."""
    return f"{interval.estimate:.1%} (95% interval {interval.low:.1%} to {interval.high:.1%}, n = {interval.n:,})"


def new_figure(*, rows: int = 1, width: float = WIDTH, height: float = 3.6, **grid: Any) -> tuple[Figure, Any]:
    """Make a figure of one or several axes above each other, closed."""
    figure, axes = plt.subplots(
        rows, figsize=(width, height), sharex=rows > 1, layout="constrained", gridspec_kw=grid or None
    )
    plt.close(figure)
    return figure, axes


def share_axis(axes: Axes, label: str) -> None:
    """Let the vertical axis run from 0% to 100%."""
    axes.set(ylim=(0, 1), ylabel=label)
    axes.yaxis.set_major_formatter(PercentFormatter(1))


def legend(figure: Figure, note: str = "", *, columns: int = 2) -> None:
    """Put the legend of the first axes above the figure, under a note."""
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, title=note or None, loc="outside upper left", ncols=columns, alignment="left")


def whiskers(axes: Axes, x: Any, table: pd.DataFrame, names: list[str], colour: Any = "0.25") -> None:
    """Draw the intervals of a table: `names` are its columns of estimate, low and high."""
    estimate, low, high = table[names].to_numpy(dtype=float).T
    reach = np.clip([estimate - low, high - estimate], 0, None)
    axes.errorbar(x, estimate, yerr=reach, fmt="none", ecolor=colour, elinewidth=1, capsize=2.5)


def count(table: pd.DataFrame) -> str:
    """Return the number of samples behind a table, as text: `n = 20 to 40`."""
    n = table["n"].to_numpy(dtype=int)
    return f"n = {n.min():,}" if n.min() == n.max() else f"n = {n.min():,} to {n.max():,}"
