"""Intervals and tests against values worked out by hand, or by SciPy and statsmodels directly."""

import dataclasses
import itertools
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ttsi.evaluation.statistics import (
    Interval,
    UndefinedError,
    auroc,
    bootstrap_interval,
    calibration_bins,
    difference_interval,
    expected_calibration_error,
    mcnemar,
    mean_interval,
    proportion_interval,
    roc_curve,
    sign_flips,
    tau_sweep,
)
from ttsi.evaluation.texts import bounds_text, interval_text

UNIT = st.floats(0, 1)


def test_mean_interval_is_close_to_the_normal_one_for_many_values() -> None:
    values = np.random.default_rng(1).normal(3.0, 2.0, size=2_000)
    found = mean_interval(values)
    half = stats.norm.ppf(0.975) * values.std() / math.sqrt(len(values))
    assert found.estimate == pytest.approx(values.mean())
    assert found.low == pytest.approx(values.mean() - half, abs=0.05 * half)
    assert found.high == pytest.approx(values.mean() + half, abs=0.05 * half)
    assert found.n == 2_000


def test_mean_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    draws = np.random.default_rng(2).binomial(1, 0.6, size=(200, 100))
    intervals = [mean_interval(draw) for draw in draws]
    covered = sum(found.low <= 0.6 <= found.high for found in intervals)
    assert 180 <= covered <= 199


def test_the_seed_decides_the_interval() -> None:
    values = np.random.default_rng(3).normal(size=30)
    assert mean_interval(values, seed=5) == mean_interval(values, seed=5)
    assert mean_interval(values, seed=5) != mean_interval(values, seed=6)


@pytest.mark.parametrize("values", [[0.3] * 7, [1, 1], [2.0]])
def test_equal_values_give_an_interval_of_width_zero(values: list[float]) -> None:
    found = mean_interval(values)
    assert found.low == found.estimate == found.high == pytest.approx(values[0])
    assert found.n == len(values)


def test_paired_difference_is_narrower_than_an_unpaired_one() -> None:
    rng = np.random.default_rng(4)
    before = rng.normal(0, 10, size=200)
    after = before + rng.normal(1, 0.1, size=200)
    found = difference_interval(before, after)
    assert found.estimate == pytest.approx((after - before).mean())
    assert 0.9 < found.low < 1.0 < found.high < 1.1


def test_a_constant_difference_has_width_zero_and_the_sign_of_the_gain() -> None:
    assert difference_interval([0, 1, 5], [2, 3, 7]) == Interval(2.0, 2.0, 2.0, 3)


def test_wilson_interval_by_hand() -> None:
    z, p, n = stats.norm.ppf(0.975), 0.3, 50
    centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    found = proportion_interval(15, 50)
    assert dataclasses.astuple(found) == pytest.approx((0.3, centre - half, centre + half, 50))


def test_wilson_interval_of_all_or_nothing_has_width() -> None:
    nothing, everything = proportion_interval(0, 10), proportion_interval(10, 10)
    assert (nothing.estimate, nothing.low, everything.estimate, everything.high) == (0.0, 0.0, 1.0, 1.0)
    assert nothing.high == pytest.approx(0.27753, abs=1e-5)
    assert everything.low == pytest.approx(0.72247, abs=1e-5)


@pytest.mark.parametrize(("successes", "n"), [(3, 2), (-1, 2), (0, 0)])
def test_an_impossible_share_is_refused(successes: int, n: int) -> None:
    with pytest.raises(ValueError, match=f"found {successes} of {n}"):
        proportion_interval(successes, n)


def test_mcnemar_counts_and_exact_p() -> None:
    before = [False] * 9 + [True] * 3 + [True] * 20 + [False] * 8
    after = [True] * 9 + [False] * 3 + [True] * 20 + [False] * 8
    found = mcnemar(before, after)
    assert (found.fixed, found.broken, found.n) == (9, 3, 40)
    by_hand = 2 * sum(math.comb(12, k) for k in range(4)) / 2**12
    assert found.p_value == pytest.approx(by_hand)


def test_mcnemar_without_a_change_finds_nothing() -> None:
    assert mcnemar([True, False], [True, False]).p_value == 1.0


