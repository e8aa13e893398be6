"""What every figure shares: one style, axes of shares, legends and direct labels, whiskers.

A figure is as wide as a phone can show with text that is still legible. Bars of amounts start at 0; dots with
intervals have an axis that shows their differences. Whiskers and bands are 95% intervals, with n stated. A figure is
closed as soon as it is made, so that a notebook that returns it shows it once.
"""

import textwrap
import warnings
from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.textpath import TextPath
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter
from matplotlib_inline.config import InlineBackend

from ttsi.evaluation.statistics import Interval
from ttsi.evaluation.texts import interval_text
from ttsi_book.plots.colours import COLOURS, GREY, GRID, INK, PAPER

WIDTH, SIZE = 4.9, 10.5
"""Inches, and points of all text: a screen 390 pixels wide shows it with 10 pixels."""

LETTERS = 50
"""Characters that fit in a line as wide as the figure."""

STYLE = {
    **dict.fromkeys(("font.size", "axes.titlesize", "axes.labelsize", "xtick.labelsize", "ytick.labelsize"), SIZE),
    **dict.fromkeys(("legend.fontsize", "legend.title_fontsize"), SIZE),
    **dict.fromkeys(("text.color", "axes.labelcolor", "xtick.color", "ytick.color"), INK),
    "figure.facecolor": PAPER,
    "savefig.facecolor": PAPER,
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "grid.color": GRID,
    "legend.frameon": False,
    "legend.handlelength": 1.6,
    "legend.columnspacing": 1.4,
    "svg.fonttype": "none",
    "svg.hashsalt": "ttsi",
}


def style() -> None:
    """Set the book's look: figures are vector graphics, on a card that its pages leave out; tables are uncut."""
    pd.set_option("display.max_colwidth", None)
    names = [name for name in COLOURS if name not in ("ink", "paper", "grid")]
    sns.set_theme(context="paper", style="whitegrid", palette=[COLOURS[name] for name in names], rc=STYLE)
    shown = InlineBackend.instance()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "InlineBackend", DeprecationWarning)  # of traitlets, for that package
        shown.set_trait("print_figure_kwargs", {"bbox_inches": None, "metadata": {"Date": None}})
        shown.set_trait("figure_formats", {"svg"})


def percent(interval: Interval) -> str:
    """Return a share with its 95% interval and n as text: `72.4% (66.0–78.1, n = 294)`."""
    return interval_text(interval, with_n=True)


def new_figure(*, rows: int = 1, height: float = 3.4, **grid: Any) -> tuple[Figure, Any]:
    """Make a figure of one or several axes above each other, closed."""
    figure, axes = plt.subplots(
        rows, figsize=(WIDTH, max(height, 2.2)), sharex=rows > 1, layout="constrained", gridspec_kw=grid or None
    )
    figure.patch.set_gid("card")
    plt.close(figure)
    return figure, axes


def share_axis(axes: Axes, label: str) -> None:
    """Let the vertical axis run from 0% to 100%."""
    axes.set(ylim=(0, 1), ylabel=label)
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))


def in_points(axis: Axis) -> None:
    """Write the differences of shares along an axis as signed percentage points, in steps that need no rounding."""
    axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:+.3g}" if share else "0"))


def close_up(low: float, high: float, *, ends: tuple[float, float] = (0, 1)) -> tuple[float, float]:
    """Return limits of an axis that shows what lies between `low` and `high`, with some room, within `ends`."""
    room = max(0.08 * (high - low), 0.01)
    return max(low - room, ends[0]), min(high + room, ends[1])


def share_close_up(axes: Axes, label: str, values: Any) -> None:
    """Let the vertical axis show shares where there are any, of `values` or the ends of their intervals."""
    axes.set(ylim=close_up(np.nanmin(values), np.nanmax(values)), ylabel=label)
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))


def legend(figure: Figure, note: str = "", *, names: bool = True) -> None:
    """Put the legend of the first axes above the figure, under a note; without `names` the note alone."""
    handles, labels = figure.axes[0].get_legend_handles_labels() if names else ([], [])
    columns = next((columns for columns in range(len(labels), 1, -1) if _legend_fits(labels, columns)), 1)
    title = textwrap.fill(note, LETTERS) or None
    figure.legend(handles, labels, title=title, loc="outside upper left", ncols=columns, alignment="left")


def _legend_fits(labels: Sequence[str], columns: int) -> bool:
    """Whether a legend of so many columns is no wider than the figure; handle and gaps take 4.5 times the size."""
    widths = [TextPath((0, 0), label, size=SIZE).get_extents().width + 4.5 * SIZE for label in labels]
    return sum(max(part) for part in np.array_split(widths, columns)) < 72 * WIDTH


def label_lines(figure: Figure, axes: Axes, labels: Sequence[tuple[float, float, str, Any]]) -> None:
    """Write beside the end of each line what it is: `labels` are its end, x and y, the text and the colour.

    The axes must have their limits; labels that would overlap move apart.
    """
    figure.draw_without_rendering()  # lays the axes out
    apart = 1.25 * SIZE / 72 * figure.dpi / axes.bbox.height
    to_axes = axes.transData + axes.transAxes.inverted()
    ordered = sorted(labels, key=lambda label: label[1])
    places = np.array([to_axes.transform((x, y))[1] for x, y, *_ in ordered])
    for (x, _, text, colour), place in zip(ordered, _apart(places, apart), strict=True):
        transform = axes.get_xaxis_transform()
        axes.annotate(
            text, (x, place), (6, 0), transform, "offset points", color=colour, va="center", annotation_clip=False
        )


def _apart(places: np.ndarray, least: float) -> np.ndarray:
    """Move ascending places apart as little as it takes, so that neighbours keep a distance."""
    moved = places.copy()
    for _ in range(100):
        for index in range(1, len(moved)):
            missing = least - (moved[index] - moved[index - 1])
            if missing > 1e-9:
                moved[index - 1] -= missing / 2
                moved[index] += missing / 2
    return moved


def whiskers(axes: Axes, x: Any, table: pd.DataFrame, names: list[str], colour: Any = INK) -> None:
    """Draw the intervals of a table: `names` are its columns of estimate, low and high."""
    estimate, low, high = (table[name].to_numpy(float) for name in names)
    axes.errorbar(x, estimate, yerr=reach(estimate, low, high), fmt="none", ecolor=colour, elinewidth=1, capsize=2.5)


def reach(estimate: Any, low: Any, high: Any) -> np.ndarray:
    """Return how far whiskers go from estimates, down and up: (2, n), 0 where an end is missing."""
    estimate, low, high = (np.atleast_1d(np.asarray(one, dtype=float)) for one in (estimate, low, high))
    return np.nan_to_num(np.clip([estimate - low, high - estimate], 0, None))


def count(table: pd.DataFrame) -> str:
    """Return the number of samples behind a table, as text: `n = 20 to 40`."""
    n = table["n"].to_numpy(dtype=int)
    return f"n = {n.min():,}" if n.min() == n.max() else f"n = {n.min():,} to {n.max():,}"
