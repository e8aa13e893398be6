"""The figures of the book, in one style: tables and intervals in, a Matplotlib figure out.

Axes of amounts start at 0 and axes of shares run from 0 to 1; whiskers and bands are 95% intervals, with n stated. A
figure is returned closed, so that a notebook shows it once.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter

from ttsi.statistics import Interval, UndefinedError, auroc, roc_curve

PALETTE = sns.color_palette("colorblind")
BLUE, ORANGE, GREY = PALETTE[0], PALETTE[1], "0.45"
WIDTH = 7.2
LABEL_BOX = {"facecolor": "white", "edgecolor": "none", "boxstyle": "round,pad=0.15"}
MARGIN_BINS = 20
STYLE = {
    "figure.dpi": 144,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "0.6",
    "grid.color": "0.9",
    "legend.frameon": False,
    "legend.fontsize": "small",
}


def style() -> None:
    """Set the book's look for all figures that follow: colour-blind-safe, on a white card for light and dark pages."""
    sns.set_theme(context="paper", style="whitegrid", palette="colorblind", font_scale=1.1, rc=STYLE)


def percent(interval: Interval) -> str:
    """Return a share and its 95% interval as text: `72.4% (95% interval 66.0% to 78.1%, n = 294)`."""
    return f"{interval.estimate:.1%} (95% interval {interval.low:.1%} to {interval.high:.1%}, n = {interval.n:,})"


def accuracy_bars(table: pd.DataFrame) -> Figure:
    """Compare methods on splits.

    `table` has a row for each bar: `method`, `split`, and the `estimate`, `low`, `high`, `n` of an `Interval`.
    """
    figure, axes = _figure()
    splits, methods = list(table["split"].unique()), table.groupby("method", sort=False)
    width = 0.8 / len(methods)
    for index, (method, rows) in enumerate(methods):
        middle = np.array([splits.index(split) for split in rows["split"]]) + (index - (len(methods) - 1) / 2) * width
        axes.bar(middle, rows["estimate"], 0.92 * width, color=PALETTE[index], label=str(method))
        _whiskers(axes, middle, rows, ["estimate", "low", "high"])
    axes.set_xticks(range(len(splits)), [split.replace("/", "\n") for split in splits])
    axes.grid(visible=False, axis="x")
    axes.set_xlabel("benchmark split")
    _share(axes, "accuracy (exact match)")
    _legend(figure, f"whiskers: 95% interval, {_count(table)} a bar")
    return figure


def fixed_and_broken(table: pd.DataFrame) -> Figure:
    """Set what adaptation repaired against what it broke.

    `table` has a row for each comparison: its `label`, and the `fixed`, `broken`, `n`, `p_value` of a `PairedTest`.
    """
    figure, axes = _figure(height=1.3 + 0.4 * len(table))
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
    _legend(figure, "p: exact McNemar test")
    return figure


def margin_histogram(rows: pd.DataFrame, *, tau: float, estimator: str) -> Figure:
    """Show how the margins of right and of wrong base answers lie about the threshold.

    `rows` has a sample in each row: `margin`, within [0, 1], and `base_correct`.
    """
    figure, axes = _figure()
    right = rows["base_correct"].to_numpy(dtype=bool)
    groups = [rows["margin"].to_numpy()[right], rows["margin"].to_numpy()[~right]]
    labels = [f"base answer right (n = {len(groups[0]):,})", f"base answer wrong (n = {len(groups[1]):,})"]
    axes.hist(groups, bins=MARGIN_BINS, range=(0, 1), stacked=True, color=[BLUE, ORANGE], label=labels)
    axes.axvline(tau, color=GREY, linestyle="--", label=f"tau = {tau:g}: below it, uncertain")
    axes.set(xlim=(0, 1), xlabel=f"margin u ({estimator}, no unit)", ylabel="samples a bar")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    _legend(figure)
    return figure


def reliability(estimators: Mapping[str, pd.DataFrame]) -> Figure:
    """Plot accuracy against stated confidence, and below it the number of samples behind each point.

    Each estimator's table is one of `statistics.calibration_bins`.
    """
    figure, (above, below) = _figure(rows=2, height=5, height_ratios=[3, 1])
    above.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1, label="calibrated")
    for index, (name, bins) in enumerate(estimators.items()):
        colour, width = PALETTE[index], 0.9 * (bins["high"] - bins["low"]) / len(estimators)
        label = f"{name} (n = {bins['n'].sum():,})"
        above.plot(bins["confidence"], bins["accuracy"], "o-", color=colour, label=label, clip_on=False)
        _whiskers(above, bins["confidence"], bins, ["accuracy", "accuracy_low", "accuracy_high"], colour)
        below.bar(bins["low"] + index * width, bins["n"], width, align="edge", color=colour)
    _share(above, "accuracy (exact match)")
    below.set(xlim=(0, 1), xlabel="confidence (no unit)", ylabel="samples")
    below.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=3))
    _legend(figure, "whiskers: 95% interval")
    return figure


