"""The runs behind the book: the published ones (every split, five seeds) and those that the profile was chosen on.

Every sample is adapted (tau 1), whatever its margin. An adapted answer does not depend on tau, so the gate at any tau
is replayed on these rows: a sample counts its adapted answer if its margin is below tau, its base answer otherwise.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import pandas as pd

from ttsi.benchmarks.toolworld import SPLITS
from ttsi.profiles import RunConfig, configure
from ttsi.records import InputError
from ttsi.results import PROVENANCE, read_outcomes, read_provenance
from ttsi.runs import run

SEEDS = range(5)
HEADLINE = "single/unseen"
FAMILIES = {"tt-si": {}, "tt-si-constrained": {"constrained": True}}
"""Folder of each family of runs, and what it changes of the profile."""
HEADLINE_LIMITS = {"tt-si": 200, "tt-si-constrained": 80}
OTHER_LIMIT = 20
"""Samples a seed: of the split that the headline is about, and of every other split."""

CANDIDATES = {
    "profile": {},
    "free": {"elicitation": "free"},
    "temperature-1": {"temperature": 1.0},
    "learning-rate-0.001": {"learning_rate": 1e-3},
    "learning-rate-0.01": {"learning_rate": 1e-2},
    "epochs-10": {"epochs": 10},
    "k-1": {"k": 1},
    "k-4-draws-8": {"k": 4, "draws": 8},
}
"""What the `tiny` profile was chosen from on validation samples, each a change of one thing."""

Named = tuple[str, RunConfig]


def published_runs() -> Iterator[Named]:
    """Yield the folder and the configuration of every published run."""
    for seed in SEEDS:
        for split in (HEADLINE, *(split for split in SPLITS if split != HEADLINE)):
            for family, changes in FAMILIES.items():
                limit = HEADLINE_LIMITS[family] if split == HEADLINE else OTHER_LIMIT
                folder = f"{family}/{split.replace('/', '-')}/seed-{seed}"
                yield folder, configure("tiny", split=split, seed=seed, limit=limit, tau=1.0, **changes)


def selection_runs(*, limit: int = 25) -> Iterator[Named]:
    """Yield the folder and the configuration of every candidate on validation samples of two unseen splits."""
    for split in (HEADLINE, "typed/unseen"):
        for name, changes in CANDIDATES.items():
            settings = {"tau": 1.0, **changes, "split": split, "subset": "validation", "limit": limit}
            yield f"{name}/{split.replace('/', '-')}/seed-0", configure("tiny", **settings)


STUDIES = {"results": published_runs, "selection": selection_runs}


def run_study(named: Iterable[Named], out: Path, *, shard: tuple[int, int] = (0, 1)) -> None:
    """Run every `shard[1]`-th of the runs from `shard[0]` on, going on where an earlier call stopped."""
    for folder, config in islice(named, shard[0], None, shard[1]):
        run(config, out / folder, resume=True)


def read_study(folder: Path) -> pd.DataFrame:
    """Return the rows of all published runs with the columns `family` and `split` before those of `Outcome`.

    Raises:
        InputError: the folder holds no run, or one that is not finished.
    """
    tables = []
    for path in sorted(folder.glob(f"*/*/*/{PROVENANCE}")):
        split = read_provenance(path.parent).config["split"]
        table = read_outcomes(path.parent)
        table.insert(0, "split", split)
        table.insert(0, "family", path.relative_to(folder).parts[0])
        tables.append(table)
    if not tables:
        raise InputError(f"{folder} holds no run; expected FAMILY/SPLIT/seed-N/ folders, as `ttsi study` writes them")
    return pd.concat(tables, ignore_index=True)


def at_tau(rows: pd.DataFrame, tau: float) -> pd.DataFrame:
    """Replay the gate: rows that were all adapted, as they are at `tau` (columns `adapted`, `output`, `correct`)."""
    uncertain = rows["margin"] < tau
    replayed = rows.assign(uncertain=uncertain, adapted=rows["adapted"] & uncertain)
    for column, before in (("output", "base_output"), ("correct", "base_correct")):
        replayed[column] = rows[column].where(uncertain, rows[before])
    return replayed
