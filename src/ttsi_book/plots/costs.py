"""Figures: what accuracy the seconds buy, and when training once is cheaper than adapting each time."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ttsi.evaluation.costs import Serving, frontier
from ttsi.evaluation.statistics import Interval
from ttsi_book.plots.colours import GREY, INK, PAPER, colour_of, looks
from ttsi_book.plots.frame import count, label_lines, legend, new_figure, reach, share_close_up
from ttsi_book.plots.points import label_points

MARKERS = {"direct": "o", "direct, constrained": "s", "majority vote": "D", "pass@5": "^"}


def cost_frontier(table: pd.DataFrame, *, bound: str) -> Figure:
    """Show what each method gets right for its seconds, and the line that no method beats.

    Args:
        table: a row for each method and way to answer: `method`, `answers`, `accuracy`, `accuracy_low`,
            `accuracy_high` from `n` samples, `seconds`, `seconds_low`, `seconds_high` from `timed` samples.
        bound: the way to answer that takes the label: drawn hollow and left out of the line.
    """
    figure, axes = new_figure(height=5)
    best = frontier(table.loc[table["answers"] != bound])
    steps, end = (best["seconds"].tolist(), best["accuracy"].tolist()), 1.08 * table["seconds_high"].max()
    axes.step([*steps[0], end], [*steps[1], steps[1][-1]], GREY, where="post", ls=":")
    for row in table.to_dict("records"):
        _point(axes, row, hollow=row["answers"] == bound)
    for answers in table["answers"].unique():
        axes.plot([], [], MARKERS[answers], color=INK, mfc=PAPER if answers == bound else INK, label=answers)
    axes.set(xlim=(0, end), xlabel="seconds per sample (mean wall-clock time)")
    share_close_up(axes, "accuracy (exact match)", table[["accuracy_low", "accuracy_high"]])
    timed = count(table.drop(columns="n").rename(columns={"timed": "n"}))
    legend(figure, f"whiskers: 95% (accuracy: {count(table)}; seconds: {timed})")
    table = table.reset_index(drop=True)
    names = {row: _name(one) for row, one in enumerate(table.to_dict("records")) if "direct" in one["answers"]}
    label_points(figure, axes, names, table, x="seconds", y="accuracy")
    return figure


def _name(row: dict[Any, Any]) -> str:
    if row["answers"] == "direct":
        return row["method"]
    return "constrained" if row["method"] == "base" else f"{row['method']} + constrained"


def _point(axes: Axes, row: dict[Any, Any], *, hollow: bool) -> None:
    ends = {
        direction: reach(row[name], row[f"{name}_low"], row[f"{name}_high"])
        for direction, name in (("xerr", "seconds"), ("yerr", "accuracy"))
    }
    colour = colour_of(row["method"])
    style = {"color": colour, "mfc": PAPER if hollow else colour, "markersize": 6, "elinewidth": 0.6}
    axes.errorbar(row["seconds"], row["accuracy"], fmt=MARKERS[row["answers"]], **ends, **style)


def total_seconds(methods: Mapping[str, Serving], crossings: Mapping[str, Interval], *, samples: int) -> Figure:
    """Draw the total cost of methods against the number of samples served, and where two of the lines cross.

    `crossings` are where the line of training once meets that of the method so named; one beyond `samples`, the end of
    the axis, is not shown.
    """
    figure, axes = new_figure(height=4.0)
    served, ends = np.linspace(0, samples, 200), []
    for name, look in looks(methods).items():
        method = methods[name]
        axes.plot(served, method.total(served), look.dash, color=look.colour, label=name)
        ends.append((samples, float(method.total(samples)), name, look.colour))
        if name in crossings and crossings[name].estimate <= samples:
            _crossing(axes, crossings[name], method, look.colour, samples)
    axes.set(xlim=(0, samples), xlabel="samples served", ylabel="total seconds, training included")
    axes.set_ylim(bottom=0)
    timed = min(len(method.kept) for method in methods.values())
    legend(figure, f"bands: 95% interval of a crossing, n = {timed}", names=False)
    label_lines(figure, axes, ends)
    return figure


def _crossing(axes: Axes, samples: Interval, method: Serving, colour: Any, end: float) -> None:
    height = float(method.total(samples.estimate))
    axes.axvspan(samples.low, min(samples.high, end), color=colour, alpha=0.15, linewidth=0)
    axes.plot([samples.estimate] * 2, [0, height], color=colour, linestyle=":", linewidth=1)
    axes.plot([samples.estimate], [height], "o", color=colour, markersize=5)


def crossings_by_training_time(hours: np.ndarray, crossings: Mapping[str, np.ndarray], *, tested: int) -> Figure:
    """Draw the number of samples from which training once is cheaper, against the unknown hours of that training.

    `crossings` are, for each method that is compared, the number of samples at each of `hours`; the number of test
    samples is drawn as a line.
    """
    figure, axes = new_figure(height=3.8)
    for name, look in looks(crossings).items():
        axes.plot(hours, crossings[name], look.dash, color=look.colour, label=name)
    axes.axhline(tested, color=GREY, linestyle="--", label=f"test samples (n = {tested:,})")
    axes.set(xlim=(0, hours.max()), xlabel="hours of supervised fine-tuning (not reported)")
    axes.set_ylabel("samples until SFT is cheaper")
    axes.set_ylim(bottom=0)
    legend(figure, "computed from the paper's seconds per sample")
    return figure
