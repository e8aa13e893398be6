"""Figures: what a benchmark's samples are like."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from ttsi.evaluation.statistics import proportion_interval
from ttsi_book.plots.colours import GREY, GRID, INK, RIGHT, looks
from ttsi_book.plots.frame import legend, new_figure, reach, share_axis


def gold_positions(positions: Mapping[str, tuple[int, ...]], *, first_by_chance: float) -> Figure:
    """Show where the gold tool stands among the tools on offer, for each order of the tools.

    Args:
        positions: for each order, how many samples have it first, second, ….
        first_by_chance: how many samples would have it first if every order were as likely.
    """
    figure, axes = new_figure()
    width, n = 0.8 / len(positions), sum(next(iter(positions.values())))
    for index, (order, look) in enumerate(looks(positions).items()):
        counts = positions[order]
        middle = np.arange(1, len(counts) + 1) + (index - (len(positions) - 1) / 2) * width
        shares = [proportion_interval(count, n) for count in counts]
        heights = np.array([share.estimate for share in shares])
        ends = reach(heights, [share.low for share in shares], [share.high for share in shares])
        axes.bar(middle, heights, 0.92 * width, color=look.colour, label=order)
        axes.errorbar(middle, heights, yerr=ends, fmt="none", ecolor=INK, capsize=2.5)
    axes.axhline(first_by_chance / n, color=GREY, linestyle="--", label="first by chance")
    axes.set_xticks(range(1, len(counts) + 1))
    axes.grid(visible=False, axis="x")
    axes.set_xlabel("position of the gold tool among the tools on offer")
    share_axis(axes, "share of samples")
    legend(figure, f"whiskers: 95% interval, n = {n:,}")
    return figure


def reachable_shares(reachable: Mapping[str, tuple[int, int]]) -> Figure:
    """Show which share an agent could get exactly right: for each split, the samples within reach and all."""
    figure, axes = new_figure(height=1.2 + 0.34 * len(reachable))
    places = range(len(reachable))
    axes.barh(places, [1] * len(reachable), color=GRID)
    axes.barh(places, [within / n for within, n in reachable.values()], color=RIGHT)
    for place, (within, n) in zip(places, reachable.values(), strict=True):
        text = f"{within / n:.1%} of {n:,}"
        axes.annotate(text, (1, place), (6, 0), textcoords="offset points", va="center", annotation_clip=False)
    axes.set_yticks(places, list(reachable))
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.set(xlim=(0, 1), xlabel="samples within reach", ylabel="benchmark split")
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    return figure
