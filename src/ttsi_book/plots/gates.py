"""Figures: what a gate saves, and what it gives away."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from ttsi_book.plots.colours import looks
from ttsi_book.plots.frame import count, legend, new_figure, share_close_up


def tau_sweep_curve(estimators: Mapping[str, pd.DataFrame], *, seconds: tuple[float, float]) -> Figure:
    """Plot accuracy with its 95% band, and below it what a sample costs, against the threshold.

    Args:
        estimators: names, each with a table of `statistics.tau_sweep`.
        seconds: mean of a sample that is not adapted, and what adapting adds to it.
    """
    figure, (above, below) = new_figure(rows=2, height=5.2, height_ratios=[3, 2])
    always, extra = seconds
    for name, look in looks(estimators).items():
        sweep = estimators[name]
        above.fill_between(
            sweep["tau"], sweep["accuracy_low"], sweep["accuracy_high"], color=look.colour, alpha=0.15, linewidth=0
        )
        above.plot(sweep["tau"], sweep["accuracy"], color=look.colour, label=f"{name} ({count(sweep)})")
        below.plot(sweep["tau"], always + extra * sweep["adapted"], color=look.colour)
    bands = pd.concat(estimators.values())[["accuracy_low", "accuracy_high"]]
    share_close_up(above, "accuracy (exact match)", bands)
    below.set(xlim=(0, 1), xlabel="threshold tau (no unit)", ylabel="seconds a sample")
    below.set_ylim(0, 1.08 * (always + extra))
    adapted = below.secondary_yaxis(
        "right", functions=(lambda cost: (cost - always) / extra, lambda s: always + extra * s)
    )
    adapted.set_ylabel("samples below tau")
    adapted.set_yticks([0, 0.5, 1])
    adapted.yaxis.set_major_formatter(PercentFormatter(1))
    legend(figure, "band: 95% interval")
    return figure
