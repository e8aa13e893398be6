"""Figures: what methods get right, repair and break."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter

from ttsi_book.plots.frame import BLUE, GREY, ORANGE, PALETTE, count, legend, new_figure, share_axis, whiskers


def accuracy_bars(table: pd.DataFrame) -> Figure:
    """Compare methods on splits.

    `table` has a row for each bar: `method`, `split`, and the `estimate`, `low`, `high`, `n` of an `Interval`.
    """
    figure, axes = new_figure()
    splits, methods = list(table["split"].unique()), table.groupby("method", sort=False)
    width = 0.8 / len(methods)
    for index, (method, rows) in enumerate(methods):
        middle = np.array([splits.index(split) for split in rows["split"]]) + (index - (len(methods) - 1) / 2) * width
        axes.bar(middle, rows["estimate"], 0.92 * width, color=PALETTE[index], label=str(method))
        whiskers(axes, middle, rows, ["estimate", "low", "high"])
    axes.set_xticks(range(len(splits)), [split.replace("/", "\n") for split in splits])
    axes.grid(visible=False, axis="x")
    axes.set_xlabel("benchmark split")
    share_axis(axes, "accuracy (exact match)")
    legend(figure, f"whiskers: 95% interval, {count(table)} a bar")
    return figure


def accuracy_dots(table: pd.DataFrame, *, series: str = "decoding") -> Figure:
    """Compare methods: a row for each `method`, a colour for each value of the column `series`, both in their order.

    `table` also has the `estimate`, `low`, `high`, `n` of an `Interval`.
    """
    figure, axes = interval_dots(table, row="method", series=series)
    axes.set(xlim=(0, 1), xlabel="accuracy (exact match)", ylabel="method")
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    return figure


def difference_dots(table: pd.DataFrame, *, series: str) -> Figure:
    """Show what comparisons gain or lose: a row for each `label`, a colour for each value of the column `series`.

    `table` also has the `estimate`, `low`, `high`, `n` of a difference of shares.
    """
    figure, axes = interval_dots(table, row="label", series=series)
    axes.axvline(0, color=GREY, linewidth=1)
    reach = 1.1 * max(table["high"].max(), -table["low"].min(), 0.05)
    axes.set(xlim=(-reach, reach), xlabel="difference in accuracy (percentage points)", ylabel="method")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:+.0f}" if share else "0"))
    return figure


def interval_dots(table: pd.DataFrame, *, row: str, series: str) -> tuple[Figure, Axes]:
    """Draw an estimate with its interval in each row, those of several series a little apart."""
    names, groups = list(dict.fromkeys(table[row])), table.groupby(series, sort=False)
    figure, axes = new_figure(height=1.3 + 0.38 * len(names))
    for index, (name, rows) in enumerate(groups):
        places = np.array([names.index(label) for label in rows[row]]) + 0.22 * (index - (len(groups) - 1) / 2)
        reach = np.clip([rows["estimate"] - rows["low"], rows["high"] - rows["estimate"]], 0, None)
        style = {"color": PALETTE[index], "marker": "osD^v"[index % 5], "markersize": 4.5, "clip_on": False}
        axes.errorbar(rows["estimate"], places, xerr=reach, linestyle="", capsize=2.5, label=str(name), **style)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    legend(figure, f"whiskers: 95% interval, {count(table)} a dot", columns=3)
    return figure, axes


def fixed_and_broken(table: pd.DataFrame) -> Figure:
    """Set what adaptation repaired against what it broke.

    `table` has a row for each comparison: its `label`, and the `fixed`, `broken`, `n`, `p_value` of a `PairedTest`.
    """
    figure, axes = new_figure(height=1.3 + 0.4 * len(table))
    places, reach = range(len(table)), 1.15 * max(table["fixed"].max(), table["broken"].max(), 1)
    fixed = axes.barh(places, table["fixed"], color=BLUE, label="fixed: wrong before, right after")
    broken = axes.barh(places, -table["broken"], color=ORANGE, label="broken: right before, wrong after")
    for bars in (fixed, broken):
        axes.bar_label(bars, fmt=lambda count: f"{abs(count):.0f}" if count else "", padding=3, fontsize="small")
    axes.axvline(0, color=GREY, linewidth=1)
    axes.set_yticks(places, [_test_label(row) for row in table.to_dict("records")])
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda count, _: f"{abs(count):.0f}"))
    axes.set(xlim=(-reach, reach), xlabel="samples", ylabel="comparison")
    legend(figure, "p: exact McNemar test")
    return figure


def _test_label(row: dict[Any, Any]) -> str:
    p_value = "p < 0.001" if row["p_value"] < 0.001 else f"p = {row['p_value']:.3f}"
    return f"{row['label']}\n(n = {row['n']:,}, {p_value})"
