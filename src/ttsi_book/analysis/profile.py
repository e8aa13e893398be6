"""What the time of a computation goes into, by kind of operation."""

import os
from collections.abc import Callable

import pandas as pd
from torch.autograd.profiler_util import FunctionEvent
from torch.profiler import ProfilerActivity, profile

os.environ.setdefault("KINETO_LOG_LEVEL", "6")  # below which the profiler announces itself on stderr

PRODUCTS = ("mm", "bmm", "addmm", "baddbmm")
OPERATIONS = {
    "attention": ("attention",),
    "optimizer": ("optimizer.step",),
    "copies": ("copy_", "cat", "clone", "index", "gather", "scatter", "fill_", "zero_", "embedding"),
}
"""Operations of PyTorch by what their names hold; the first kind that fits. What the optimizer calls is its own."""


def kinds_of_work(compute: Callable[[], object]) -> pd.Series:
    """Return the seconds that `compute` spends in each kind of operation, on a CPU, and around them.

    Operations are timed by PyTorch's profiler, each without those that it calls.
    """
    with profile(activities=[ProfilerActivity.CPU]) as found:
        compute()
    seconds = pd.Series(0.0, ["products of matrices", "element by element", *OPERATIONS, "around operations"])
    for operation in found.events() or ():
        seconds[_kind(_within_optimizer(operation) or operation.name)] += operation.self_cpu_time_total / 1e6
    return seconds


def _within_optimizer(operation: FunctionEvent) -> str | None:
    """Return the name of the optimizer's step that an operation is part of, if it is of one."""
    parent = operation.cpu_parent
    while parent is not None and not parent.name.startswith("Optimizer.step"):
        parent = parent.cpu_parent
    return parent and parent.name


def _kind(name: str) -> str:
    plain = name.removeprefix("aten::")
    if plain in PRODUCTS:
        return "products of matrices"
    for kind, parts in OPERATIONS.items():
        if any(part in plain.lower() for part in parts):
            return kind
    return "around operations" if name == plain else "element by element"
