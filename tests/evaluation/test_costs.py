"""What a method costs adds up by hand, and totals cross where the arithmetic says."""

import numpy as np
import pandas as pd
import pytest

from ttsi.evaluation.costs import (
    PAID,
    Serving,
    crossing,
    crossing_interval,
    frontier,
    seconds_adapted,
    seconds_kept,
)
from ttsi.evaluation.statistics import mean_interval
from ttsi_book.analysis.paper import read_paper


def rows(family: str, **changes: object) -> pd.DataFrame:
    seconds = {
        "seconds_base": 1.0,
        "seconds_uncertainty": 0.5,
        "seconds_augmentation": 2.0,
        "seconds_adaptation": 3.0,
        "seconds_answer": 2.25,
        "seconds_draws": 4.0,
    }
    return pd.DataFrame({"family": family, "sample_id": ["a", "b"], **seconds, **changes})


BASE = rows("base", seconds_answer=1.0, seconds_augmentation=0.0, seconds_adaptation=0.0, seconds_draws=[6.0, 8.0])


def stages(table: pd.DataFrame) -> dict[str, list[float]]:
    return {stage: list(values) for stage, values in table.items() if any(values)}  # pyright: ignore[reportReturnType]


def test_a_base_answer_costs_neither_margin_nor_practice() -> None:
    assert stages(seconds_adapted(BASE)) == {"answer": [1, 1]}
    assert stages(seconds_adapted(BASE, "majority-vote")) == {"draws": [6, 8]}


def test_a_merged_adapter_answers_at_the_price_of_the_base_agent_and_examples_are_read_each_time() -> None:
    without_practice = {"seconds_augmentation": 0.0, "seconds_adaptation": 0.0}
    assert stages(seconds_adapted(rows("sft", **without_practice))) == {"answer": [1, 1]}
    assert stages(seconds_adapted(rows("icl", **without_practice))) == {"answer": [1.25, 1.25]}


def test_an_adapted_sample_pays_for_every_stage_and_a_second_answer() -> None:
    paid = seconds_adapted(rows("tt-si"))
    assert list(paid.columns) == list(PAID)
    assert list(paid.sum(axis=1)) == [1 + 0.5 + 2 + 3 + 1.25] * 2


def test_sampled_answers_replace_the_second_answer() -> None:
    paid = seconds_adapted(rows("tt-si"), "pass@5")
    assert list(paid["answer"]) == [1, 1]
    assert list(paid["draws"]) == [4, 4]


def test_a_kept_sample_pays_for_its_margin_and_for_the_base_agents_draws() -> None:
    shuffled = BASE.iloc[::-1]
    assert stages(seconds_kept(rows("tt-si"), shuffled)) == {"answer": [1, 1], "uncertainty": [0.5, 0.5]}
    assert list(seconds_kept(rows("tt-si"), shuffled, "majority-vote")["draws"]) == [6, 8]


def test_rows_of_several_families_are_refused() -> None:
    with pytest.raises(ValueError, match="expected the rows of one family, found base, tt-si"):
        seconds_adapted(pd.concat([BASE, rows("tt-si")]))


def test_a_gate_mixes_its_two_outcomes() -> None:
    gated = Serving(kept=np.array([1.0, 2.0]), adapted=np.array([10.0, 12.0]), chosen=np.array([1, 0, 0, 0]))
    assert gated.each == pytest.approx(0.75 * 1.5 + 0.25 * 11)
    assert gated.total([0, 4]) == pytest.approx([0, 4 * gated.each])


def test_training_is_paid_before_the_first_sample() -> None:
    assert Serving.ungated([0.5, 0.7], once=30).total([0, 10]) == pytest.approx([30, 36])


def test_totals_are_equal_at_the_crossing() -> None:
    trained = Serving.ungated([0.5, 0.7], once=30)
    gated = Serving(kept=np.array([1.0, 1.2]), adapted=np.array([3.0, 5.0]), chosen=np.array([1, 1, 0]))
    samples = crossing(trained, gated)
    assert trained.total(samples) == pytest.approx(gated.total(samples))
    assert trained.total(samples + 1) < gated.total(samples + 1)


def test_training_never_pays_off_where_each_sample_then_costs_as_much() -> None:
    trained = Serving.ungated([1.0, 1.0], once=30)
    assert crossing(trained, Serving.ungated([1.0, 1.0])) == np.inf
    found = crossing_interval(trained, Serving.ungated([0.5, 0.5]))
    assert (found.estimate, found.low, found.high) == (np.inf, np.inf, np.inf)


def test_the_interval_of_a_crossing_holds_it_and_is_seeded() -> None:
    rng = np.random.default_rng(0)
    trained = Serving.ungated(rng.normal(0.3, 0.05, 20), once=20)
    gated = Serving(rng.normal(0.5, 0.05, 20), rng.normal(2, 0.3, 20), rng.random(200) < 0.3)
    found = crossing_interval(trained, gated)
    assert found.low < found.estimate < found.high
    assert found.estimate == pytest.approx(crossing(trained, gated))
    assert found == crossing_interval(trained, gated)


def test_costs_that_do_not_vary_have_an_exact_crossing() -> None:
    found = crossing_interval(Serving.ungated([1.0] * 5, once=30), Serving.ungated([2.5] * 5))
    assert (found.low, found.estimate, found.high) == (20, 20, 20)


def test_the_same_samples_are_drawn_for_both_methods() -> None:
    each = np.arange(1.0, 11.0)
    found = crossing_interval(Serving.ungated(each, once=30), Serving.ungated(each + 1.5))
    assert (found.low, found.high) == (pytest.approx(20), pytest.approx(20))


def test_methods_timed_on_different_samples_do_not_cross() -> None:
    with pytest.raises(ValueError, match="expected the same timed samples, found 1 and 2"):
        crossing_interval(Serving.ungated([1.0], once=3), Serving.ungated([1.0, 2.0]))


def test_the_mean_of_a_gate_has_the_interval_of_both_its_parts() -> None:
    fixed = Serving(kept=np.ones(20), adapted=np.full(20, 3.0), chosen=np.arange(100) < 25)
    found = fixed.interval()
    assert found.estimate == pytest.approx(1.5)
    assert 1.2 < found.low < 1.5 < found.high < 1.8
    assert Serving.ungated(np.ones(20)).interval().low == 1


def test_the_frontier_keeps_what_nothing_beats() -> None:
    table = pd.DataFrame({"name": list("abcd"), "seconds": [1, 2, 2, 3], "accuracy": [0.5, 0.7, 0.6, 0.7]})
    assert list(frontier(table)["name"]) == ["a", "b"]


def test_the_papers_seconds_add_up_over_its_own_test_samples() -> None:
    paper = read_paper()
    chosen = np.arange(paper["sealtool.test_samples"].value) < paper["sealtool.uncertain_samples"].value
    kept, adapted = (np.array([paper[f"latency.{outcome}"].value]) for outcome in ("certain", "uncertain"))
    total = Serving(kept, adapted, chosen).total(len(chosen))
    assert total == pytest.approx(190 * 10.24 + 104 * 2.14)


def test_a_gate_of_one_observation_lets_all_or_none_through() -> None:
    kept, adapted = np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 9.0])
    everything = Serving(kept, adapted, np.ones(1, dtype=bool))
    assert vars(everything.interval()) == pytest.approx(vars(mean_interval(adapted)))
    assert crossing_interval(Serving.ungated(kept, once=6.0), everything).estimate == pytest.approx(2)
