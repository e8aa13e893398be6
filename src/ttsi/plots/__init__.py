"""The figures of the book, in one style: tables and intervals in, a Matplotlib figure out."""

from ttsi.plots.accuracy import accuracy_dots, difference_dots, fixed_and_broken
from ttsi.plots.awareness import auroc_dots, margin_ecdf, reliability, roc_curves
from ttsi.plots.frame import percent, style
from ttsi.plots.gates import tau_sweep_curve
from ttsi.plots.stacked import example_verdicts, stage_seconds
from ttsi.plots.training import loss_curve

__all__ = [
    "accuracy_dots",
    "auroc_dots",
    "difference_dots",
    "example_verdicts",
    "fixed_and_broken",
    "loss_curve",
    "margin_ecdf",
    "percent",
    "reliability",
    "roc_curves",
    "stage_seconds",
    "style",
    "tau_sweep_curve",
]
