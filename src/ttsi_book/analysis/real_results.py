"""What came of the runs with a real model: shares and paired differences, the seeds of a sample averaged first.

Every row was adapted; a gate is replayed. Samples are the unit of all intervals, so that five seeds of one benchmark
count its samples once.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ttsi.evaluation.comparison import accuracy, with_holm
from ttsi.evaluation.statistics import auroc, difference_interval, mean_interval, sign_flips
from ttsi.settings import is_uncertain
from ttsi.studies.published import margins_of, read_study, replay
from ttsi_book.analysis.reproduced import Study

LABELS = {
    "base": "base",
    "constrained": "constrained",
    "tt-si-paper": "TT-SI",
    "tt-si": "TT-SI, tuned",
    "tt-si-constrained": "TT-SI, tuned + constrained",
    "tt-icl": "TT-ICL",
    "tt-d-oracle": "TT-D (oracle)",
    "sft": "SFT",
    "majority-vote": "majority vote of five",
    "pass-at-5": "any of five (bound)",
}
"""What figures call the families. Plain "TT-SI" is the paper's setting in full, "tuned" the profile `real`; the last
two are the family `base-votes`, its drawn answers counted in two ways."""

SETS = {
    "sealtool/test": "SealTool",
    "nexusraven/test": "NexusRaven",
    "apibank/level-1": "API-Bank, level 1",
    "apibank/level-2": "API-Bank, level 2",
    "toolalpaca/real": "ToolAlpaca",
    "toolalpaca/simulated": "ToolAlpaca, simulated",
}
"""What figures call each split, in their order."""

PRIMARY = (("base", "constrained"), ("base", "tt-si-paper"), ("base", "tt-si"), ("constrained", "tt-si-constrained"))
"""The comparisons that were named before any was computed; Holm's adjustment counts them for each benchmark."""

OTHERS = (("base", "tt-icl"), ("base", "tt-d-oracle"), ("base", "sft"), ("base", "majority-vote"))
"""What stands beside them."""

GATED = ("tt-si", "tt-si-constrained", "tt-icl", "tt-d-oracle")
"""Families with the estimator and the tau of the profile `real`."""

FIRST = ("hesitation-0.0003", 0.5)
"""The candidate and the tau that the first round of runs (`data/real-first`) was made with."""


def read_results(folder: Path, *, taus: dict[str, float]) -> pd.DataFrame:
    """Return the published rows with the column `set`; of families in `taus` as they are behind their gate.

    Raises:
        InputError: the folder holds no published runs.
    """
    rows = read_study(folder)
    kept = [
        replay(part, tau=taus[family]) if (family := str(name)) in taus else part
        for name, part in rows.groupby("family", sort=False)
        if name != "base-votes"
    ]
    rows = pd.concat([*kept, *_votes(rows)], ignore_index=True)
    return rows.assign(set=rows["sample_id"].str.split("/").str[:2].str.join("/").map(SETS))


def _votes(rows: pd.DataFrame) -> list[pd.DataFrame]:
    drawn = rows.query("family == 'base-votes'")
    columns = {"majority-vote": "vote_correct", "pass-at-5": "pass_correct"}
    return [drawn.assign(family=name, greedy_correct=drawn[column]) for name, column in columns.items()]


def agreement(one: pd.DataFrame, other: pd.DataFrame) -> dict[str, int]:
    """Return the number `n` of samples that two runs of a family have, with the `same answer`, and the `same verdict`.

    Both are rows of a family on a set, one a sample, computed in two places.
    """
    both = one.merge(other, on="sample_id", suffixes=("", "_other"))
    same = {"same answer": "greedy_output", "same verdict": "greedy_correct"}
    counts = {what: int(np.count_nonzero(both[name] == both[f"{name}_other"])) for what, name in same.items()}
    return {"n": len(both), **counts}


def as_study(folder: Path) -> Study:
    """Return the runs that answer the paper's questions: TT-SI in its setting, on the sets that it reports.

    Raises:
        InputError: the folder holds no published runs.
    """
    families = Study.read(folder).families
    named = {"base": "base", "tt-si-paper": "tt-si", "sft": "sft"}
    kept = {named[name]: rows.query("split != 'simulated'") for name, rows in families.items() if name in named}
    return Study({name: rows for name, rows in kept.items() if len(rows)})


