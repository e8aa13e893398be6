"""What a split holds, in numbers that can be compared with what is known of upstream's files."""

from collections import Counter
from pathlib import Path

from ttsi.benchmarks import read_drafts
from ttsi.records import Record


class Check(Record):
    """How many samples a split has, how many can be read, how many are clean, and how many carry each flag."""

    benchmark: str
    split: str
    n: int
    parsed: int
    clean: int
    """As `Draft.clean` says."""
    flags: dict[str, int]


def check(benchmark: str, split: str, data_dir: Path | None = None) -> Check:
    """Read a split of one of the paper's benchmarks, as `read_drafts` does, and count."""
    drafts = read_drafts(benchmark, split, data_dir=data_dir)
    return Check(
        benchmark=benchmark,
        split=split,
        n=len(drafts),
        parsed=sum(draft.gold is not None for draft in drafts),
        clean=sum(draft.clean for draft in drafts),
        flags=dict(sorted(Counter(flag for draft in drafts for flag in draft.flags).items())),
    )
