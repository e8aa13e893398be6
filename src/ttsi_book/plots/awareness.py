"""Figures: margins, and how well they tell right answers from wrong ones."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator, PercentFormatter

from ttsi.evaluation.statistics import UndefinedError, auroc, roc_curve
from ttsi.evaluation.texts import interval_text
from ttsi_book.plots.accuracy import interval_dots
from ttsi_book.plots.colours import GREY, RIGHT, WRONG, looks
from ttsi_book.plots.frame import close_up, legend, new_figure, share_axis, whiskers

EDGE = 5e-4
"""Margins nearer to 0 or 1 than this are drawn at this distance."""

TICKS = {0.001: "0.001", 0.01: "0.01", 0.1: "0.1", 0.5: "0.5", 0.9: "0.9", 0.99: "0.99", 0.999: "0.999"}


def margin_ecdf(rows: pd.DataFrame, *, tau: float, estimator: str) -> Figure:
    """Show which share of the right and of the wrong base answers has a margin below each value.

    `rows` has a sample in each row: `margin`, within [0, 1], and `base_correct`. The axis of margins is logarithmic
    towards both ends, since most margins lie there.
    """
    figure, axes = new_figure(height=3.8)
    right = rows["base_correct"].to_numpy(dtype=bool)
    for chosen, name, colour in ((~right, "wrong", WRONG), (right, "right", RIGHT)):
        label = f"base answer {name} (n = {chosen.sum():,})"
        axes.ecdf(np.clip(rows["margin"].to_numpy()[chosen], EDGE, 1 - EDGE), color=colour, label=label)
    below = f"tau = {tau:g}: left of it, uncertain"
    axes.axvline(np.clip(tau, EDGE, 1 - EDGE), color=GREY, linestyle="--", label=below)
    axes.set_xscale("logit")
    axes.set(xlim=(EDGE, 1 - EDGE), xlabel=f"margin u ({estimator}; logarithmic towards both ends)")
    axes.set_xticks(list(TICKS), list(TICKS.values()))
    axes.xaxis.set_minor_locator(NullLocator())
    share_axis(axes, "share of answers below u")
    legend(figure)
    return figure


def reliability(estimators: Mapping[str, pd.DataFrame]) -> Figure:
    """Plot accuracy against stated confidence, and below it the number of samples behind each point.

    Each estimator's table is one of `statistics.calibration_bins`.
    """
    figure, (above, below) = new_figure(rows=2, height=5, height_ratios=[3, 1])
    above.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1, label="calibrated")
    for index, (name, look) in enumerate(looks(estimators).items()):
        bins = estimators[name]
        width = 0.9 * (bins["high"] - bins["low"]) / len(estimators)
        label = f"{name} (n = {bins['n'].sum():,})"
        style = {"color": look.colour, "marker": "os"[index % 2], "label": label, "clip_on": False}
        above.plot(bins["confidence"], bins["accuracy"], **style)
        whiskers(above, bins["confidence"], bins, ["accuracy", "accuracy_low", "accuracy_high"], look.colour)
        below.bar(bins["low"] + index * width, bins["n"], width, align="edge", color=look.colour)
    share_axis(above, "accuracy (exact match)")
    below.set(xlim=(0, 1), xlabel="confidence (no unit)", ylabel="samples")
    below.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=3))
    legend(figure, "whiskers: 95% interval")
    return figure


def roc_curves(estimators: Mapping[str, pd.DataFrame]) -> Figure:
    """Plot how well a low margin finds the wrong base answers, for every threshold at once.

    Each estimator's table has a sample in each row: `margin` and `base_correct`. An estimator without both right and
    wrong answers has no curve, and the legend says so.
    """
    figure, axes = new_figure(height=5.6)
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1, label="chance")
    for name, look in looks(estimators).items():
        rows = estimators[name]
        score, wrong = -rows["margin"].to_numpy(dtype=float), ~rows["base_correct"].to_numpy(dtype=bool)
        try:
            curve, area = roc_curve(score, wrong), auroc(score, wrong)
        except UndefinedError as reason:
            axes.plot([], [], color=look.colour, label=f"{name}: undefined, {reason}")
            continue
        label = f"{name}: AUROC {interval_text(area, '.2f', with_n=True)}"
        axes.plot(curve["false_positive_rate"], curve["true_positive_rate"], color=look.colour, label=label)
    axes.set(xlim=(0, 1), xlabel="right answers called uncertain", aspect="equal")
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    share_axis(axes, "wrong answers called uncertain")
    legend(figure, "brackets: 95% interval")
    return figure


def auroc_dots(table: pd.DataFrame) -> Figure:
    """Compare estimators by how well they find wrong answers: a row for each `estimator`, a colour for each `group`.

    `table` also has the `estimate`, `low`, `high`, `n` of `statistics.auroc`.
    """
    figure, axes = interval_dots(table, row="estimator", series="group")
    axes.axvline(0.5, color=GREY, linestyle="--", linewidth=1)
    ends = close_up(min([*table["low"], 0.5]), 1)
    axes.set(xlim=ends, xlabel="AUROC (dashed: chance)", ylabel="estimator")
    return figure
