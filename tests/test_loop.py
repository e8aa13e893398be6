"""The loop: the gate, what it says of samples it could not adapt, and that neither labels nor order reach it."""

import random

import pandas as pd
import pytest

from ttsi.benchmarks import load
from ttsi.clock import STAGES
from ttsi.loop import SelfImprovement, seed_for
from ttsi.profiles import configure
from ttsi.records import Call, Request
from ttsi.results import as_table
from ttsi.runs import load_agent, load_samples, outcomes
from ttsi.statistics import tau_sweep
from ttsi.study import at_tau

TIMES = [f"seconds_{stage}" for stage in STAGES]
OF_GOLD = ["base_correct", "correct", "greedy_correct"]
SETTINGS = {"split": "single/unseen", "subset": "validation", "seed": 21, "limit": 10}


def rows_of(config, samples):
    rows = as_table(outcomes(samples, config, load_agent(config))).drop(columns=TIMES)
    return rows.set_index("sample_id").sort_index()


@pytest.fixture(scope="module")
def everything():
    """Every sample adapted."""
    config = configure("smoke", tau=1.0, **SETTINGS)
    return config, rows_of(config, load_samples(config))


def test_no_label_is_read_before_scoring(everything):
    config, rows = everything
    wrong = (Call(name="nonsense", arguments={"x": 1}),)
    scrambled = [sample.model_copy(update={"gold": wrong}) for sample in load_samples(config)]
    found = rows_of(config, scrambled)
    assert found.drop(columns=OF_GOLD).equals(rows.drop(columns=OF_GOLD))
    assert not found[OF_GOLD].to_numpy().any()
    assert rows[OF_GOLD].to_numpy().any()


def test_the_loop_is_given_requests_that_have_no_gold():
    assert SelfImprovement.__call__.__annotations__["request"] is Request
    assert "gold" not in Request.model_fields


def test_order_and_splitting_do_not_matter(everything):
    config, rows = everything
    samples = load_samples(config)
    random.Random(0).shuffle(samples)

    halves = pd.concat([rows_of(config, samples[:3]), rows_of(config, samples[3:])]).sort_index()
    assert halves.equals(rows)


def test_a_run_at_tau_is_the_replay_of_one_that_adapts_everything(everything):
    _, rows = everything
    tau = float(rows["margin"].median())
    config = configure("smoke", tau=tau, **SETTINGS)
    found = rows_of(config, load_samples(config))
    replayed = at_tau(rows, tau)
    assert set(found["uncertain"]) == {True, False}
    columns = ["margin", "uncertain", "adapted", "output", "correct"]
    assert found[columns].equals(replayed[columns])
    sweep = tau_sweep(rows, [tau]).iloc[0]
    assert sweep["accuracy"] == pytest.approx(found["correct"].mean())


def test_samples_that_could_not_be_adapted_keep_their_answer_and_say_so(everything):
    _, rows = everything
    kept = rows[rows["uncertain"] & ~rows["adapted"]]
    assert kept["output"].tolist() == kept["base_output"].tolist()
    assert kept["note"].str.contains("no valid example").all()
    assert set(rows.loc[rows["adapted"], "note"]) == {""}
    assert rows["adapted"].tolist() == (rows["examples_valid"] > 0).tolist()
    assert rows["adapted"].any()


def test_base_and_constrained_never_adapt():
    for method in ("base", "constrained"):
        config = configure("smoke", method=method, **{**SETTINGS, "limit": 4})
        rows = rows_of(config, load_samples(config))
        assert set(rows["adapted"]) == {False}
        assert set(rows["examples_tried"]) == {0}
        assert rows["output"].tolist() == rows["base_output"].tolist()


def test_the_paper_profile_runs_on_the_tiny_agent():
    config = configure("paper", model="agents/tiny", device="cpu", dtype="float32", **{**SETTINGS, "limit": 2})
    assert len(rows_of(config, load_samples(config))) == 2
    assert (config.loop.estimator, config.loop.k, config.loop.lora.rank) == ("rss-margin", 1, 8)


def test_seeds_come_from_the_run_and_the_sample_alone():
    ids = [sample.request.id for sample in load("toolworld", "single/seen", limit=50)]
    assert len({seed_for(seed, name) for seed in (0, 1) for name in ids}) == 100
    assert seed_for(0, ids[0]) == seed_for(0, ids[0])
