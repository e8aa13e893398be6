"""Intervals and paired tests, over SciPy and statsmodels: thin, seeded, 95% throughout.

Observations must be independent. Where one sample was answered under several run seeds, average over the seeds first
and give one value a sample: repeated answers to one sample are no new samples.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar
from statsmodels.stats.proportion import proportion_confint

from ttsi.settings import is_uncertain

CONFIDENCE = 0.95
RESAMPLES = 9_999
RESAMPLES_AT_ONCE = 1_000

Values = NDArray[np.float64]


class UndefinedError(ValueError):
    """The statistic does not exist for these data; the message says why."""


@dataclass(frozen=True)
class Interval:
    """An estimate with its 95% interval, in the unit of the data, from `n` independent observations."""

    estimate: float
    low: float
    high: float
    n: int


def bootstrap_interval(
    statistic: Any, *columns: ArrayLike, seed: int = 0, n: int | None = None, at_once: int = RESAMPLES_AT_ONCE
) -> Interval:
    """Return a statistic of independent columns with its percentile bootstrap interval (Efron 1979).

    Columns that each hold one value alone give an interval of width zero: the bootstrap sees no variation. Where some
    resamples give an infinite statistic, the ends are the nearest resample's instead of between two.

    The statistic is of the columns along `axis`. Each column is resampled by itself, `at_once` times at once, and has
    at least two observations; `n` are those behind the interval, all of the columns' if none is given.
    """
    data = [np.asarray(column) for column in columns]
    estimate, n = float(statistic(*data, axis=-1)), sum(map(len, data)) if n is None else n
    if all(np.all(column == column[0]) for column in data):
        return Interval(estimate, estimate, estimate, n)
    with np.errstate(invalid="ignore"):  # SciPy's standard error, where the statistic may be infinite
        drawn = stats.bootstrap(
            data, statistic, n_resamples=RESAMPLES, batch=at_once, vectorized=True, method="percentile", rng=seed
        ).bootstrap_distribution
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail], method="linear" if np.isfinite(drawn).all() else "nearest")
    return Interval(estimate, float(low), float(high), n)


@dataclass(frozen=True)
class PairedTest:
    """Exact McNemar test of the same `n` samples before and after: how many became right, and how many wrong."""

    fixed: int
    broken: int
    n: int
    p_value: float


def mean_interval(values: ArrayLike, *, seed: int = 0) -> Interval:
    """Return the mean with its percentile bootstrap interval.

    For a share of successes near 0 or 1, `proportion_interval` is the honest one. Raises `ValueError` for no value or
    one that is not finite.
    """
    return bootstrap_interval(np.mean, _finite(values), seed=seed)


def difference_interval(before: ArrayLike, after: ArrayLike, *, seed: int = 0) -> Interval:
    """Return the mean of `after - before` over paired samples, with its percentile bootstrap interval.

    The pairs are resampled, so what the two have in common cancels. Raises `ValueError` as `mean_interval` does, and
    for columns of unequal length.
    """
    first, second = _paired(before, after)
    return mean_interval(second - first, seed=seed)


@cache
def proportion_interval(successes: int, n: int) -> Interval:
    """Return the share `successes / n` with Wilson's score interval (Wilson 1927), which stays within [0, 1].

    Raises `ValueError` unless 0 <= successes <= n and n > 0.
    """
    if not 0 <= successes <= n or n == 0:
        raise ValueError(f"expected 0 <= successes <= n and n > 0, found {successes} of {n}")
    share = successes / n
    bounds: Any = proportion_confint(successes, n, alpha=1 - CONFIDENCE, method="wilson")
    return Interval(share, min(float(bounds[0]), share), max(float(bounds[1]), share), n)


def mcnemar(before: ArrayLike, after: ArrayLike) -> PairedTest:
    """Test whether as many samples were fixed as broken: exact, two-sided binomial on the changed ones (McNemar 1947).

    `before` and `after` say whether the same samples were right. No changed sample gives p = 1. Raises `ValueError`
    for columns that are empty, of unequal length, or hold anything but true and false.
    """
    first, second = (_binary(column) for column in _paired(before, after))
    fixed, broken = int(np.sum(~first & second)), int(np.sum(first & ~second))
    table = [[int(np.sum(first & second)), broken], [fixed, int(np.sum(~first & ~second))]]
    test: Any = statsmodels_mcnemar(table, exact=True)
    return PairedTest(fixed, broken, len(first), float(test.pvalue))


def sign_flips(changes: ArrayLike) -> float:
    """Return the exact two-sided p of a sum of paired changes, were the sign of each a toss-up (Fisher 1935).

    `changes` are whole numbers, one a sample, such as with how many seeds it was fixed less with how many broken; with
    one seed the p is that of McNemar's exact test.
    """
    values = np.asarray(changes, dtype=np.int64)
    chances = np.ones(1)
    for size in np.abs(values[values != 0]):
        chances = (np.pad(chances, (0, 2 * size)) + np.pad(chances, (2 * size, 0))) / 2
    sums = np.arange(len(chances)) - len(chances) // 2
    return float(min(chances[np.abs(sums) >= abs(values.sum())].sum(), 1.0))


def auroc(scores: ArrayLike, outcomes: ArrayLike, *, seed: int = 0) -> Interval:
    """Return the probability that a true outcome scores above a false one, ties counting half (Mann-Whitney U / mn).

    The bootstrap resamples within each outcome, so that both stay present. Raises `UndefinedError` for fewer than two
    of either outcome, and `ValueError` for columns that are empty, not finite, of unequal length, or outcomes that
    are not true or false.
    """
    return bootstrap_interval(_mann_whitney, *_by_outcome(scores, outcomes), seed=seed)


def roc_curve(scores: ArrayLike, outcomes: ArrayLike) -> pd.DataFrame:
    """Return `false_positive_rate` and `true_positive_rate` at every threshold, from (0, 0) to (1, 1).

    The area under the straight lines between them is `auroc`. Raises as `auroc` does.
    """
    positive, negative = _by_outcome(scores, outcomes)
    thresholds = np.append(np.inf, np.unique(np.concatenate([positive, negative]))[::-1])
    rates = {
        "false_positive_rate": [np.mean(negative >= threshold) for threshold in thresholds],
        "true_positive_rate": [np.mean(positive >= threshold) for threshold in thresholds],
    }
    return pd.DataFrame(rates)


def calibration_bins(confidence: ArrayLike, correct: ArrayLike, *, bins: int = 10) -> pd.DataFrame:
    """Compare stated confidence with accuracy in `bins` equal parts of [0, 1]; the last part includes 1.

    Returns one row for each part that holds a sample: `low`, `high`, `n`, mean `confidence`, `accuracy` with its Wilson
    interval `accuracy_low`, `accuracy_high`. Raises `ValueError` as `mcnemar` does, and for confidence outside [0, 1].
    """
    values, labels = _paired(confidence, correct)
    right = _binary(labels)
    if values.min() < 0 or values.max() > 1:
        raise ValueError(f"expected confidence within [0, 1], found {values.min()} to {values.max()}")
    part = np.digitize(values, np.arange(1, bins) / bins)
    rows = [
        {"low": index / bins, "high": (index + 1) / bins, "confidence": values[part == index].mean()}
        | _accuracy(right[part == index])
        for index in np.unique(part)
    ]
    return pd.DataFrame(rows)


def expected_calibration_error(bins: pd.DataFrame) -> float:
    """Return sum_b n_b / n |accuracy_b - confidence_b| over `calibration_bins` (Guo et al. 2017, equation 3)."""
    gaps = (bins["accuracy"] - bins["confidence"]).abs()
    return float(np.average(gaps, weights=bins["n"]))


def tau_sweep(rows: pd.DataFrame, taus: Iterable[float]) -> pd.DataFrame:
    """Replay the gate `margin < tau` at every tau on one run in which every sample was adapted.

    `rows` has a sample in each row: `margin`, `base_correct` and, once adapted, `greedy_correct`. Returns one row for
    each tau: `tau`, the share `adapted`, `accuracy` with its Wilson interval `accuracy_low`, `accuracy_high`, `n`, and
    how many samples were `fixed` and `broken`. Raises `ValueError` for a missing column and as `mcnemar` does.
    """
    if missing := {"margin", "base_correct", "greedy_correct"} - set(rows.columns):
        listed = ", ".join(sorted(missing))
        raise ValueError(f"expected columns margin, base_correct and greedy_correct; missing: {listed}")
    margin = _finite(rows["margin"])
    base, adapted = _binary(_finite(rows["base_correct"])), _binary(_finite(rows["greedy_correct"]))
    return pd.DataFrame([_at_tau(float(tau), is_uncertain(margin, tau), base, adapted) for tau in taus])


def _at_tau(tau: float, uncertain: NDArray[np.bool_], base: NDArray[np.bool_], adapted: NDArray[np.bool_]) -> dict:
    answer = np.where(uncertain, adapted, base)
    return {
        "tau": tau,
        "adapted": float(uncertain.mean()),
        "fixed": int(np.sum(~base & answer)),
        "broken": int(np.sum(base & ~answer)),
    } | _accuracy(answer)


def _accuracy(right: NDArray[np.bool_]) -> dict[str, float]:
    share = proportion_interval(int(right.sum()), len(right))
    return {"accuracy": share.estimate, "accuracy_low": share.low, "accuracy_high": share.high, "n": share.n}


def _by_outcome(scores: ArrayLike, outcomes: ArrayLike) -> tuple[Values, Values]:
    values, labels = _paired(scores, outcomes)
    true = _binary(labels)
    if min(np.sum(true), np.sum(~true)) < 2:
        raise UndefinedError(f"needs two of each outcome, found {np.sum(true)} true and {np.sum(~true)} false")
    return values[true], values[~true]


def _mann_whitney(positive: Values, negative: Values, axis: int = -1) -> Values:
    """Return U / mn along `axis`, from mid-ranks: positive (…, m), negative (…, n) -> (…)."""
    m, n = positive.shape[axis], negative.shape[axis]
    ranks = stats.rankdata(np.concatenate([positive, negative], axis=axis), axis=axis)
    rank_sum = np.take(ranks, range(m), axis=axis).sum(axis=axis)
    return (rank_sum - m * (m + 1) / 2) / (m * n)


def _finite(values: ArrayLike) -> Values:
    data = np.asarray(values, dtype=np.float64)
    if data.ndim != 1 or not len(data):
        raise ValueError(f"expected a column of at least one value, found shape {data.shape}")
    if not np.isfinite(data).all():
        raise ValueError(f"expected finite values, found {data[~np.isfinite(data)][0]}")
    return data


def _paired(first: ArrayLike, second: ArrayLike) -> tuple[Values, Values]:
    columns = _finite(first), _finite(second)
    if len(columns[0]) != len(columns[1]):
        raise ValueError(f"expected paired columns of one length, found {len(columns[0])} and {len(columns[1])}")
    return columns


def _binary(values: Values) -> NDArray[np.bool_]:
    if not np.isin(values, (0, 1)).all():
        raise ValueError(f"expected true or false, found {values[~np.isin(values, (0, 1))][0]}")
    return values.astype(bool)