def of_samples(rows: pd.DataFrame, name: str, family: str, column: str = "greedy_correct") -> pd.Series:
    """Return a truth value of each sample of a set, averaged over seeds; empty where the family was not run on it."""
    part = rows.query("set == @name and family == @family")
    means: Any = pd.Series(part[column], dtype=float).groupby(part["sample_id"]).mean()
    return means


def shares(rows: pd.DataFrame, families: Iterable[str]) -> pd.DataFrame:
    """Return `set`, `family` and the `estimate`, `low`, `high`, `n` of the accuracy of each family on each set."""
    found = []
    for name in SETS.values():
        for family in families:
            right = of_samples(rows, name, family)
            if len(right):
                whole = set(right) <= {0.0, 1.0}
                interval = accuracy(right.to_numpy()) if whole else mean_interval(right)
                found.append({"set": name, "family": family, **vars(interval)})
    return pd.DataFrame(found)


def by_seed(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the accuracy of each family with each seed, where it has several, and their standard deviation.

    Rows are sets and families; columns are `seed 0` and so on, and `SD`. Nothing where all have one seed.
    """
    means: Any = rows.groupby(["set", "family", "seed"], sort=False)["greedy_correct"].mean()
    accuracies = means.unstack("seed")
    several = accuracies[accuracies.notna().sum(axis=1) > 1].dropna(axis=1, how="all").sort_index(axis=1)
    named = several.rename(columns="seed {}".format).rename_axis(index=[None, None], columns=None)
    return named.assign(SD=several.std(axis=1))


def awareness(rows: pd.DataFrame) -> pd.DataFrame:
    """Return how well each recorded estimator of the family `base` finds wrong answers.

    Columns are `set`, `estimator`, `flagged` (the share of samples below 0.95) and the `estimate`, `low`, `high`, `n`
    of the AUROC.
    """
    found = []
    for name, part in rows.query("family == 'base'").groupby("set", sort=False):
        for estimator, margins in margins_of(part).items():
            interval = auroc(1 - margins, ~part["base_correct"])
            flagged = float(is_uncertain(margins, 0.95).mean())
            found.append({"set": name, "estimator": estimator, "flagged": flagged, **vars(interval)})
    return pd.DataFrame(found)


_DIFFERENCE = ("without", "estimate", "low", "high", "n", "seeds", "fixed", "broken", "p_value")


def _answers(rows: pd.DataFrame, name: str, before: str, after: str) -> pd.DataFrame:
    """Return whether each answer to a set is right `before` a method and `after` it: a row a sample and a seed.

    A method that learns is compared with the answers of its own runs before it learned: another machine rounds
    otherwise, and has other answers to about one sample in a hundred.
    """
    found = rows.query("set == @name and family == @after").set_index(["sample_id", "seed"])
    without = found["base_correct"]
    if after == "constrained":
        alone = rows.query("set == @name and family == @before").set_index(["sample_id", "seed"])
        without = alone["greedy_correct"].reindex(found.index)
    return pd.DataFrame({"before": without.astype(int), "after": found["greedy_correct"].astype(int)})


def compared(rows: pd.DataFrame, pairs: Iterable[tuple[str, str]] = PRIMARY) -> pd.DataFrame:
    """Return the paired differences of families on each set on which both were run.

    Columns are `set`, `before`, `after`; `without`, the accuracy before; the `estimate`, `low`, `high`, `n` of the
    difference over samples; the number of `seeds`; `fixed` and `broken`, how many samples were with one seed on
    average; the `p_value` of `sign_flips`; and `p_holm`, which counts the pairs of a set.
    """
    found = []
    for name in SETS.values():
        for before, after in pairs:
            answers = _answers(rows, name, before, after)
            if len(answers):
                found.append({"set": name, "before": before, "after": after, **_difference(answers)})
    table = pd.DataFrame(found, columns=["set", "before", "after", *_DIFFERENCE])
    return pd.concat([with_holm(part) for _, part in table.groupby("set", sort=False)] or [table.assign(p_holm=0.0)])


def _difference(answers: pd.DataFrame) -> dict[str, Any]:
    means: Any = answers.groupby(level="sample_id").mean()
    changes: Any = answers["after"] - answers["before"]
    seeds = answers.index.get_level_values("seed").nunique()
    return {
        "without": float(means["before"].mean()),
        **vars(difference_interval(means["before"], means["after"])),
        "seeds": seeds,
        "fixed": float((changes > 0).sum() / seeds),
        "broken": float((changes < 0).sum() / seeds),
        "p_value": sign_flips(changes.groupby(level="sample_id").sum()),
    }
