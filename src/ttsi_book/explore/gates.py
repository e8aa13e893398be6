"""What a gate does at each tau: the same as `ttsi.studies.published.replay`, computed for all tau at once."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ttsi.evaluation.costs import Serving, seconds_adapted, seconds_kept
from ttsi.evaluation.statistics import tau_sweep
from ttsi.studies.published import margins_of, read_study
from ttsi_book.explore.sets import Runs

TAUS = np.linspace(0, 1, 101)
SHARES = {"accuracy": "accuracy", "low": "accuracy_low", "high": "accuracy_high"}
"""What the page calls columns of `tau_sweep`."""
SAME_ANSWER = ("model", "subset", "tool_order", "max_new_tokens")
"""Settings on which the base answer, and so a margin, depends, beside constrained decoding."""


@dataclass(frozen=True)
class Costs:
    """Mean seconds of a sample that is left alone and of one that is adapted, and where they were measured."""

    kept: float
    adapted: float
    source: str

    def mean(self, share: float) -> float:
        """Return the mean seconds of a sample, where a share of all is adapted."""
        return Serving(np.array([self.kept]), np.array([self.adapted]), np.array([share])).each


def margins_for(runs: Runs, base: Runs | None) -> pd.DataFrame:
    """Return the margin of each row by every estimator, a column each, that of the family's own gate first.

    Estimators that only `base` recorded count where its answer is the same: same model, same decoding.
    """
    own = margins_of(runs.rows)
    estimator = runs.made[0].config["loop"]["estimator"]
    first = [estimator, *own.columns.drop(estimator)]
    if base is None or _answers(base) != _answers(runs):
        return own.reindex(columns=first)
    recorded = margins_of(base.rows).set_index(pd.Index(base.rows["sample_id"]))
    others = recorded.drop(columns=first, errors="ignore").reindex(runs.rows["sample_id"])
    if others.isna().to_numpy().any():
        return own.reindex(columns=first)
    return own.reindex(columns=first).join(others.set_index(own.index))


def gate_points(rows: pd.DataFrame, costs: Costs, taus: ArrayLike = TAUS) -> dict[str, list[Any]]:
    """Return what the gate `margin < tau` does at each tau, a list for each quantity.

    `below` counts the samples below tau and `adapted` those of them that had practice to learn from; `accuracy`, `low`
    and `high` are shares with Wilson's interval, `seconds` the mean of a sample.
    """
    sweep = tau_sweep(rows, np.asarray(taus))
    practised = rows.loc[rows["adapted"].to_numpy(bool), "margin"]
    below, adapted = (np.searchsorted(np.sort(margins), taus) for margins in (rows["margin"], practised))
    return {
        "below": below.tolist(),
        "adapted": adapted.tolist(),
        **{name: sweep[name].tolist() for name in ("fixed", "broken")},
        **{name: sweep[column].round(5).tolist() for name, column in SHARES.items()},
        "seconds": [round(costs.mean(k / len(rows)), 4) for k in below],
    }


def without_gate(runs: Runs, costs: Costs) -> dict[str, Any]:
    """Return the same quantities with every sample adapted, whatever its margin: a number each."""
    points = gate_points(runs.rows.assign(margin=0.0), costs, taus=[1.0])
    return {name: values[0] for name, values in points.items() if name != "below"}


def read_costs(runs: Runs, study: str, data: Path) -> Costs:
    """Return what serving a sample costs: of the runs that were timed alone, or else as the rows themselves say."""
    timing = data / "timing"
    timed = study == "results" and (timing / f"{runs.family}.parquet").is_file()
    rows = read_study(timing, runs.family) if timed else runs.rows
    rows = rows.assign(family=runs.method)
    split = ", ".join(sorted(set(rows["split"])))
    source = f"timed alone on {len(rows)} samples of {split}" if timed else "as the run recorded them"
    kept = seconds_kept(rows, rows.drop_duplicates("sample_id"))
    means = [float(np.mean(table.sum(axis="columns"))) for table in (kept, seconds_adapted(rows))]
    return Costs(means[0], means[1], source)


def _answers(runs: Runs) -> list[tuple]:
    configs = [one.config for one in runs.made]
    return sorted({(*(one[name] for name in SAME_ANSWER), one["loop"]["constrained"]) for one in configs})
