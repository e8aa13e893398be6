"""Figures: what a benchmark's samples are like."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from ttsi.evaluation.statistics import proportion_interval
from ttsi_book.plots.frame import GREY, PALETTE, legend, new_figure, share_axis


def gold_positions(positions: Mapping[str, tuple[int, ...]], *, first_by_chance: float) -> Figure:
    """Show where the gold tool stands among the tools on offer, for each order of the tools.

    Args:
        positions: for each order, how many samples have it first, second, ….
        first_by_chance: how many samples would have it first if every order were as likely.
    """
    figure, axes = new_figure()
    width, n = 0.8 / len(positions), sum(next(iter(positions.values())))
    for index, (order, counts) in enumerate(positions.items()):
        middle = np.arange(1, len(counts) + 1) + (index - (len(positions) - 1) / 2) * width
        shares = [proportion_interval(count, n) for count in counts]
        heights = np.array([share.estimate for share in shares])
        reach = [heights - [share.low for share in shares], [share.high for share in shares] - heights]
        axes.bar(middle, heights, 0.92 * width, color=PALETTE[index], label=order)
        axes.errorbar(middle, heights, yerr=np.clip(reach, 0, None), fmt="none", ecolor="0.25", capsize=2.5)
    axes.axhline(first_by_chance / n, color=GREY, linestyle="--", label="first by chance")
    axes.set_xticks(range(1, len(counts) + 1))
    axes.grid(visible=False, axis="x")
    axes.set_xlabel("position of the gold tool among the tools on offer")
    share_axis(axes, "share of samples")
    legend(figure, f"whiskers: 95% interval, n = {n:,}", columns=3)
    return figure


def reachable_shares(reachable: Mapping[str, tuple[int, int]]) -> Figure:
    """Show how many samples an agent could get exactly right: for each split, the samples within reach and all."""
    figure, axes = new_figure(height=1.3 + 0.4 * len(reachable))
    places = range(len(reachable))
    inside = np.array([within for within, _ in reachable.values()])
    every = np.array([n for _, n in reachable.values()])
    axes.barh(places, inside, color=PALETTE[0], label="within reach")
    axes.barh(places, every - inside, left=inside, color=PALETTE[1], label="out of reach")
    for place, (within, n) in zip(places, reachable.values(), strict=True):
        axes.text(n, place, f" {within:,} of {n:,} ({within / n:.1%})", va="center", fontsize="small")
    axes.set_yticks(places, list(reachable))
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.set(xlim=(0, 1.4 * every.max()), xlabel="samples", ylabel="benchmark split")
    legend(figure)
    return figure
