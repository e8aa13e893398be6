"""What the time of a computation goes into, by kind of operation."""

import os
from collections.abc import Callable

import pandas as pd
from torch.profiler import ProfilerActivity, profile

os.environ.setdefault("KINETO_LOG_LEVEL", "6")  # below which the profiler announces itself on stderr

PRODUCTS = ("mm", "bmm", "addmm", "baddbmm")
OPERATIONS = {
    "attention": ("attention",),
    "optimizer": ("adamw", "_foreach", "lerp", "addcdiv", "addcmul"),
    "copies": ("copy_", "cat", "clone", "index", "gather", "scatter", "fill_", "zero_", "embedding"),
}
"""Operations of PyTorch by what their names hold; the first kind that fits."""


def kinds_of_work(compute: Callable[[], object]) -> pd.Series:
    """Return the seconds that `compute` spends in each kind of operation, on a CPU, and around them.

    Operations are timed by PyTorch's profiler, each without those that it calls.
    """
    with profile(activities=[ProfilerActivity.CPU]) as found:
        compute()
    seconds = pd.Series(0.0, ["products of matrices", "element by element", *OPERATIONS, "around operations"])
    for operation in found.key_averages():
        seconds[_kind(operation.key)] += operation.self_cpu_time_total / 1e6
    return seconds


def _kind(name: str) -> str:
    plain = name.removeprefix("aten::")
    if plain in PRODUCTS:
        return "products of matrices"
    for kind, parts in OPERATIONS.items():
        if any(part in plain.lower() for part in parts):
            return kind
    return "around operations" if name == plain else "element by element"
