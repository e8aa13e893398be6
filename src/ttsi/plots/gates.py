"""Figures: what a gate saves, and what it gives away."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from ttsi.plots.frame import PALETTE, count, legend, new_figure, share_axis


def tau_sweep_curve(estimators: Mapping[str, pd.DataFrame], *, seconds: tuple[float, float]) -> Figure:
    """Plot accuracy with its 95% band, and below it what a sample costs, against the threshold.

    Args:
        estimators: names, each with a table of `statistics.tau_sweep`.
        seconds: mean of a sample that is not adapted, and what adapting adds to it.
    """
    figure, (above, below) = new_figure(rows=2, height=5.2, height_ratios=[2, 1])
    always, extra = seconds
    for index, (name, sweep) in enumerate(estimators.items()):
        colour, tau = PALETTE[index], sweep["tau"]
        above.fill_between(tau, sweep["accuracy_low"], sweep["accuracy_high"], color=colour, alpha=0.2, linewidth=0)
        above.plot(tau, sweep["accuracy"], color=colour, label=f"{name} ({count(sweep)})")
        below.plot(tau, always + extra * sweep["adapted"], color=colour)
    share_axis(above, "accuracy (exact match)")
    below.set(xlim=(0, 1), xlabel="threshold tau (no unit)", ylabel="seconds a sample")
    below.set_ylim(0, 1.08 * (always + extra))
    adapted = below.secondary_yaxis(
        "right", functions=(lambda cost: (cost - always) / extra, lambda s: always + extra * s)
    )
    adapted.set_ylabel("samples adapted")
    adapted.set_yticks([0, 0.5, 1])
    adapted.yaxis.set_major_formatter(PercentFormatter(1))
    legend(figure, "band: 95% interval")
    return figure


def accuracy_against_seconds(curves: Mapping[str, pd.DataFrame], points: pd.DataFrame) -> Figure:
    """Plot accuracy against what a sample costs: a curve for each method as tau rises, and points for the others.

    Args:
        curves: names, each with `seconds`, `accuracy`, `accuracy_low`, `accuracy_high` and `n`, in the order of tau.
        points: `method`, `seconds` and the `estimate`, `low`, `high`, `n` of an `Interval`.
    """
    figure, axes = new_figure(height=4.4)
    for index, (name, curve) in enumerate(curves.items()):
        style = {"color": PALETTE[index], "linewidth": 0}
        axes.fill_between(curve["seconds"], curve["accuracy_low"], curve["accuracy_high"], alpha=0.15, **style)
        axes.plot(curve["seconds"], curve["accuracy"], color=PALETTE[index], label=f"{name} ({count(curve)})")
    for index, row in enumerate(points.to_dict("records")):
        reach = np.clip([[row["estimate"] - row["low"]], [row["high"] - row["estimate"]]], 0, None)
        look = {"color": PALETTE[len(curves) + index], "marker": "sD^vPX*"[index % 7], "capsize": 2.5}
        label = f"{row['method']} (n = {row['n']:,})"
        axes.errorbar(row["seconds"], row["estimate"], yerr=reach, linestyle="", label=label, clip_on=False, **look)
    axes.set_xlim(left=0)
    axes.set_xlabel("seconds a sample (mean wall-clock time)")
    share_axis(axes, "accuracy (exact match)")
    legend(figure, "bands and whiskers: 95% interval; along a curve, tau rises from 0 to 1")
    return figure
