"""Figure: what a paper reports beside what was found elsewhere."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ttsi_book.plots.colours import looks
from ttsi_book.plots.frame import WIDTH, legend, reach


def reported_dots(panels: Mapping[str, pd.DataFrame], sources: Sequence[str]) -> Figure:
    """Show one panel for each unit: a row for each number, a mark for each source that has it.

    Args:
        panels: by the label of its axis, a table with the columns `what`, `source`, `estimate`, `low` and `high`; the
            last two are missing where no interval is known.
        sources: in the order of their colours; those without a number are left out.
    """
    names = [list(dict.fromkeys(table["what"])) for table in panels.values()]
    heights = [len(rows) + 1 for rows in names]
    figure, axes = plt.subplots(
        len(panels), figsize=(WIDTH, 1.2 + 0.3 * sum(heights)), layout="constrained", height_ratios=heights
    )
    plt.close(figure)
    drawn = looks(sources)
    for axis, (label, table), rows in zip(np.atleast_1d(axes), panels.items(), names, strict=True):
        for index, source in enumerate(sources):
            part = table[table["source"] == source]
            if not len(part):
                continue
            axis.errorbar(
                part["estimate"],
                [rows.index(what) + 0.2 * (index - (len(sources) - 1) / 2) for what in part["what"]],
                xerr=reach(part["estimate"], part["low"], part["high"]),
                linestyle="",
                marker=drawn[source].marker,
                markersize=4.5,
                capsize=2.5,
                color=drawn[source].colour,
                label=source,
            )
        axis.set_xlim(left=min(0, axis.get_xlim()[0]))
        axis.set_yticks(range(len(rows)), rows)
        axis.set_ylim(len(rows) - 0.5, -0.5)
        axis.grid(visible=False, axis="y")
        axis.set(xlabel=label, ylabel="number of the paper")
    legend(figure, "whiskers: 95% interval, where one is known")
    return figure