@given(st.lists(st.booleans(), min_size=1, max_size=30), st.lists(st.booleans(), min_size=30, max_size=30))
def test_sign_flips_of_one_seed_are_mcnemars_test(before: list[bool], after: list[bool]) -> None:
    second = after[: len(before)]
    changes = np.array(second, dtype=int) - np.array(before, dtype=int)
    assert sign_flips(changes) == pytest.approx(mcnemar(before, second).p_value)


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=8))
def test_sign_flips_count_every_pattern_of_signs(changes: list[int]) -> None:
    sums = [abs(np.dot(signs, changes)) for signs in itertools.product((-1, 1), repeat=len(changes))]
    assert sign_flips(changes) == pytest.approx(np.mean(np.array(sums) >= abs(sum(changes))))


def test_auroc_counts_ties_as_half() -> None:
    positive, negative = [0.9, 0.5, 0.5], [0.5, 0.1]
    pairs = [(p > q) + 0.5 * (p == q) for p, q in itertools.product(positive, negative)]
    found = auroc([*positive, *negative], [1, 1, 1, 0, 0])
    assert found.estimate == pytest.approx(sum(pairs) / 6)
    assert found.low <= found.estimate <= found.high
    assert found.n == 5


@settings(max_examples=20)
@given(st.lists(UNIT, min_size=2, max_size=8), st.lists(UNIT, min_size=2, max_size=8))
def test_auroc_is_scipys_mann_whitney_u(positive: list[float], negative: list[float]) -> None:
    found = auroc(positive + negative, [True] * len(positive) + [False] * len(negative))
    u = stats.mannwhitneyu(positive, negative, method="exact").statistic
    assert found.estimate == pytest.approx(u / (len(positive) * len(negative)))


def test_roc_curve_by_hand() -> None:
    found = roc_curve([0.9, 0.5, 0.5, 0.1], [1, 1, 0, 0])
    assert found["true_positive_rate"].tolist() == [0.0, 0.5, 1.0, 1.0]
    assert found["false_positive_rate"].tolist() == [0.0, 0.0, 0.5, 1.0]


@settings(max_examples=20)
@given(st.lists(UNIT, min_size=2, max_size=8), st.lists(UNIT, min_size=2, max_size=8))
def test_area_under_the_roc_curve_is_auroc(positive: list[float], negative: list[float]) -> None:
    scores, outcomes = positive + negative, [True] * len(positive) + [False] * len(negative)
    found = roc_curve(scores, outcomes)
    area = np.trapezoid(found["true_positive_rate"], found["false_positive_rate"])
    assert area == pytest.approx(auroc(scores, outcomes).estimate)


def test_auroc_interval_is_close_to_delongs() -> None:
    rng = np.random.default_rng(5)
    positive, negative = rng.normal(1, 1, size=150), rng.normal(0, 1, size=250)
    wins = (positive[:, None] > negative).astype(float)
    error = math.sqrt(wins.mean(axis=1).var(ddof=1) / 150 + wins.mean(axis=0).var(ddof=1) / 250)
    found = auroc(np.concatenate([positive, negative]), np.repeat([1, 0], [150, 250]))
    assert found.low == pytest.approx(wins.mean() - 1.96 * error, abs=0.01)
    assert found.high == pytest.approx(wins.mean() + 1.96 * error, abs=0.01)


@pytest.mark.parametrize("outcomes", [[1, 1, 1, 1], [0, 0, 0, 0], [1, 0, 0, 0]])
def test_auroc_without_both_outcomes_says_that_it_is_undefined(outcomes: list[int]) -> None:
    with pytest.raises(UndefinedError, match=rf"found {sum(outcomes)} true and {4 - sum(outcomes)} false"):
        auroc([0.1, 0.2, 0.3, 0.4], outcomes)


def test_calibration_bins_by_hand() -> None:
    found = calibration_bins([0.1, 0.3, 0.3, 0.95, 1.0], [0, 1, 0, 1, 1])
    assert found["low"].tolist() == pytest.approx([0.1, 0.3, 0.9])
    assert found["high"].tolist() == pytest.approx([0.2, 0.4, 1.0])
    assert found["n"].tolist() == [1, 2, 2]
    assert found["confidence"].tolist() == pytest.approx([0.1, 0.3, 0.975])
    assert found["accuracy"].tolist() == [0.0, 0.5, 1.0]
    assert found["accuracy_low"].iloc[1] == pytest.approx(proportion_interval(1, 2).low)
    assert found["accuracy_high"].iloc[1] == pytest.approx(proportion_interval(1, 2).high)
    assert expected_calibration_error(found) == pytest.approx((1 * 0.1 + 2 * 0.2 + 2 * 0.025) / 5)


