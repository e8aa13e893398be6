"""Figures: accuracy against one setting, everything else as it is."""

import pandas as pd
from matplotlib.figure import Figure

from ttsi_book.plots.colours import GREY, colour_of
from ttsi_book.plots.frame import count, legend, new_figure, share_close_up, whiskers


def setting_sweep(table: pd.DataFrame, *, setting: str, base: float, seconds: float) -> Figure:
    """Plot accuracy with its 95% interval, and below it seconds a sample, against the values of one setting.

    Args:
        table: a row for each value, ascending: `value` (positive, on a logarithmic axis), `estimate`, `low`, `high`,
            `n`, `seconds`, and whether it is the `profile`'s own.
        setting: what varies, for the axis.
        base: accuracy without adaptation, on the same samples.
        seconds: of an answer without adaptation.
    """
    figure, (above, below) = new_figure(rows=2, height=5.2, height_ratios=[3, 2])
    values, own, colour = table["value"], table[table["profile"]], colour_of("TT-SI")
    above.axhline(base, color=GREY, linestyle="--", linewidth=1, label="base, not adapted")
    below.axhline(seconds, color=GREY, linestyle="--", linewidth=1)
    above.plot(values, table["estimate"], "o-", color=colour, label=f"adapted ({count(table)} a point)", clip_on=False)
    whiskers(above, values, table, ["estimate", "low", "high"], colour)
    below.plot(values, table["seconds"], "o-", color=colour, clip_on=False)
    ring = {"color": colour, "marker": "o", "linestyle": "", "fillstyle": "none", "markersize": 12, "zorder": 3}
    for axes, column in ((above, "estimate"), (below, "seconds")):
        axes.plot(own["value"], own[column], label="the profile's value", clip_on=False, **ring)
    share_close_up(above, "accuracy (exact match)", [*table["low"], *table["high"], base])
    below.set_ylim(0, 1.1 * max(table["seconds"].max(), seconds))
    below.set(xlabel=f"{setting} (logarithmic axis)", ylabel="seconds a sample", xscale="log")
    below.set_xticks(values, [f"{value:g}" for value in values])
    below.minorticks_off()
    legend(figure, "whiskers: 95% interval")
    return figure
