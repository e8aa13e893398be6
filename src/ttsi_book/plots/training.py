"""Figures: training curves."""

from typing import Literal

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, MaxNLocator

from ttsi_book.plots.colours import looks
from ttsi_book.plots.frame import legend, new_figure


def loss_curve(losses: pd.DataFrame, *, x: Literal["step", "tokens"]) -> Figure:
    """Plot loss against training steps or tokens: each column of `losses` other than `x` is a curve, gaps left out."""
    figure, axes = new_figure()
    for name, look in looks(losses.columns.drop(x)).items():
        curve = losses[[x, name]].dropna()
        axes.plot(curve[x], curve[name], look.dash, color=look.colour, label=name)
    axes.set(xlabel={"step": "optimizer steps", "tokens": "training tokens"}[x], ylabel="loss (nats per token)")
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    if x == "tokens":
        axes.xaxis.set_major_formatter(EngFormatter(sep=" "))
    legend(figure)
    return figure