@given(st.lists(st.tuples(UNIT, st.booleans()), min_size=1), st.integers(1, 20))
def test_calibration_bins_hold_every_sample_once(pairs: list[tuple[float, bool]], bins: int) -> None:
    confidence, correct = zip(*pairs, strict=True)
    found = calibration_bins(confidence, correct, bins=bins)
    n, stated = found["n"].to_numpy(), found["confidence"].to_numpy()
    assert int(n.sum()) == len(pairs)
    assert float(n @ found["accuracy"].to_numpy()) == pytest.approx(sum(correct))
    assert np.all(stated >= found["low"].to_numpy() - 1e-12)
    assert np.all(stated <= found["high"].to_numpy() + 1e-12)


def test_confidence_beyond_one_is_refused() -> None:
    with pytest.raises(ValueError, match=r"within \[0, 1\], found 0.5 to 1.5"):
        calibration_bins([0.5, 1.5], [0, 1])


def test_tau_sweep_by_hand() -> None:
    rows = pd.DataFrame(
        {
            "margin": [0.1, 0.4, 0.5, 0.9],
            "base_correct": [False, True, False, True],
            "greedy_correct": [True, False, True, False],
        }
    )
    found = tau_sweep(rows, [0.0, 0.4, 0.5, 0.95]).set_index("tau")
    assert found["adapted"].tolist() == [0.0, 0.25, 0.5, 1.0]
    assert found["accuracy"].tolist() == [0.5, 0.75, 0.5, 0.5]
    assert found["fixed"].tolist() == [0, 1, 1, 2]
    assert found["broken"].tolist() == [0, 0, 1, 2]
    assert found["n"].tolist() == [4, 4, 4, 4]
    assert found["accuracy_low"].iloc[1] == pytest.approx(proportion_interval(3, 4).low)


def test_tau_sweep_names_what_is_missing() -> None:
    with pytest.raises(ValueError, match="missing: base_correct, greedy_correct"):
        tau_sweep(pd.DataFrame({"margin": [0.1]}), [0.5])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], []), "at least one value"),
        (([0, 1], [0]), "one length, found 2 and 1"),
        (([0, math.nan], [0, 1]), "finite values, found nan"),
        (([0, 1], [0, 2]), "true or false, found 2.0"),
        (([[0, 1]], [[0, 1]]), r"found shape \(1, 2\)"),
    ],
)
def test_columns_that_are_no_outcomes_are_refused(arguments: tuple[Any, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        mcnemar(*arguments)


@pytest.mark.parametrize(
    ("interval", "form", "text"),
    [
        (Interval(0.7243, 0.66, 0.7811, 1294), ".1%", "72.4% (66.0–78.1)"),
        (Interval(0.032, 0.008, 0.056, 90), "points", "+3.2 (+0.8 to +5.6)"),
        (Interval(-0.026, -0.045, 0.009, 90), "points", "-2.6 (-4.5 to +0.9)"),
        (Interval(0.829, 0.79, 0.871, 5), ".2f", "0.83 (0.79–0.87)"),
        (Interval(1.5, -0.5, 2.5, 5), ".1f", "1.5 (-0.5 to 2.5)"),
    ],
)
def test_an_interval_is_written_in_one_way(interval: Interval, form: str, text: str) -> None:
    assert interval_text(interval, form) == text
    assert bounds_text(interval, form) == text.partition(" (")[2].removesuffix(")")
    assert interval_text(interval, form, with_n=True) == text.replace(")", f", n = {interval.n:,})")


def test_a_difference_that_no_sample_shows_gets_no_interval_of_no_width() -> None:
    assert interval_text(Interval(0.0, 0.0, 0.0, 318), "points", with_n=True) == "+0.0 (no verdict differs, n = 318)"
    assert interval_text(Interval(0.5, 0.5, 0.5, 2), "points") == "+50.0 (+50.0 to +50.0)"


def test_resamples_that_are_infinite_leave_the_ends_of_the_interval_defined() -> None:
    def above_half(values: np.ndarray, axis: int) -> np.ndarray:
        means = values.mean(axis=axis)
        return np.where(means > 0.5, means, math.inf)

    found = bootstrap_interval(above_half, [1.0, -1.0, 4.0, 2.0])
    assert (found.estimate, found.high, found.n) == (1.5, math.inf, 4)
    assert 0.5 < found.low < found.estimate
