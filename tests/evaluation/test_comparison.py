"""Methods on the same samples: pairing, accuracies, differences, and how they read."""

import json

import numpy as np
import pandas as pd
import pytest
from numpy.typing import ArrayLike
from statsmodels.stats.multitest import multipletests

from ttsi.evaluation.comparison import (
    LABELS,
    PRIMARY,
    Answers,
    accuracies,
    accuracy,
    answers_label,
    behind_paper_gate,
    differences,
    effect_text,
    p_text,
    points_text,
    read_methods,
    readable_accuracies,
    readable_differences,
    right_answers,
    share_text,
    tau_for,
    with_holm,
)
from ttsi.evaluation.statistics import Interval, mcnemar, mean_interval, proportion_interval
from ttsi.records import InputError
from ttsi.studies.published import replay

BEFORE = [True] * 20 + [False] * 20
AFTER = [True] * 17 + [False] * 3 + [True] * 12 + [False] * 8


def rows_of(right, *, vote=None, base=None, margin: ArrayLike = 0.5, family="tt-si"):
    n = len(right)
    return pd.DataFrame(
        {
            "family": family,
            "split": ["single/unseen"] * (n // 2) + ["typed/unseen"] * (n - n // 2),
            "seed": [index % 2 for index in range(n)],
            "sample_id": [f"sample/{index}" for index in range(n)],
            "margin": np.broadcast_to(margin, n),
            "margins": json.dumps({}),
            "uncertain": False,
            "adapted": family != "base",
            "base_output": "before",
            "base_correct": base if base is not None else right,
            "greedy_output": "after",
            "greedy_correct": right,
            "vote_correct": pd.Series(vote if vote is not None else [None] * n, dtype=object),
            "pass_correct": pd.Series([None] * n, dtype=object),
        }
    )


@pytest.fixture
def right():
    base, adapted = rows_of(BEFORE, vote=AFTER), rows_of(AFTER).sample(frac=1, random_state=0)
    return right_answers({"base": base, "tt-si": adapted})


def test_samples_are_paired_whatever_the_order_of_the_rows(right):
    assert list(right.columns) == [("base", "direct"), ("base", "majority-vote"), ("tt-si", "direct")]
    assert right.index.names == ["split", "seed", "sample_id"]
    assert (right["base", "majority-vote"] == right["tt-si", "direct"]).all()
    found = mcnemar(right["base", "direct"], right["tt-si", "direct"])
    assert (found.fixed, found.broken) == (12, 3)


@pytest.mark.parametrize("others", [rows_of(AFTER[:-1]), pd.concat([rows_of(AFTER), rows_of(AFTER).head(1)])])
def test_methods_of_other_samples_are_refused(others):
    with pytest.raises(InputError, match=r"tt-si: found .* rows, .* expected the samples of base, once each"):
        right_answers({"base": rows_of(BEFORE), "tt-si": others})


def test_the_interval_of_an_accuracy_is_the_bootstraps_and_wilsons_near_the_ends():
    assert accuracy(AFTER) == mean_interval(np.asarray(AFTER, dtype=float))
    assert accuracy([True] * 30) == proportion_interval(30, 30)
    assert accuracy([True] * 30).low < 0.9
    assert accuracy([True] * 9 + [False] * 50) == proportion_interval(9, 59)


def test_accuracies_have_a_row_for_each_method_and_mode(right):
    table = accuracies(right)
    assert table["estimate"].tolist() == [0.5, 0.725, 0.725]
    assert table["n"].tolist() == [40] * 3
    readable = readable_accuracies(table)
    assert readable.index.tolist() == ["base", "TT-SI, tuned"]
    assert readable.columns.tolist() == ["direct", "majority-vote"]
    assert readable.loc["TT-SI, tuned", "majority-vote"] == "–"
    assert readable.loc["base", "direct"].startswith("50.0% (")


def test_differences_are_paired_and_adjusted_for_their_number(right):
    pairs: list[tuple[Answers, Answers]] = [
        (("base", "direct"), ("tt-si", "direct")),
        (("tt-si", "direct"), ("base", "direct")),
        (("base", "majority-vote"), ("tt-si", "direct")),
    ]
    table = differences(right, pairs)
    assert table["estimate"].tolist() == pytest.approx([9 / 40, -9 / 40, 0])
    assert (table["low"][0] > 0, table["high"][1] < 0) == (True, True)
    assert table[["fixed", "broken"]].to_numpy().tolist() == [[12, 3], [3, 12], [0, 0]]
    assert table["p_value"].tolist() == pytest.approx([0.03515625, 0.03515625, 1])
    assert table["p_holm"].tolist() == pytest.approx([3 * 0.03515625, 3 * 0.03515625, 1])
    readable = readable_differences(table)
    assert readable.index.tolist() == ["TT-SI, tuned", "base", "TT-SI, tuned"]
    assert readable["fixed / broken"].tolist() == ["12 / 3", "3 / 12", "0 / 0"]
    assert readable["p"].tolist() == ["0.035", "0.035", "1.000"]


def test_holm_is_that_of_statsmodels_over_all_rows():
    values = [0.01, 0.04, 0.03, 0.005]
    table = with_holm(pd.DataFrame({"p_value": values}))
    assert table["p_holm"].tolist() == pytest.approx(multipletests(values, method="holm")[1])
    assert table["p_holm"].tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])


