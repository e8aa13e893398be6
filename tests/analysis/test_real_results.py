"""Results of the real model: seeds averaged within a sample, gates replayed, rows annotated."""

import json

import pandas as pd
import pytest

from ttsi.evaluation.annotation import annotated
from ttsi.records import InputError
from ttsi.runs.config import configure
from ttsi.runs.provenance import Provenance
from ttsi_book.analysis.real_results import compared, of_samples, read_results, shares
from upstream_files import write


def rows(family, right, *, seed=0, base=(False, True, False, True), margins=(0.1, 0.2, 0.99, 0.99)):
    ids = [f"sealtool/test/in-domain/{number}" for number in range(len(right))]
    return pd.DataFrame(
        {
            "family": family,
            "split": "test",
            "sample_id": ids,
            "seed": seed,
            "margin": margins,
            "uncertain": False,
            "adapted": True,
            "base_output": "",
            "greedy_output": "",
            "base_correct": base,
            "greedy_correct": right,
            "vote_correct": None,
            "pass_correct": None,
        }
    )


@pytest.fixture
def folder(tmp_path):
    rows("base", [False, True, False, True]).to_parquet(tmp_path / "base.parquet")
    seeds = [
        rows("tt-si-paper", right, seed=seed) for seed, right in ((0, [True, True, True, False]), (1, [False] * 4))
    ]
    pd.concat(seeds).to_parquet(tmp_path / "tt-si-paper.parquet")
    return tmp_path


def test_a_sample_counts_once_whatever_its_seeds(folder):
    right = of_samples(read_results(folder, taus={}), "SealTool", "tt-si-paper")
    assert right.tolist() == [0.5, 0.5, 0.5, 0.0]
    table = shares(read_results(folder, taus={}), ["base", "tt-si-paper", "sft"])
    assert table[["family", "estimate", "n"]].values.tolist() == [["base", 0.5, 4], ["tt-si-paper", 0.375, 4]]


def test_behind_its_gate_a_certain_sample_keeps_its_base_answer(folder):
    right = of_samples(read_results(folder, taus={"tt-si-paper": 0.95}), "SealTool", "tt-si-paper")
    assert right.tolist() == [0.5, 0.5, 0.0, 1.0]


def test_differences_are_paired_and_tested_at_seed_0(folder):
    (found,) = compared(read_results(folder, taus={})).to_dict("records")
    assert (found["before"], found["after"], found["n"]) == ("base", "tt-si-paper", 4)
    assert found["estimate"] == pytest.approx(-0.125)
    assert (found["fixed"], found["broken"]) == (2, 1)


def test_no_published_runs_are_named(tmp_path):
    with pytest.raises(InputError, match="cannot be read as published runs"):
        read_results(tmp_path, taus={})


def outcome(sample_id, output, *, correct):
    return {
        "sample_id": sample_id,
        "base_output": output,
        "greedy_output": output,
        "base_correct": correct,
        "greedy_correct": not correct,
        "examples": json.dumps([{"text": "words", "verdict": "not an example"}]),
        "draws": "[]",
    }


def made(benchmark):
    config = configure("real", benchmark=benchmark, split="test").model_dump(mode="json")
    fields = {"commit": None, "dirty": None, "versions": {}, "device": "", "threads": 1, "hashes": {}, "started": ""}
    return Provenance(config=config, **fields)


def test_rows_are_annotated_with_the_kind_of_error_and_quote_what_changed(tmp_path):
    from ttsi.benchmarks import load

    folder = write(tmp_path, "sealtool")
    sample = load("sealtool", "test", data_dir=folder)[0]
    table = annotated(pd.DataFrame([outcome(sample.request.id, "", correct=True)]), made("sealtool"), folder)
    (row,) = table.to_dict("records")
    assert row["base_error"] == row["error"] == "no call"
    assert not row["lenient"]
    assert row["request"] == sample.request.messages[-1].content
    assert sample.gold[0].name in row["gold"]


def test_what_was_written_about_nexusravens_queries_is_left_out(tmp_path):
    from ttsi.benchmarks import load

    folder = write(tmp_path, "nexusraven")
    sample = load("nexusraven", "test", data_dir=folder)[0]
    table = annotated(pd.DataFrame([outcome(sample.request.id, "secret", correct=True)]), made("nexusraven"), folder)
    (row,) = table.to_dict("records")
    assert row["base_output"] == row["greedy_output"] == row["request"] == row["gold"] == ""
    assert json.loads(row["examples"]) == [{"text": "", "verdict": "not an example"}]
    assert row["error"] == "no call"
