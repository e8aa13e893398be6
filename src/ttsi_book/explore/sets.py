"""Published rows, grouped into sets of samples: each holds the rows of every family that answered it.

Samples of a set are independent. Where a benchmark was run under several seeds on the same samples, each seed is a set
of its own; where each seed drew its own samples, they are pooled.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ttsi.comparison import LABELS as TOOLWORLD_LABELS
from ttsi.provenance import Provenance
from ttsi.published import read_made, read_study
from ttsi.records import InputError
from ttsi.studies.real_results import LABELS as REAL_LABELS
from ttsi.studies.real_results import SETS as REAL_SETS

STUDIES = {"results": TOOLWORLD_LABELS, "real": REAL_LABELS}
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
    found = [one for study in STUDIES for one in _of_study(data / study, study)]
    if not found:
        raise InputError(f"{data} holds no published runs; expected {' or '.join(f'{name}/' for name in STUDIES)}")
    return found


def _of_study(folder: Path, study: str) -> Iterator[SampleSet]:
    tables = {path.stem: read_study(folder, path.stem) for path in sorted(folder.glob("*.parquet"))}
    made = {family: read_made(folder, family) for family in tables}
    keyed = {family: _key(rows) for family, rows in tables.items()}
    again = set().union(*(_repeated(rows) for rows in keyed.values()))
    whole = list(dict.fromkeys((*key, None) for rows in keyed.values() for key in _keys(rows) if key not in again))
    seeds = [(*key, seed) for key in sorted(again) for seed in _seeds(keyed.values(), key)]
    pooled = [key for key in whole if key[0] == "toolworld" and key[1].endswith("/unseen")]
    choices = [[key] for key in (*sorted(whole, key=lambda key: "/seen" in key[1]), *seeds)]
    for keys in ([pooled] if len(pooled) > 1 else []) + choices:
        runs = (_runs(family, STUDIES[study], rows, made[family], keys) for family, rows in keyed.items())
        answered = tuple(sorted((one for one in runs if one), key=_order(study)))
        yield SampleSet(*_named(keys), study, answered, {key[1]: _named([key])[0] for key in keys})


Key = tuple[str, str, int | None]
"""Benchmark, split, and the seed where seeds are apart."""


def _key(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(benchmark=rows["sample_id"].str.partition("/")[0])


def _keys(rows: pd.DataFrame) -> list[tuple[str, str]]:
    return list(rows[["benchmark", "split"]].drop_duplicates().itertuples(index=False, name=None))


def _repeated(rows: pd.DataFrame) -> set[tuple[str, str]]:
    return set(_keys(rows[rows["sample_id"].duplicated()]))


def _seeds(tables: Iterable[pd.DataFrame], key: tuple[str, str]) -> list[int]:
    found = (rows.loc[(rows["benchmark"] == key[0]) & (rows["split"] == key[1]), "seed"] for rows in tables)
    return sorted(set().union(*found))


def _runs(
    family: str, labels: dict[str, str], rows: pd.DataFrame, made: Sequence[Provenance], keys: Sequence[Key]
) -> Runs | None:
    chosen = pd.Series(False, rows.index)
    for benchmark, split, seed in keys:
        of_key = (rows["benchmark"] == benchmark) & (rows["split"] == split)
        chosen |= of_key if seed is None else of_key & (rows["seed"] == seed)
    behind = [one for one in made if any(_made(one.config, key) for key in keys)]
    if not chosen.any():
        return None
    if not behind:
        raise InputError(f"{family}.jsonl names no run on {keys[0][0]} {keys[0][1]}; expected one for each of its rows")
    return Runs(family, labels.get(family, family), rows[chosen].reset_index(drop=True), tuple(behind))


def _made(config: dict, key: Key) -> bool:
    return (config["benchmark"], config["split"]) == key[:2] and key[2] in (None, config["seed"])


def _named(keys: Sequence[Key]) -> tuple[str, str]:
    benchmark, split, seed = keys[0]
    if len(keys) > 1:
        return f"{benchmark}-unseen", f"{benchmark}, {POOLED}"
    title = REAL_SETS.get(f"{benchmark}/{split}", f"{benchmark}, {split}")
    of_seed = "" if seed is None else f"-seed-{seed}"
    return f"{benchmark}-{split.replace('/', '-')}{of_seed}", title + of_seed.replace("-seed-", ", seed ")


def _order(study: str) -> Callable[[Runs], tuple[int, str]]:
    """Order families as the study's figures do; those that they do not know come last."""
    known = list(STUDIES[study])
    return lambda runs: (known.index(runs.family) if runs.family in known else len(known), runs.family)
