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
from itertools import product
from pathlib import Path

from ttsi.benchmarks import apibank, bfcl, nexusraven, sealtool, toolalpaca, toolworld
from ttsi.benchmarks.drafts import UNPARSABLE, Draft, ToolOrder, flagged
from ttsi.benchmarks.sources import find_file
from ttsi.records import MOST, InputError, Sample, Subset

_EVALUATED = {reader.NAME: reader for reader in (nexusraven, sealtool, apibank, toolalpaca)}
_READERS = _EVALUATED | {bfcl.NAME: bfcl}

PAPER_BENCHMARKS = tuple(_EVALUATED)
BENCHMARKS = ("toolworld", *PAPER_BENCHMARKS)
SPLITS: dict[str, tuple[str, ...]] = {"toolworld": toolworld.SPLITS} | {n: r.SPLITS for n, r in _READERS.items()}
DEFAULT_SPLITS: dict[str, tuple[str, ...]] = {
    "toolworld": ("single/unseen",),
    "nexusraven": ("test",),
    "sealtool": ("test",),
    "apibank": ("level-1", "level-2"),
    "toolalpaca": ("real",),
}
"""The splits that evaluation uses."""

_log = logging.getLogger(__name__)


def load(
    benchmark: str,
    split: str,
    *,
    subset: Subset = "test",
    seed: int = 0,
    limit: int | None = 200,
    data_dir: Path | None = None,
    tool_order: ToolOrder = "shuffled",
) -> list[Sample]:
    """Return the samples of one split of a benchmark, in the order of its files.

    Samples that are not clean are kept and flagged. One whose gold calls cannot be read has no right answer: it is left
    out, a warning is logged, and `ttsi benchmarks check` counts it.

    Args:
        benchmark: one of `BENCHMARKS`.
        split: one of its `SPLITS`.
        subset: the training set, or the validation set, where the benchmark has one.
        seed: of toolworld's samples; the paper's benchmarks have no others to draw.
        limit: number of samples; none: all, which only the paper's benchmarks have.
        data_dir: folder of the fetched files; none: `$TTSI_BENCHMARKS`, or `benchmarks/` of the data folder.
        tool_order: of the paper's benchmarks: shuffled by each sample's id, or as upstream lists the tools.

    Raises:
        InputError: the benchmark, the split or the subset does not exist, or a file is missing or malformed.
    """
    if benchmark not in SPLITS:
        raise InputError(f"unknown benchmark {benchmark!r}; expected one of {', '.join(SPLITS)}")
    if limit is not None and not 0 <= limit <= MOST:
        raise InputError(f"limit is {limit}; expected 0 to {MOST} samples")
    if benchmark == "toolworld":
        if limit is None:
            raise InputError("limit is none; expected a number of samples, since toolworld has no end")
        return toolworld.load(split, subset=subset, seed=seed, limit=limit)
    if tool_order not in ("shuffled", "upstream"):
        raise InputError(f"unknown tool order {tool_order!r}; expected shuffled or upstream")
    drafts = read_drafts(benchmark, split, subset=subset, data_dir=data_dir)
    read = [draft for draft in drafts if draft.gold is not None]
    if len(read) < len(drafts):
        left_out = len(drafts) - len(read)
        _log.warning("%s/%s: %d of %d samples left out: %s", benchmark, split, left_out, len(drafts), UNPARSABLE)
    return [draft.sample(tool_order) for draft in read[:limit]]


def load_all(benchmark: str, data_dir: Path | None = None) -> list[Sample]:
    """Return the test and validation samples of all splits of one of the paper's benchmarks whose files are at hand.

    What an earlier split holds is not repeated.

    Raises:
        InputError: no file is.
    """
    samples, held, missing = [], set(), None
    for split, subset in product(SPLITS[benchmark], ("test", "validation")):
        try:
            found = load(benchmark, split, subset=subset, limit=None, data_dir=data_dir)
        except InputError as error:
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
    """Return every sample of one of the paper's benchmarks, also those whose gold calls cannot be read.

    Raises:
        InputError: the split or the subset does not exist, or a file is missing or malformed.
    """
    reader = _READERS[benchmark]
    if split not in reader.SPLITS:
        raise InputError(f"unknown split {split!r} of {benchmark}; expected one of {', '.join(reader.SPLITS)}")
    if subset not in reader.PARTS:
        wanted = {"train": "training", "validation": "validation", "test": "test"}.get(subset, subset)
        raise InputError(f"{benchmark} has no {wanted} set; expected one of {', '.join(reader.PARTS)}")
    return list(flagged(reader.read(split, subset, lambda path: find_file(benchmark, path, data_dir, subset))))
