"""What is published of the studies: one table a family of runs, and the gate replayed on it.

An adapted answer does not depend on the gate, so every sample is adapted once and any gate at any tau is replayed: a
sample that the gate lets through counts its adapted answer, any other its base answer.

The column `losses` of the results on toolworld is younger than their runs: each sample was trained again on its own
published examples, from its own seed, in batches.
"""

import json
from io import BytesIO
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from ttsi.estimators import ESTIMATORS
from ttsi.records import InputError, seed_for
from ttsi.settings import is_uncertain

Replayed = Literal["uncertain", "all", "surest", "lot"]
"""A gate of `replay`: the samples below tau, all, or as many as lie below tau: the surest ones, or drawn by lot."""


def read_study(folder: Path, *families: str) -> pd.DataFrame:
    """Return the rows of published families (all, if none is named).

    Columns are `family` and `split`, then those of `Outcome` except `output` and `correct`, which depend on the
    decoding mode: `greedy_correct`, `vote_correct` and `pass_correct` stand for the three.

    Raises:
        InputError: a family is not there.
    """
    wanted = families or tuple(sorted(path.stem for path in folder.glob("*.parquet"))) or ("*",)
    tables = []
    for family in wanted:
        try:
            # Opened by Python, so that the book notes that a chapter reads it.
            tables.append(pd.read_parquet(BytesIO((folder / f"{family}.parquet").read_bytes())))
        except (OSError, ValueError) as error:
            raise InputError(f"{folder / family}.parquet cannot be read as published runs: {error}") from error
    return pd.concat(tables, ignore_index=True)


def margins_of(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the margin of each row by the estimators that the rows hold: a column each, as `ESTIMATORS` has them."""
    margins = pd.json_normalize(rows["margins"].map(json.loads).tolist()).set_index(rows.index)
    return margins.reindex(columns=[name for name in ESTIMATORS if name in margins])


def replay(
    rows: pd.DataFrame, *, tau: float, gate: Replayed = "uncertain", base: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return the rows of one method, which were all adapted, as they are behind a gate.

    `base` are rows of the method `base` on the same samples; without them the sampled answers' columns become empty.
    """
    uncertain = is_uncertain(rows["margin"], tau)
    budget = int(np.sum(uncertain))
    names = zip(rows["seed"], rows["sample_id"], strict=True)
    drawn = pd.Series([seed_for(seed, name, "gate") for seed, name in names], rows.index)
    chosen = {
        "uncertain": uncertain,
        "all": uncertain | True,
        "surest": rows["margin"].rank(method="first", ascending=False) <= budget,
        "lot": drawn.rank(method="first") <= budget,
    }[gate]
    replayed = rows.assign(uncertain=uncertain, adapted=rows["adapted"] & chosen)
    for column, before in (("greedy_output", "base_output"), ("greedy_correct", "base_correct")):
        replayed[column] = rows[column].where(chosen, rows[before])
    answered = pd.MultiIndex.from_arrays([rows["seed"], rows["sample_id"]])
    stays = base.set_index(["seed", "sample_id"]).reindex(answered) if base is not None else None
    for column in ("vote_correct", "pass_correct"):
        replayed[column] = rows[column].where(chosen, None if stays is None else stays[column].to_numpy())
    return replayed.drop(columns=["output", "correct", "draws"], errors="ignore")
