"""The benchmark measures every way on the same work, and says what made its table."""

import json

import pandas as pd
import pytest
import torch

from ttsi.records import InputError
from ttsi.speed import measuring
from ttsi.speed.cases import PLANS, Case
from ttsi.speed.measuring import measure
from ttsi.speed.peak import COUNTED, peak_memory
from ttsi.speed.ways import TIMED_STAGES, WAYS
from ttsi.speed.workload import random_tokens, toolworld

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
    assert (table[[f"seconds_{stage}" for stage in TIMED_STAGES]] > 0).to_numpy().all()
    assert table["seconds"].tolist() == pytest.approx(table.filter(like="seconds_").sum(axis="columns").tolist())
    for stage in ("uncertainty", "adaptation"):
        assert table.groupby(["model", "k"])[f"tokens_{stage}"].nunique().tolist() == [1, 1]
    endless = table[table["model"] == "mini"].set_index(["way", "repeat"])
    for stage, tokens in {"base": 130, "augmentation": 2 * 190, "adaptation": 2 * 5 * 130}.items():
        assert endless[f"tokens_{stage}"].unique().tolist() == [tokens]
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


@pytest.mark.skipif(not COUNTED, reason="the system does not count a process's peak")
@pytest.mark.parametrize("tensors", [0, 1, 3])
def test_the_peak_is_what_the_block_held_at_once(tensors):
    size = 50_000_000
    with peak_memory(torch.device("cpu")) as peak:
        held = [torch.ones(size // 4) for _ in range(tensors)]
        del held
    assert peak.taken == pytest.approx(tensors * size, rel=0.1, abs=size // 10)


def test_what_is_measured_is_kept_and_not_measured_again(tmp_path, monkeypatch):
    monkeypatch.setattr("ttsi.speed.table.source_state", lambda: ("a" * 40, False))
    cases, out, said = [Case("tiny", {"batched": 2, "activated": 2})], tmp_path / "cpu.parquet", []
    first = measure(cases, out, device="cpu", repeats=1, announce=said.append)
    again = measure(cases, out, device="cpu", repeats=1, announce=said.append)
    pd.testing.assert_frame_equal(first, again)
    assert len(said) == 1
    longer = measure([*cases, Case("tiny", {"batched": 1})], out, device="cpu", repeats=1, announce=said.append)
    assert longer["case"].tolist() == [0, 0, 1], "another plan begins anew"


def test_a_file_that_is_no_table_of_it_is_left_alone(tmp_path):
    (tmp_path / "cpu.parquet").write_text("mine")
    for name, said in {"notes.md": "expected .parquet", "cpu.parquet": "does not say what made it"}.items():
        with pytest.raises(InputError, match=said):
            measure([Case("tiny", {"batched": 2})], tmp_path / name, device="cpu", repeats=1)
    assert (tmp_path / "cpu.parquet").read_text() == "mine"


def test_after_its_minutes_nothing_is_begun(tmp_path):
    table = measure([Case("tiny", {"batched": 2})], tmp_path / "cpu.parquet", device="cpu", repeats=1, minutes=0)
    assert table.empty
