"""Figures: margins, and how well they tell right answers from wrong ones."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from ttsi.evaluation.statistics import UndefinedError, auroc, roc_curve
from ttsi_book.plots.accuracy import interval_dots
from ttsi_book.plots.frame import (
    BLUE,
    GREY,
    MARGIN_BINS,
    ORANGE,
    PALETTE,
    legend,
    new_figure,
    share_axis,
    whiskers,
)


def margin_histogram(rows: pd.DataFrame, *, tau: float, estimator: str) -> Figure:
    """Show how the margins of right and of wrong base answers lie about the threshold.

    `rows` has a sample in each row: `margin`, within [0, 1], and `base_correct`.
    """
    figure, axes = new_figure()
    right = rows["base_correct"].to_numpy(dtype=bool)
    groups = [rows["margin"].to_numpy()[right], rows["margin"].to_numpy()[~right]]
    labels = [f"base answer right (n = {len(groups[0]):,})", f"base answer wrong (n = {len(groups[1]):,})"]
    axes.hist(groups, bins=MARGIN_BINS, range=(0, 1), stacked=True, color=[BLUE, ORANGE], label=labels)
    axes.axvline(tau, color=GREY, linestyle="--", label=f"tau = {tau:g}: below it, uncertain")
    axes.set(xlim=(0, 1), xlabel=f"margin u ({estimator}, no unit)", ylabel="samples a bar")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    legend(figure)
    return figure


def reliability(estimators: Mapping[str, pd.DataFrame]) -> Figure:
    """Plot accuracy against stated confidence, and below it the number of samples behind each point.

    Each estimator's table is one of `statistics.calibration_bins`.
    """
    figure, (above, below) = new_figure(rows=2, height=5, height_ratios=[3, 1])
    above.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1, label="calibrated")
    for index, (name, bins) in enumerate(estimators.items()):
        colour, width = PALETTE[index], 0.9 * (bins["high"] - bins["low"]) / len(estimators)
        label = f"{name} (n = {bins['n'].sum():,})"
        above.plot(bins["confidence"], bins["accuracy"], "o-", color=colour, label=label, clip_on=False)
        whiskers(above, bins["confidence"], bins, ["accuracy", "accuracy_low", "accuracy_high"], colour)
        below.bar(bins["low"] + index * width, bins["n"], width, align="edge", color=colour)
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
    figure, axes = new_figure(width=5.6, height=5.6)
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1, label="chance")
    for index, (name, rows) in enumerate(estimators.items()):
        score, wrong = -rows["margin"].to_numpy(dtype=float), ~rows["base_correct"].to_numpy(dtype=bool)
        try:
            curve, area = roc_curve(score, wrong), auroc(score, wrong)
        except UndefinedError as reason:
            axes.plot([], [], color=PALETTE[index], label=f"{name}: undefined, {reason}")
            continue
        label = f"{name}: AUROC {area.estimate:.2f} (95% interval {area.low:.2f} to {area.high:.2f}, n = {area.n:,})"
        axes.plot(curve["false_positive_rate"], curve["true_positive_rate"], color=PALETTE[index], label=label)
    axes.set(xlim=(0, 1), xlabel="right answers called uncertain", aspect="equal")
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    share_axis(axes, "wrong answers called uncertain")
    legend(figure, columns=1)
    return figure


def auroc_dots(table: pd.DataFrame) -> Figure:
    """Compare estimators by how well they find wrong answers: a row for each `estimator`, a colour for each `group`.

    `table` also has the `estimate`, `low`, `high`, `n` of `statistics.auroc`.
    """
    figure, axes = interval_dots(table, row="estimator", series="group")
    axes.axvline(0.5, color=GREY, linestyle="--", linewidth=1)
    axes.set(xlim=(0, 1), xlabel="AUROC for a wrong base answer (no unit; dashed: chance)", ylabel="estimator")
    return figure