def roc_curves(estimators: Mapping[str, pd.DataFrame]) -> Figure:
    """Plot how well a low margin finds the wrong base answers, for every threshold at once.

    Each estimator's table has a sample in each row: `margin` and `base_correct`. An estimator without both right and
    wrong answers has no curve, and the legend says so.
    """
    figure, axes = _figure(width=5.6, height=5.6)
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
    _share(axes, "wrong answers called uncertain")
    _legend(figure, columns=1)
    return figure


def tau_sweep_curve(estimators: Mapping[str, pd.DataFrame]) -> Figure:
    """Plot accuracy with its 95% band, and the share of samples adapted, against the threshold.

    Each estimator's table is one of `statistics.tau_sweep`.
    """
    figure, (above, below) = _figure(rows=2, height=5, height_ratios=[2, 1])
    for index, (name, sweep) in enumerate(estimators.items()):
        colour, tau = PALETTE[index], sweep["tau"]
        above.fill_between(tau, sweep["accuracy_low"], sweep["accuracy_high"], color=colour, alpha=0.2, linewidth=0)
        above.plot(tau, sweep["accuracy"], color=colour, label=f"{name} ({_count(sweep)})")
        below.plot(tau, sweep["adapted"], color=colour)
    _share(above, "accuracy (exact match)")
    _share(below, "samples adapted")
    below.set(xlim=(0, 1), xlabel="threshold tau (no unit)")
    _legend(figure, "band: 95% interval")
    return figure


def loss_curve(losses: pd.DataFrame, *, x: Literal["step", "tokens"]) -> Figure:
    """Plot loss against training steps or tokens: each column of `losses` other than `x` is a curve, gaps left out."""
    figure, axes = _figure()
    for index, name in enumerate(losses.columns.drop(x)):
        curve = losses[[x, name]].dropna()
        axes.plot(curve[x], curve[name], color=PALETTE[index % len(PALETTE)], label=name)
    axes.set(xlabel={"step": "optimizer steps", "tokens": "training tokens"}[x], ylabel="loss (nats per token)")
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    if x == "tokens":
        axes.xaxis.set_major_formatter(FuncFormatter(lambda count, _: f"{count:,.0f}"))
    _legend(figure)
    return figure


def example_verdicts(counts: pd.DataFrame) -> Figure:
    """Stack the counts of what became of practice examples: a row for each way to ask, a column for each verdict."""
    figure, axes = _stacked_bars(counts, lambda count: f"{count:.0f}" if count else "")
    axes.set(xlabel="practice examples written", ylabel="way to ask")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


def stage_seconds(seconds: pd.DataFrame) -> Figure:
    """Stack the mean seconds that a sample spends: a row for each method, a column for each stage of the loop."""
    figure, axes = _stacked_bars(seconds, lambda _: "")
    for row, total in enumerate(seconds.sum(axis="columns")):
        axes.text(total, row, f" {total:.3g} s", va="center", fontsize="small")
    axes.set(xlabel="seconds per sample (mean wall-clock time)", ylabel="method")
    axes.margins(x=0.12)
    axes.set_xlim(left=0)
    return figure


def _figure(*, rows: int = 1, width: float = WIDTH, height: float = 3.6, **grid: Any) -> tuple[Figure, Any]:
    figure, axes = plt.subplots(
        rows, figsize=(width, height), sharex=rows > 1, layout="constrained", gridspec_kw=grid or None
    )
    plt.close(figure)
    return figure, axes


def _share(axes: Axes, label: str) -> None:
    axes.set(ylim=(0, 1), ylabel=label)
    axes.yaxis.set_major_formatter(PercentFormatter(1))


def _legend(figure: Figure, note: str = "", *, columns: int = 2) -> None:
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, title=note or None, loc="outside upper left", ncols=columns, alignment="left")


def _whiskers(axes: Axes, x: Any, table: pd.DataFrame, names: list[str], colour: Any = "0.25") -> None:
    estimate, low, high = table[names].to_numpy(dtype=float).T
    reach = np.clip([estimate - low, high - estimate], 0, None)
    axes.errorbar(x, estimate, yerr=reach, fmt="none", ecolor=colour, elinewidth=1, capsize=2.5)


def _count(table: pd.DataFrame) -> str:
    n = table["n"].to_numpy(dtype=int)
    return f"n = {n.min():,}" if n.min() == n.max() else f"n = {n.min():,} to {n.max():,}"


def _test_label(row: dict[Any, Any]) -> str:
    p_value = "p < 0.001" if row["p_value"] < 0.001 else f"p = {row['p_value']:.2g}"
    return f"{row['label']}\n(n = {row['n']:,}, {p_value})"


def _stacked_bars(table: pd.DataFrame, text: Callable[[float], str]) -> tuple[Figure, Axes]:
    """Draw a horizontal bar for each row of `table`, stacked from its columns in their order."""
    figure, axes = _figure(height=1.5 + 0.45 * len(table))
    places, start = range(len(table)), np.zeros(len(table))
    for index, column in enumerate(table.columns):
        bars = axes.barh(places, table[column], left=start, color=PALETTE[index], label=column)
        axes.bar_label(bars, fmt=text, label_type="center", fontsize="small", bbox=LABEL_BOX)
        start += table[column].to_numpy()
    axes.set_yticks(places, [str(name) for name in table.index])
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.set_xlim(left=0)
    _legend(figure, columns=3)
    return figure, axes
