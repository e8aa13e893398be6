"""What a method costs: seconds of each sample by stage, the total over many samples, and where two totals cross.

Seconds come from published rows in which every sample was adapted. Serving a sample costs only what its method needs:

| method | direct | majority vote, pass@5 |
|---|---|---|
| base, constrained | its answer | five sampled answers |
| sft | what a base answer takes: its adapter is merged into the weights before it serves | |
| icl | the answer with the examples | |
| tt-si, tt-d, tt-icl, kept | its answer, H | and five sampled answers |
| the same, adapted | its answer, H, G, T, a second answer | its answer, H, G, T, five sampled answers |

A gated method answers first in any case: its margin may be that of the answer.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ttsi.evaluation.statistics import RESAMPLES, Interval, bootstrap_interval, mean_interval
from ttsi.settings import METHODS, Decoding
from ttsi.studies.families import FAMILIES

PAID = ("answer", "uncertainty", "augmentation", "adaptation", "draws")


def seconds_adapted(rows: pd.DataFrame, decoding: Decoding = "direct") -> pd.DataFrame:
    """Return the seconds of serving each sample by a method that adapts it (or never adapts): a column for each stage.

    Rows are published ones of one family. The greedy answer at the end is left out where answers are sampled.
    """
    method = METHODS[FAMILIES[_family(rows)]["method"]]
    author = method["author"]
    second = rows["seconds_answer"] - rows["seconds_base"]
    sampled = decoding != "direct"
    if author == "nobody":
        return _stages(rows, answer=rows["seconds_base"] * (not sampled), draws=rows["seconds_draws"] * sampled)
    if author == "training set":
        return _stages(rows, answer=second if method["in_context"] else rows["seconds_base"])
    practice = {stage: rows[f"seconds_{stage}"] for stage in ("augmentation", "adaptation")}
    answer = rows["seconds_base"] + second * (not sampled)
    draws = rows["seconds_draws"] * sampled
    return _stages(rows, answer=answer, uncertainty=rows["seconds_uncertainty"], draws=draws, **practice)


def seconds_kept(rows: pd.DataFrame, base: pd.DataFrame, decoding: Decoding = "direct") -> pd.DataFrame:
    """Return the seconds of serving each sample by a gated method that does not adapt it: a column for each stage.

    Rows are published ones of one gated family, and of `base` on the same samples, for the seconds of answers sampled
    unadapted.
    """
    draws = base.set_index("sample_id").loc[rows["sample_id"], "seconds_draws"].to_numpy()
    kept = {"answer": rows["seconds_base"], "uncertainty": rows["seconds_uncertainty"]}
    return _stages(rows, **kept, draws=draws * (decoding != "direct"))


@dataclass(frozen=True)
class Serving:
    """Seconds of serving one sample: measured on the same timed samples for both outcomes of the gate.

    A method without a gate has one measured cost: `kept` and `adapted` are the same, and `chosen` does not matter.
    """

    kept: NDArray[np.float64]
    """Seconds of each timed sample if it is not adapted."""
    adapted: NDArray[np.float64]
    """Seconds of each timed sample if it is."""
    chosen: NDArray[Any]
    """Whether the gate lets a sample through; of any number of samples."""
    once: float = 0.0
    """Seconds of training that serves all samples."""

    @classmethod
    def ungated(cls, seconds: ArrayLike, *, once: float = 0.0) -> "Serving":
        """Return the cost of a method that treats every sample alike."""
        each = np.asarray(seconds, dtype=np.float64)
        return cls(each, each, np.zeros(1), once)

    @property
    def each(self) -> float:
        """Mean seconds of one sample."""
        return float(_mixed(self.kept.mean(), self.adapted.mean(), self.chosen.mean()))

    def total(self, samples: ArrayLike) -> NDArray[np.float64]:
        """Return the seconds of serving a number of samples."""
        return self.once + self.each * np.asarray(samples, dtype=np.float64)

    def interval(self, *, seed: int = 0) -> Interval:
        """Return the mean seconds of one sample with the interval of a bootstrap over timed and gated samples."""
        if np.array_equal(self.kept, self.adapted):
            return mean_interval(self.kept, seed=seed)
        return _resampled(lambda each: each, self, seed=seed)


def crossing(once: Serving, always: Serving) -> float:
    """Return the number of samples from which `once` is cheaper in total than `always`; infinite if it never is."""
    return float(_crossing(once.once - always.once, always.each - once.each))


def crossing_interval(once: Serving, always: Serving, *, seed: int = 0) -> Interval:
    """Return `crossing` with the interval of a bootstrap over samples; seconds of training are taken as they are.

    Timed samples are drawn together for both methods, which answered the same ones; raises `ValueError` otherwise.
    """
    if len(once.kept) != len(always.kept):
        raise ValueError(f"expected the same timed samples, found {len(once.kept)} and {len(always.kept)}")
    extra = once.once - always.once
    return _resampled(lambda first, second: _crossing(extra, second - first), once, always, seed=seed)


def frontier(table: pd.DataFrame, cost: str = "seconds", value: str = "accuracy") -> pd.DataFrame:
    """Return the rows that no other row beats: none is at least as good for less, or better for as much."""
    ordered = table.sort_values([cost, value], ascending=[True, False], kind="stable")
    best = ordered[value].cummax().shift(fill_value=-np.inf)
    return ordered.loc[ordered[value] > best]


def _family(rows: pd.DataFrame) -> str:
    families = list(rows["family"].unique())
    if len(families) != 1:
        raise ValueError(f"expected the rows of one family, found {', '.join(families) or 'none'}")
    return families[0]


def _stages(rows: pd.DataFrame, **seconds: ArrayLike) -> pd.DataFrame:
    """Return a table of all stages, a row for each sample; a stage that is not named took no time."""
    return pd.DataFrame({stage: np.asarray(seconds.get(stage, 0.0)) for stage in PAID}, pd.Index(rows["sample_id"]))


def _mixed(kept: ArrayLike, adapted: ArrayLike, share: ArrayLike) -> NDArray[np.float64]:
    share = np.asarray(share)
    return (1 - share) * np.asarray(kept) + share * np.asarray(adapted)


def _crossing(extra_once: float, saved: ArrayLike) -> NDArray[np.float64]:
    """Return the samples after which what is saved on each has paid for what was spent once."""
    saved = np.asarray(saved, dtype=np.float64)
    return np.where(saved > 0, extra_once / np.where(saved > 0, saved, 1), np.inf)


def _resampled(statistic: Callable[..., ArrayLike], *methods: Serving, seed: int) -> Interval:
    """Return a statistic of the methods' mean seconds, resampling the timed samples for all together."""

    def of_means(timed: NDArray[np.int64], *chosen: NDArray[Any], axis: int) -> ArrayLike:
        shares = iter([one.mean(axis=axis) for one in chosen])
        means = [
            _mixed(
                method.kept[timed].mean(axis=axis),
                method.adapted[timed].mean(axis=axis),
                next(shares) if len(method.chosen) > 1 else method.chosen.mean(),
            )
            for method in methods
        ]
        return statistic(*means)

    timed = np.arange(len(methods[0].kept))
    gates = [method.chosen for method in methods if len(method.chosen) > 1]
    return bootstrap_interval(of_means, timed, *gates, seed=seed, n=len(timed), at_once=RESAMPLES)
