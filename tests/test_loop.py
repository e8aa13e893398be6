"""The loop: the gate, what it says of samples it could not adapt, and that neither labels nor order reach it."""

import json
import random

import pandas as pd
import pytest

from ttsi.benchmarks import load
from ttsi.evaluation.statistics import tau_sweep
from ttsi.loop import STAGES, SelfImprovement
from ttsi.records import Call, InputError, seed_for
from ttsi.runs.config import configure
from ttsi.runs.results import as_table
from ttsi.runs.run import load_agent, load_samples, outcomes, prepared
from ttsi.scoring import DRAWS
from ttsi.studies.published import replay

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


@pytest.mark.parametrize("method", ["tt-d", "icl", "sft"])
def test_a_loop_without_what_its_method_needs_is_refused(method):
    config = configure("smoke", method=method)
    with pytest.raises(InputError, match="and none is given; expected one"):
        SelfImprovement(load_agent(config), config.loop)


def test_order_and_splitting_do_not_matter(everything):
    config, rows = everything
    samples = load_samples(config)
    random.Random(0).shuffle(samples)

    halves = pd.concat([rows_of(config, samples[:3]), rows_of(config, samples[3:])]).sort_index()
    rounded = ["margins", "losses"]
    pd.testing.assert_frame_equal(halves.drop(columns=rounded), rows.drop(columns=rounded), rtol=1e-4)


def test_a_run_at_tau_is_the_replay_of_one_that_adapts_everything(everything):
    _, rows = everything
    tau = float(rows["margin"].median())
    config = configure("smoke", tau=tau, **SETTINGS)
    found = rows_of(config, load_samples(config))
    replayed = replay(rows.reset_index(), tau=tau).set_index("sample_id")
    assert set(found["uncertain"]) == {True, False}
    columns = ["margin", "uncertain", "adapted", "greedy_output", "greedy_correct"]
    assert found[columns].equals(replayed[columns])
    sweep = tau_sweep(rows, [tau]).iloc[0]
    assert sweep["accuracy"] == pytest.approx(found["correct"].mean())


def test_samples_that_could_not_be_adapted_keep_their_answer_and_say_so(everything):
    config, rows = everything
    kept = rows[rows["uncertain"] & ~rows["adapted"]]
    assert len(kept) > 0
    assert kept["output"].tolist() == kept["base_output"].tolist()
    assert kept["note"].str.contains("no valid example").all()
    assert set(rows.loc[rows["adapted"], "note"]) == {""}
    assert rows["adapted"].tolist() == (rows["examples_valid"] > 0).tolist()
    assert rows["adapted"].any()
    steps = rows["losses"].map(json.loads).map(len)
    assert steps.tolist() == (rows["examples_valid"].clip(upper=config.loop.k) * config.loop.lora.epochs).tolist()


@pytest.mark.parametrize(
    ("method", "changes"), [("tt-icl", {}), ("icl", {}), ("sft", {}), ("tt-d", {"teacher": "oracle"})]
)
def test_no_method_reads_a_label(method, changes):
    config = configure("smoke", method=method, decoding="pass@5", tau=1.0, **changes, **{**SETTINGS, "limit": 3})
    wrong = (Call(name="nonsense", arguments={"x": 1}),)
    samples = load_samples(config)
    rows = rows_of(config, samples)
    found = rows_of(config, [sample.model_copy(update={"gold": wrong}) for sample in samples])
    of_gold = [*OF_GOLD, "vote_correct", "pass_correct"]
    assert found.drop(columns=of_gold).equals(rows.drop(columns=of_gold))
    assert not found[of_gold].to_numpy().any()
    assert True in set(rows["adapted"])
    assert {len(json.loads(draws)) for draws in rows["draws"]} == {DRAWS}
    assert rows["correct"].tolist() == rows["pass_correct"].tolist()


def test_gates_adapt_what_they_say(everything):
    _, rows = everything
    tau = float(rows["margin"].median())
    few = {**SETTINGS, "limit": 6}
    tried = {}
    for adapt in ("uncertain", "certain", "all", "random"):
        config = configure("smoke", adapt=adapt, tau=tau, share=0.0, **few)
        found = rows_of(config, load_samples(config))
        tried[adapt] = set(found.query("examples_tried > 0").index)
    below = set(rows.query("margin < @tau").index)
    assert tried["uncertain"] == below & tried["all"]
    assert tried["certain"] == tried["all"] - below
    assert len(tried["all"]) == 6
    assert not tried["random"]


def test_gates_replayed_at_equal_budget(everything):
    _, rows = everything
    rows = rows.reset_index()
    tau = float(rows["margin"].median())
    uncertain, surest, lot = (replay(rows, tau=tau, gate=gate) for gate in ("uncertain", "surest", "lot"))
    adapted = [set(table.query("adapted").index) for table in (uncertain, surest, lot)]
    assert not adapted[0] & adapted[1]
    budget = sum(value < tau for value in rows["margin"])
    assert 0 < budget < len(rows)
    assert all(len(chosen) <= budget for chosen in adapted)
    assert replay(rows, tau=0.0, gate="all")["greedy_output"].tolist() == rows["greedy_output"].tolist()


def test_one_adapter_of_supervised_fine_tuning_serves_all_samples():
    config = configure("smoke", method="sft", sft_examples=3, sft_learning_rate=5e-3, **{**SETTINGS, "limit": 3})
    agent = load_agent(config)
    with prepared(config, agent) as improve:
        assert improve.seconds_once > 0
        first = [improve(sample.request, seed=0) for sample in load_samples(config)]
        again = [improve(sample.request, seed=0) for sample in load_samples(config)]
    assert all(one.adapted and not one.written for one in first)
    assert [one.output for one in first] == [one.output for one in again]
    plain = configure("smoke", method="base", **{**SETTINGS, "limit": 3})
    bases = rows_of(plain, load_samples(plain))["base_output"].tolist()
    assert [one.base_output for one in first] == bases


def test_base_and_constrained_never_adapt():
    for method in ("base", "constrained"):
        config = configure("smoke", method=method, **{**SETTINGS, "limit": 4})
        rows = rows_of(config, load_samples(config))
        assert set(rows["adapted"]) == {False}
        assert set(rows["examples_tried"]) == {0}
        assert rows["output"].tolist() == rows["base_output"].tolist()


def test_the_paper_profile_runs_on_the_tiny_agent():
    here = {"benchmark": "toolworld", "model": "agents/tiny", "device": "cpu", "dtype": "float32"}
    config = configure("paper", **here, **{**SETTINGS, "limit": 2})
    assert len(rows_of(config, load_samples(config))) == 2
    assert (config.loop.estimator, config.loop.k, config.loop.lora.rank) == ("rss-margin", 1, 8)


def test_seeds_come_from_the_run_and_the_sample_alone():
    ids = [sample.request.id for sample in load("toolworld", "single/seen", limit=50)]
    assert len({seed_for(seed, name) for seed in (0, 1) for name in ids}) == 100
    assert seed_for(0, "toolworld/single/seen/test/0/0") == 2543504342
