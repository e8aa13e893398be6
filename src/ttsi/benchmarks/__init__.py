"""Benchmarks: `load(name, split)` returns samples in the one record schema.

| benchmark | splits | from |
|---|---|---|
| toolworld | `kind/tools` | generated |
| nexusraven | `test` | Python stubs and calls |
| sealtool | `test` (single calls), `all` | tool lists as Python text |
| apibank | `level-1`, `level-2`, `level-3` | dialogue text |
| toolalpaca | `real`, `simulated` | API descriptions |
| bfcl | `all`, of the training subset alone | records a line: what the real model is tuned on |
"""

import logging
from dataclasses import dataclass
from importlib import import_module
from itertools import product
from pathlib import Path
from typing import Any, get_args

from ttsi.benchmarks.drafts import UNPARSABLE, Draft, ToolOrder, flagged
from ttsi.benchmarks.sources import MissingFileError, find_file
from ttsi.records import MOST, InputError, Sample, Subset


@dataclass(frozen=True)
class Benchmark:
    """One benchmark: the module that reads it, imported when it is read, and which of its splits are reported."""

    module: str
    """Has `SPLITS`, `PARTS` (the files of each subset) and `read(split, subset, find)`, which yields drafts. That of a
    generated benchmark has `SPLITS` and `load(split, subset=…, seed=…, limit=…)`, which returns samples."""
    evaluated: tuple[str, ...] = ()
    """The splits that evaluation uses; none: the benchmark is only learned from."""
    of_paper: bool = False
    """Whether the paper reports on it."""
    generated: bool = False
    """Whether its samples are drawn, without end, instead of read from files."""

    @property
    def reader(self) -> Any:
        """Its module, imported."""
        return import_module(self.module)

    @property
    def splits(self) -> tuple[str, ...]:
        """All its splits."""
        return self.reader.SPLITS


BENCHMARKS: dict[str, Benchmark] = {
    "toolworld": Benchmark("ttsi.benchmarks.toolworld", ("single/unseen",), generated=True),
    "nexusraven": Benchmark("ttsi.benchmarks.nexusraven", ("test",), of_paper=True),
    "sealtool": Benchmark("ttsi.benchmarks.sealtool", ("test",), of_paper=True),
    "apibank": Benchmark("ttsi.benchmarks.apibank", ("level-1", "level-2"), of_paper=True),
    "toolalpaca": Benchmark("ttsi.benchmarks.toolalpaca", ("real",), of_paper=True),
    "bfcl": Benchmark("ttsi.benchmarks.bfcl"),
}
"""By name. To add one, write its reader and add its entry."""

PAPER_BENCHMARKS = tuple(name for name, benchmark in BENCHMARKS.items() if benchmark.of_paper)

_log = logging.getLogger(__name__)


def load(
    benchmark: str,
    split: str,
    *,
    subset: Subset = "test",
    seed: int = 0,
    limit: int | None = None,
    data_dir: Path | None = None,
    tool_order: ToolOrder = "shuffled",
) -> list[Sample]:
    """Return the samples of one split of a benchmark, in the order of its files.

    Samples that are not clean are kept and flagged. One whose gold calls cannot be read has no right answer: it is left
    out, a warning is logged, and `ttsi benchmarks check` counts it.

    Args:
        benchmark: one of `BENCHMARKS`.
        split: one of its splits.
        subset: the training set, or the validation set, where the benchmark has one.
        seed: of generated samples; those of files are always the same.
        limit: number of samples; none: all, which a generated benchmark has not.
        data_dir: folder of the fetched files; none: `$TTSI_BENCHMARKS`, or `benchmarks/` of the data folder.
        tool_order: of samples from files: shuffled by each sample's id, or as upstream lists the tools.

    Raises:
        InputError: the benchmark, the split or the subset does not exist, or a file is missing or malformed.
    """
    known = _known(benchmark)
    if limit is not None and not 0 <= limit <= MOST:
        raise InputError(f"limit is {limit}; expected 0 to {MOST} samples")
    if known.generated:
        if limit is None:
            raise InputError(f"limit is none; expected a number of samples, since {benchmark} has no end")
        return known.reader.load(split, subset=subset, seed=seed, limit=limit)
    if tool_order not in get_args(ToolOrder):
        raise InputError(f"unknown tool order {tool_order!r}; expected {' or '.join(get_args(ToolOrder))}")
    drafts = read_drafts(benchmark, split, subset=subset, data_dir=data_dir)
    read = [draft for draft in drafts if draft.gold is not None]
    if len(read) < len(drafts):
        left_out = len(drafts) - len(read)
        _log.warning("%s/%s: %d of %d samples left out: %s", benchmark, split, left_out, len(drafts), UNPARSABLE)
    return [draft.sample(tool_order) for draft in read[:limit]]


def load_all(benchmark: str, data_dir: Path | None = None) -> list[Sample]:
    """Return the test and validation samples of all splits of a benchmark whose files are at hand.

    What an earlier split holds is not repeated.

    Raises:
        InputError: no file is, or one is malformed.
    """
    samples, held, missing = [], set(), None
    reader = _known(benchmark).reader
    subsets: list[Subset] = [subset for subset in get_args(Subset) if subset != "train" and subset in reader.PARTS]
    for split, subset in product(reader.SPLITS, subsets):
        try:
            found = load(benchmark, split, subset=subset, data_dir=data_dir)
        except MissingFileError as error:
            missing = missing or error
            continue
        said = [_said(sample) for sample in found]
        samples += [sample for sample, one in zip(found, said, strict=True) if one not in held]
        held.update(said)
    if missing and not samples:
        raise missing
    return samples


def _said(sample: Sample) -> str:
    """Return all that a sample says, whatever its id and the order of its tools."""
    tools = sorted(sample.request.tools, key=lambda tool: tool.name)
    return repr((sample.request.messages, tools, sample.gold))


def read_drafts(benchmark: str, split: str, *, subset: Subset = "test", data_dir: Path | None = None) -> list[Draft]:
    """Return every sample of a benchmark's files, also those whose gold calls cannot be read.

    Raises:
        InputError: the split or the subset does not exist, or a file is missing or malformed.
    """
    reader = _known(benchmark).reader
    if split not in reader.SPLITS:
        raise InputError(f"unknown split {split!r} of {benchmark}; expected one of {', '.join(reader.SPLITS)}")
    if subset not in reader.PARTS:
        wanted = {"train": "training", "validation": "validation", "test": "test"}.get(subset, subset)
        raise InputError(f"{benchmark} has no {wanted} set; expected one of {', '.join(reader.PARTS)}")
    return list(flagged(reader.read(split, subset, lambda path: find_file(benchmark, path, data_dir, subset))))


def _known(name: str) -> Benchmark:
    if name not in BENCHMARKS:
        raise InputError(f"unknown benchmark {name!r}; expected one of {', '.join(BENCHMARKS)}")
    return BENCHMARKS[name]
