"""The figures of the book, in one style: tables and intervals in, a Matplotlib figure out."""

from ttsi_book.plots.accuracy import accuracy_bars, accuracy_dots, difference_dots, fixed_and_broken
from ttsi_book.plots.awareness import auroc_dots, margin_histogram, reliability, roc_curves
from ttsi_book.plots.frame import percent, style
from ttsi_book.plots.gates import tau_sweep_curve
from ttsi_book.plots.stacked import example_verdicts, stage_seconds
from ttsi_book.plots.training import loss_curve

__all__ = [
    "accuracy_bars",
    "accuracy_dots",
    "auroc_dots",
    "difference_dots",
    "example_verdicts",
    "fixed_and_broken",
    "loss_curve",
    "margin_histogram",
    "percent",
    "reliability",
    "roc_curves",
    "stage_seconds",
    "style",
    "tau_sweep_curve",
]