@pytest.mark.parametrize(("share", "flagged"), [(0.0, 0), (0.25, 10), (0.5, 20), (1.0, 39)])
def test_tau_for_a_share_flags_it(share, flagged):
    margins = np.linspace(0, 1, 40)
    assert np.sum(margins < tau_for(margins, share)) == flagged


def test_tau_for_a_share_between_ties_takes_the_nearest():
    margins = [0.0] * 5 + [0.4] * 3 + [1.0] * 12
    assert tau_for(margins, 0.3) == 0.4
    assert tau_for(margins, 0.9) == 1.0


def test_published_methods_stand_behind_the_gate_that_they_have(tmp_path):
    margin = np.linspace(0, 0.99, 40)
    base = rows_of(BEFORE, vote=BEFORE, family="base")
    practised = rows_of(AFTER, vote=AFTER, base=BEFORE, margin=margin)
    trained = rows_of(AFTER, base=BEFORE, margin=margin, family="sft")
    for family, rows in (("base", base), ("tt-si", practised), ("sft", trained)):
        rows.to_parquet(tmp_path / f"{family}.parquet")
    methods = read_methods(tmp_path, "base", "tt-si", "sft", tau=0.5)
    assert methods["sft"]["greedy_correct"].tolist() == AFTER
    assert methods["base"]["greedy_correct"].tolist() == BEFORE
    expected = replay(practised, tau=0.5, base=base)
    assert set(expected["adapted"]) == {True, False}
    for column in ("adapted", "greedy_correct", "vote_correct"):
        assert list(methods["tt-si"][column]) == list(expected[column])
    assert np.sum(right_answers(methods)["tt-si", "majority-vote"]) == sum(BEFORE[20:]) + sum(AFTER[:20])


def test_numbers_read_with_their_interval():
    assert share_text(Interval(0.7243, 0.66, 0.7811, 294)) == "72.4% (66.0–78.1)"
    assert points_text(Interval(0.032, -0.004, 0.0561, 294)) == "+3.2 (-0.4 to +5.6)"
    assert answers_label(("tt-d", "majority-vote")) == "TT-D (majority vote)"
    assert answers_label(("rank-1", "direct")) == "rank-1"


@pytest.mark.parametrize(
    ("p_holm", "low", "high", "told"),
    [
        (0.2, -0.01, 0.05, "no effect that"),
        (0.01, 0.01, 0.05, "a gain"),
        (0.01, -0.05, -0.01, "a loss"),
        (0.0504, -0.045, -0.009, "a loss by its interval alone"),
        (0.2, 0.01, 0.05, "a gain by its interval alone"),
        (0.055, -0.01, 0.05, "no effect that these samples can tell from chance"),
        (0.04, 0.0, 0.05, "a gain by its p value alone"),
    ],
)
def test_a_verdict_never_contradicts_the_interval_beside_it(p_holm, low, high, told):
    row = pd.Series({"p_holm": p_holm, "estimate": (low + high) / 2, "low": low, "high": high})
    assert effect_text(row).startswith(told)


@pytest.mark.parametrize(("p_value", "told"), [(0.0504, "0.050"), (1.0, "1.000"), (0.0004, "<0.001")])
def test_p_values_have_three_decimals(p_value, told):
    assert p_text(p_value) == told


def test_the_papers_gate_looks_at_the_margin_that_base_rows_hold(tmp_path):
    base, practised = rows_of(BEFORE, vote=BEFORE, family="base"), rows_of(AFTER, vote=AFTER, base=BEFORE, margin=0.0)
    base["margins"] = [json.dumps({"rss-margin": 0.94 if index < 10 else 0.96}) for index in range(40)]
    for family, rows in (("base", base), ("tt-si", practised)):
        rows.to_parquet(tmp_path / f"{family}.parquet")
    gated = behind_paper_gate(tmp_path)
    assert gated["adapted"].tolist() == [True] * 10 + [False] * 30
    assert gated["greedy_correct"].tolist() == AFTER[:10] + BEFORE[10:]


def test_primary_comparisons_are_of_named_methods_and_plain_tt_si_is_the_papers():
    assert {method for pair in PRIMARY for method, _ in pair} <= set(LABELS)
    assert "TT-SI" not in LABELS.values()
