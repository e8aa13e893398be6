"""Figures: accuracy against one setting, everything else as it is."""

import pandas as pd
from matplotlib.figure import Figure

from ttsi.plots.frame import BLUE, GREY, ORANGE, count, legend, new_figure, share_axis, whiskers


def setting_sweep(table: pd.DataFrame, *, setting: str, base: float, seconds: float) -> Figure:
    """Plot accuracy with its 95% interval, and below it seconds a sample, against the values of one setting.

    Args:
        table: a row for each value: `value`, `estimate`, `low`, `high`, `n`, `seconds`, and whether it is the
            `profile`'s own; values are spaced evenly, whatever they are.
        setting: what varies, for the axis.
        base: accuracy without adaptation, on the same samples.
        seconds: of an answer without adaptation.
    """
    figure, (above, below) = new_figure(rows=2, height=5, height_ratios=[2, 1])
    places = list(range(len(table)))
    above.axhline(base, color=GREY, linestyle="--", linewidth=1, label="base, not adapted")
    below.axhline(seconds, color=GREY, linestyle="--", linewidth=1)
    above.plot(places, table["estimate"], "o-", color=BLUE, label=f"adapted ({count(table)} a point)", clip_on=False)
    whiskers(above, places, table, ["estimate", "low", "high"], BLUE)
    below.plot(places, table["seconds"], "o-", color=BLUE, clip_on=False)
    own = [place for place, is_own in zip(places, table["profile"], strict=True) if is_own]
    for axes, column in ((above, "estimate"), (below, "seconds")):
        height = table[column].iloc[own]
        axes.plot(own, height, "s", color=ORANGE, label="the profile's value", zorder=3, clip_on=False)
    share_axis(above, "accuracy (exact match)")
    below.set_ylim(0, 1.1 * max(table["seconds"].max(), seconds))
    below.set(xlabel=setting, ylabel="seconds", xlim=(-0.4, len(table) - 0.6))
    below.set_xticks(places, [f"{value:g}" for value in table["value"]])
    legend(figure, "whiskers: 95% interval")
    return figure
