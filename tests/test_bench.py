"""The benchmark measures every way on the same work, and says what made its table."""

import json

import pandas as pd
import pytest

from ttsi.bench import measuring
from ttsi.bench.cases import PLANS, Case
from ttsi.bench.measuring import measure
from ttsi.bench.ways import STAGES, WAYS
from ttsi.bench.workload import random_tokens, toolworld

MINI = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 128}
WAYS_HERE = [way for way in WAYS if way != "unsloth"]


def test_ways_are_measured_in_turn_on_the_same_work(tmp_path, monkeypatch):
    monkeypatch.setitem(measuring.SHAPES, "mini", MINI)
    cases = [Case("tiny", dict.fromkeys(WAYS_HERE, 2)), Case("mini", dict.fromkeys(WAYS_HERE, 2), prefix=30, k=2)]
    said: list[str] = []
    table = measure(cases, tmp_path / "cpu.parquet", device="cpu", repeats=2, announce=said.append)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "cpu.parquet"), table)
    assert table["way"].tolist() == 4 * WAYS_HERE
    assert len(said) == 2
    assert (table[[f"seconds_{stage}" for stage in STAGES]] > 0).to_numpy().all()
    assert table["seconds"].tolist() == pytest.approx(table.filter(like="seconds_").sum(axis="columns").tolist())
    assert table.groupby(["model", "k"])["trained_tokens"].nunique().tolist() == [1, 1]
    assert set(table.query("way in ('naive', 'sequential')")["batch"]) == {1}
    assert set(table.query("way in ('batched', 'activated')")["batch"]) == {2}
    made = json.loads((tmp_path / "cpu.json").read_text())
    assert made["config"]["repeats"] == 2
    assert len(made["config"]["cases"]) == 2


def test_prompts_of_a_sample_begin_with_its_prefix(tiny):
    for work in (*toolworld(tiny, 3, k=2), *random_tokens(3, prefix=20, k=2)):
        assert len(work.prefix) >= 10
        assert len(work.lessons) == 2
        for prompt in (work.prompt, work.practice, *(prompt for prompt, _ in work.lessons)):
            assert prompt[: len(work.prefix)] == work.prefix
            assert len(prompt) > len(work.prefix)


def test_plans_measure_what_can_be_compared():
    for cases in PLANS.values():
        for case in cases:
            assert set(case.samples) <= set(WAYS)
    assert any(set(case.samples) == set(WAYS_HERE) and case.prefix is None for case in PLANS["cpu"])
