"""Figures: accuracy against one setting, everything else as it is."""

import pandas as pd
from matplotlib.figure import Figure

from ttsi_book.plots.colours import GREY, colour_of
from ttsi_book.plots.frame import count, legend, new_figure, share_close_up, whiskers


def setting_sweep(table: pd.DataFrame, *, setting: str, base: float) -> Figure:
    """Plot accuracy with its 95% interval against the values of one setting.

    Args:
        table: a row for each value, ascending: `value` (positive, on a logarithmic axis), `estimate`, `low`, `high`,
            `n`, and whether it is the `profile`'s own.
        setting: what varies, for the axis.
        base: accuracy without adaptation, on the same samples.
    """
    figure, axes = new_figure()
    values, own, colour = table["value"], table[table["profile"]], colour_of("TT-SI")
    axes.axhline(base, color=GREY, linestyle="--", linewidth=1, label="base, not adapted")
    axes.plot(values, table["estimate"], "o-", color=colour, label=f"adapted ({count(table)} a point)", clip_on=False)
    whiskers(axes, values, table, ["estimate", "low", "high"], colour)
    ring = {"color": colour, "marker": "o", "linestyle": "", "fillstyle": "none", "markersize": 12, "zorder": 3}
    axes.plot(own["value"], own["estimate"], label="the profile's value", clip_on=False, **ring)
    share_close_up(axes, "accuracy (exact match)", [*table["low"], *table["high"], base])
    axes.set(xlabel=f"{setting} (logarithmic axis)", xscale="log")
    axes.set_xticks(values, [f"{value:g}" for value in values])
    axes.minorticks_off()
    legend(figure, "whiskers: 95% interval")
    return figure
