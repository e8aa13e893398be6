"""Figures: training curves."""

from typing import Literal

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from ttsi_book.plots.frame import PALETTE, legend, new_figure


def loss_curve(losses: pd.DataFrame, *, x: Literal["step", "tokens"]) -> Figure:
    """Plot loss against training steps or tokens: each column of `losses` other than `x` is a curve, gaps left out."""
    figure, axes = new_figure()
    for index, name in enumerate(losses.columns.drop(x)):
        curve = losses[[x, name]].dropna()
        axes.plot(curve[x], curve[name], color=PALETTE[index % len(PALETTE)], label=name)
    axes.set(xlabel={"step": "optimizer steps", "tokens": "training tokens"}[x], ylabel="loss (nats per token)")
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    if x == "tokens":
        axes.xaxis.set_major_formatter(FuncFormatter(lambda count, _: f"{count:,.0f}"))
    legend(figure)
    return figure
