"""Figures: what methods get right, repair and break."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter

from ttsi_book.plots.colours import GREY, INK, MARKERS, RIGHT, WRONG, Look, looks
from ttsi_book.plots.frame import close_up, count, in_points, legend, new_figure, reach

LINE = 0.15
"""Inches from one line of dots to the next."""


def accuracy_dots(table: pd.DataFrame, *, row: str = "method", series: str = "decoding") -> Figure:
    """Compare accuracies: a row for each value of one column, dots for each value of another, both in their order.

    `table` also has the `estimate`, `low`, `high`, `n` of an `Interval`. The colour is that of the
    row where series are modes of decoding, else that of the series. The axis shows where the intervals are.
    """
    figure, axes = interval_dots(table, row=row, series=series, by_row=series == "decoding")
    axes.set(xlim=close_up(min(table["low"]), max(table["high"])), xlabel="accuracy (exact match)", ylabel=row)
    axes.xaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    return figure


def difference_dots(table: pd.DataFrame, *, series: str, by_row: bool = True) -> Figure:
    """Show what comparisons gain or lose: a row for each `label`, a mark for each value of the column `series`.

    `table` also has the `estimate`, `low`, `high`, `n` of a difference of shares. A colour is that of a row, or else of
    a series.
    """
    figure, axes = interval_dots(table, row="label", series=series, by_row=by_row)
    axes.axvline(0, color=GREY, linewidth=1)
    ends = close_up(min([*table["low"], -0.01]), max([*table["high"], 0.01]), ends=(-1, 1))
    axes.set(xlim=ends, xlabel="difference in accuracy (percentage points)", ylabel="method")
    in_points(axes.xaxis)
    return figure


def interval_dots(table: pd.DataFrame, *, row: str, series: str, by_row: bool = False) -> tuple[Figure, Axes]:
    """Draw an estimate with its interval in each row, those of several series under each other.

    Series differ in colour or, where the colour goes `by_row`, in their marker alone.
    """
    colours, series_looks = looks(table[row]), _series_looks(table[series], by_row=by_row)
    dots = {name: rows.to_dict("records") for name, rows in table.groupby(row, sort=False)}
    room = {name: max(2.0, len(ones) + 0.8) for name, ones in dots.items()}  # in lines of dots
    figure, axes = new_figure(height=1.2 + LINE * sum(room.values()))
    for name, look in series_looks.items():
        axes.plot([], [], look.marker, color=look.colour, label=name)
    middles = np.cumsum(list(room.values())) - np.array(list(room.values())) / 2
    for middle, (name, ones) in zip(middles, dots.items(), strict=True):
        for index, one in enumerate(sorted(ones, key=lambda one: list(series_looks).index(str(one[series])))):
            look = series_looks[str(one[series])]
            colour = colours[str(name)].colour if by_row else look.colour
            _dot(axes, one, middle + index - (len(ones) - 1) / 2, colour, look.marker)
    axes.set_yticks(middles, list(dots))
    axes.set_ylim(sum(room.values()), 0)
    axes.grid(visible=False, axis="y")
    legend(figure, f"whiskers: 95% interval, {count(table)} a dot", names=len(series_looks) > 1)
    return figure, axes


def _series_looks(names: Iterable[str], *, by_row: bool) -> dict[str, Look]:
    if not by_row:
        return looks(names)
    markers = {str(name): MARKERS[index] for index, name in enumerate(dict.fromkeys(names))}
    return {name: Look(INK, "s" if "constrained" in name else marker, "-") for name, marker in markers.items()}


def _dot(axes: Axes, one: dict[Any, Any], place: float, colour: str, marker: str) -> None:
    ends = reach(one["estimate"], one["low"], one["high"])
    axes.errorbar(
        one["estimate"], place, xerr=ends, fmt=marker, color=colour, markersize=5.5, capsize=2.5, clip_on=False
    )


def fixed_and_broken(table: pd.DataFrame) -> Figure:
    """Set what adaptation repaired against what it broke.

    `table` has a row for each comparison: its `label`, and the `fixed`, `broken`, `n`, `p_value` of a `PairedTest`.
    """
    figure, axes = new_figure(height=1.4 + 0.34 * len(table))
    places, most = range(len(table)), max([*table["fixed"], *table["broken"], 1])
    fixed = axes.barh(places, table["fixed"], color=RIGHT)
    broken = axes.barh(places, -table["broken"], color=WRONG)
    for bars in (fixed, broken):
        axes.bar_label(bars, fmt=lambda count: f"{abs(count):.0f}" if count else "", padding=3)
    axes.axvline(0, color=GREY, linewidth=1)
    axes.set_yticks(places, list(table["label"]))
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda count, _: f"{abs(count):.0f}"))
    left, right = (table[side].max() + 0.3 * most for side in ("broken", "fixed"))
    axes.set(xlim=(-left, right), xlabel="samples", ylabel="comparison")
    _sides_and_tests(axes, table)
    legend(figure, f"p: exact McNemar test, {count(table)} a row", names=False)
    return figure


def _sides_and_tests(axes: Axes, table: pd.DataFrame) -> None:
    """Name the two sides above the bars, and write the test of each row to the right of it."""
    above, beside = axes.get_xaxis_transform(), axes.get_yaxis_transform()
    axes.annotate("← broken", (0, 1), (-8, 3), above, "offset points", color=WRONG, ha="right")
    axes.annotate("fixed →", (0, 1), (8, 3), above, "offset points", color=RIGHT, ha="left")
    various = len(set(table["n"])) > 1
    for place, (p_value, n) in enumerate(zip(table["p_value"], table["n"], strict=True)):
        text = ("p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}") + (f", n = {n:,}" if various else "")
        axes.annotate(text, (1, place), (6, 0), beside, "offset points", va="center", annotation_clip=False)
