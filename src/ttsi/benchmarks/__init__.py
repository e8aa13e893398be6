"""Benchmarks: `load(name, split)` returns samples in the one record schema."""

from pathlib import Path
from typing import Literal

from ttsi.benchmarks import toolworld
from ttsi.benchmarks.toolworld import Subset
from ttsi.records import InputError, Sample

BENCHMARKS = ("toolworld",)


def load(
    benchmark: str,
    split: str,
    *,
    subset: Subset = "test",
    seed: int = 0,
    limit: int | None = 200,
    data_dir: Path | None = None,
    tool_order: Literal["shuffled", "upstream"] = "shuffled",
) -> list[Sample]:
    """Return the samples of one split of a benchmark.

    Raises:
        InputError: the benchmark, the split or the subset does not exist.
    """
    if benchmark not in BENCHMARKS:
        raise InputError(f"unknown benchmark {benchmark!r}; expected one of {', '.join(BENCHMARKS)}")
    return toolworld.load(split, subset=subset, seed=seed, limit=limit)
