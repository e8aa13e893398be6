"""Figures: what methods get right, repair and break."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from ttsi.plots.frame import BLUE, GREY, ORANGE, PALETTE, count, legend, new_figure, share_axis, whiskers


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
    p_value = "p < 0.001" if row["p_value"] < 0.001 else f"p = {row['p_value']:.2g}"
    return f"{row['label']}\n(n = {row['n']:,}, {p_value})"
