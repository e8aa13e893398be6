"""Published rows, grouped into sets of samples: each holds the rows of every family that answered it.

Samples of a set are independent. Where a benchmark was run under several seeds on the same samples, each seed is a set
of its own; where each seed drew its own samples, they are pooled.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ttsi.benchmarks import BENCHMARKS
from ttsi.evaluation.comparison import LABELS as TOOLWORLD_LABELS
from ttsi.records import InputError
from ttsi.runs.provenance import Provenance
from ttsi.studies.collecting import read_made
from ttsi.studies.published import read_study
from ttsi_book.analysis.real_results import LABELS as REAL_LABELS
from ttsi_book.analysis.real_results import SETS as REAL_SETS

EXPLORED = {"results": TOOLWORLD_LABELS, "real": REAL_LABELS}
"""The folders of published runs that the page shows, and what their families are called."""

POOLED = "unseen splits, pooled"


@dataclass(frozen=True)
class Runs:
    """The rows of one family on one set of samples, and what made them."""

    family: str
    label: str
    rows: pd.DataFrame
    made: tuple[Provenance, ...]

    @property
    def method(self) -> str:
        """The method that the family is a setting of."""
        return self.made[0].config["method"]

    @property
    def is_gated(self) -> bool:
        """Whether the method practises for a request, and so may leave one alone that it is sure of."""
        return self.made[0].config["loop"]["author"] in ("self", "teacher")


@dataclass(frozen=True)
class SampleSet:
    """A set of samples and the families that answered it."""

    name: str
    """Fit for the name of a file."""
    title: str
    study: str
    runs: tuple[Runs, ...]
    parts: dict[str, str]
    """The name of the set that holds each split alone: of this set, unless it pools splits."""

    @property
    def pooled(self) -> bool:
        """Whether the set pools splits."""
        return len(self.parts) > 1

    def base(self) -> Runs | None:
        """Return the rows of the family `base`, if it answered the set."""
        return next((runs for runs in self.runs if runs.family == "base"), None)


def read_sets(data: Path) -> list[SampleSet]:
    """Return every published set of samples below the data folder; toolworld's unseen splits also pooled, first.

    Raises:
        InputError: there are no published runs.
    """
    studies = [study for study in EXPLORED if any((data / study).glob("*.parquet"))]
    found = [one for study in studies for one in _of_study(data / study, study)]
    if not found:
        raise InputError(f"{data} holds no published runs; expected {' or '.join(f'{name}/' for name in EXPLORED)}")
    return found


@dataclass(frozen=True, order=True)
class _Key:
    """Names what is published of one split: of all seeds together, or of one."""

    benchmark: str
    split: str
    seed: int | None = None

    @property
    def name(self) -> str:
        """Return what its files are called."""
        of_seed = "" if self.seed is None else f"-seed-{self.seed}"
        return f"{self.benchmark}-{self.split.replace('/', '-')}{of_seed}"

    @property
    def title(self) -> str:
        """Return what a reader is shown."""
        title = REAL_SETS.get(f"{self.benchmark}/{self.split}", f"{self.benchmark}, {self.split}")
        return title if self.seed is None else f"{title}, seed {self.seed}"

    def means(self, runs: Any) -> Any:
        """Return which rows of a table are meant, or whether the run of a configuration is."""
        return np.all([runs[name] == value for name, value in vars(self).items() if value is not None], axis=0)


def _of_study(folder: Path, study: str) -> Iterator[SampleSet]:
    published = sorted(path.stem for path in folder.glob("*.parquet"))
    known = [family for family in EXPLORED[study] if family in published]  # ordered as the study's figures do
    tables = {family: read_study(folder, family) for family in dict.fromkeys([*known, *published])}
    for rows in tables.values():
        rows["benchmark"] = rows["sample_id"].str.partition("/")[0]
    made = {family: read_made(folder, family) for family in tables}
    keys = _keys(tables.values())
    unseen = [key for key in keys if BENCHMARKS[key.benchmark].generated and key.split.endswith("/unseen")]
    choices = ([("toolworld-unseen", f"toolworld, {POOLED}", unseen)] if len(unseen) > 1 else []) + [
        (key.name, key.title, [key]) for key in keys
    ]
    for name, title, chosen in choices:
        found = (_runs(family, EXPLORED[study], rows, made[family], chosen) for family, rows in tables.items())
        yield SampleSet(name, title, study, tuple(filter(None, found)), {key.split: key.name for key in chosen})


def _keys(tables: Collection[pd.DataFrame]) -> list[_Key]:
    """Return what can be chosen: seeds apart where any family answered the same samples under several."""
    rows: Any = pd.concat([table[["benchmark", "split", "seed", "sample_id", "family"]] for table in tables])
    again = rows[rows.duplicated(subset=["benchmark", "split", "sample_id", "family"])]
    apart = set(zip(again["benchmark"], again["split"], strict=True))
    found = sorted(set(zip(rows["benchmark"], rows["split"], rows["seed"].astype(int), strict=True)))
    named = [(one, split, seed if (one, split) in apart else None) for one, split, seed in found]
    keys = [_Key(*one) for one in dict.fromkeys(named)]
    return sorted(keys, key=lambda key: key.split.endswith("/seen"))


def _runs(
    family: str, labels: Mapping[str, str], rows: pd.DataFrame, made: Sequence[Provenance], keys: Sequence[_Key]
) -> Runs | None:
    meant = np.any([key.means(rows) for key in keys], axis=0)
    if not meant.any():
        return None
    behind = tuple(one for one in made if any(key.means(one.config) for key in keys))
    if not behind:
        raise InputError(f"{family}.jsonl names no run on {keys[0].title}; expected one for each of its rows")
    return Runs(family, labels.get(family, family), rows.loc[meant].reset_index(drop=True), behind)
