"""Results of the real model: seeds averaged within a sample, gates replayed, rows annotated."""

import json

import pandas as pd
import pytest

from ttsi.benchmarks import load
from ttsi.calls import render_calls
from ttsi.data import data_root
from ttsi.evaluation.annotation import annotated
from ttsi.evaluation.comparison import effect_text
from ttsi.evaluation.statistics import sign_flips
from ttsi.records import Call, InputError
from ttsi.runs.config import configure
from ttsi.runs.provenance import Provenance
from ttsi.studies.real import PAPER_SETTING
from ttsi_book.analysis.practice import averaged_by_margin, averaged_by_practice, choice, right_tools, shown_tool
from ttsi_book.analysis.real_results import (
    GATED,
    agreement,
    by_seed,
    compared,
    of_samples,
    read_results,
    shares,
)
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


def test_seeds_are_told_apart_where_there_are_several(folder):
    found = by_seed(read_results(folder, taus={}))
    assert list(found.index) == [("SealTool", "tt-si-paper")]
    assert found.iloc[0].to_dict() == {
        "seed 0": 0.75,
        "seed 1": 0.0,
        "SD": pytest.approx(0.5303, abs=1e-4),
    }
    (folder / "tt-si-paper.parquet").unlink()
    assert by_seed(read_results(folder, taus={})).empty


def test_a_sample_counts_once_whatever_its_seeds(folder):
    right = of_samples(read_results(folder, taus={}), "SealTool", "tt-si-paper")
    assert right.tolist() == [0.5, 0.5, 0.5, 0.0]
    table = shares(read_results(folder, taus={}), ["base", "tt-si-paper", "sft"])
    assert table[["family", "estimate", "n"]].values.tolist() == [["base", 0.5, 4], ["tt-si-paper", 0.375, 4]]


def test_behind_its_gate_a_certain_sample_keeps_its_base_answer(folder):
    right = of_samples(read_results(folder, taus={"tt-si-paper": 0.95}), "SealTool", "tt-si-paper")
    assert right.tolist() == [0.5, 0.5, 0.0, 1.0]


def test_differences_are_paired_and_counted_over_seeds(folder):
    (found,) = compared(read_results(folder, taus={})).to_dict("records")
    assert (found["before"], found["after"], found["n"]) == ("base", "tt-si-paper", 4)
    assert found["estimate"] == pytest.approx(-0.125)
    assert (found["without"], found["seeds"], found["fixed"], found["broken"]) == (0.5, 2, 1, 1.5)
    assert found["p_value"] == sign_flips([1, 0, 1, -2])


def test_a_method_that_learns_is_compared_with_the_answers_of_its_own_runs(folder):
    rows("tt-si", [True] * 4, base=[True, True, False, False]).to_parquet(folder / "tt-si.parquet")
    found = compared(read_results(folder, taus={}), [("base", "tt-si")]).iloc[0]
    assert (found["estimate"], found["fixed"], found["broken"]) == (0.5, 2, 0)


def test_constrained_decoding_is_compared_with_the_base_model(folder):
    answers = [True, True, False, True]
    rows("constrained", answers, base=answers).to_parquet(folder / "constrained.parquet")
    found = compared(read_results(folder, taus={}), [("base", "constrained")]).iloc[0]
    assert (found["estimate"], found["fixed"], found["broken"]) == (0.25, 1, 0)


def test_groups_by_margin_count_a_sample_once_whatever_its_seeds():
    seeds = [rows("tt-si", [right] * 4, seed=seed, base=[False] * 4) for seed, right in ((0, True), (1, False))]
    both = pd.concat(seeds, ignore_index=True)
    both["margins"] = [json.dumps({"call-probability": margin}) for margin in both["margin"]]
    found = averaged_by_margin(both, "call-probability")
    assert found["n"].to_dict() == {"0 to 0.25": 2, "0.75 to 1": 2}
    assert found["estimate"].to_list() == [0.5, 0.5]


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
    folder = write(tmp_path, "sealtool")
    sample = load("sealtool", "test", data_dir=folder)[0]
    table = annotated(pd.DataFrame([outcome(sample.request.id, "", correct=True)]), made("sealtool"), folder)
    (row,) = table.to_dict("records")
    assert row["base_error"] == row["error"] == "no call"
    assert not row["lenient"]
    assert row["request"] == sample.request.messages[-1].content
    assert sample.gold[0].name in row["gold"]


def test_practice_is_compared_with_the_gold_calls(tmp_path):
    folder = write(tmp_path, "sealtool")
    sample = load("sealtool", "test", data_dir=folder)[0]
    (gold,) = sample.gold
    other = Call(name=gold.name, arguments={})
    practice = {
        "same calls": [gold],
        "same tools": [other],
        "other tools": [Call(name="another", arguments={})],
    }
    texts = [f"{render_calls(calls)}\nUser: words" for calls in practice.values()]
    written = [[{"text": text, "verdict": "valid"}] for text in texts]
    written += [[{"text": texts[0], "verdict": "duplicate"}, *written[2]], [{"text": "", "verdict": "not an example"}]]
    base = outcome(sample.request.id, "", correct=True)
    table = pd.DataFrame([base | {"examples": json.dumps(one)} for one in written])
    assert annotated(table, made("sealtool"), folder)["practised"].tolist() == [*practice, "other tools", ""]


def test_what_was_written_about_nexusravens_queries_is_left_out(tmp_path):
    folder = write(tmp_path, "nexusraven")
    sample = load("nexusraven", "test", data_dir=folder)[0]
    table = annotated(pd.DataFrame([outcome(sample.request.id, "secret", correct=True)]), made("nexusraven"), folder)
    (row,) = table.to_dict("records")
    assert row["base_output"] == row["greedy_output"] == row["request"] == row["gold"] == ""
    assert json.loads(row["examples"]) == [{"text": "", "verdict": "not an example"}]
    assert row["error"] == "no call"


def test_five_answers_count_by_their_majority_and_by_the_best(tmp_path):
    votes = rows("base-votes", [False] * 4).assign(vote_correct=[True, False, True, False], pass_correct=True)
    votes.to_parquet(tmp_path / "base-votes.parquet")
    found = read_results(tmp_path, taus={})
    assert of_samples(found, "SealTool", "majority-vote").tolist() == [1, 0, 1, 0]
    assert of_samples(found, "SealTool", "pass-at-5").tolist() == [1, 1, 1, 1]


def test_two_runs_agree_where_answer_or_verdict_is_the_same():
    one = rows("base", [False, True, False, True]).assign(greedy_output=list("abcd"))
    other = rows("base", [False, True, True, True]).assign(greedy_output=list("abxy"))
    assert agreement(one, other.head(3)) == {"n": 3, "same answer": 2, "same verdict": 2}


def test_the_best_candidate_is_chosen_and_of_equals_the_present_one():
    unsure = (0.1, 0.2, 0.3, 0.4)
    present = rows("a", [True, True, False, True], margins=unsure)
    equal = rows("b", [True, True, True, False], margins=unsure)
    better = rows("b", [True] * 4, margins=unsure)
    assert choice(pd.concat([equal, present]), present=("a", 0.5)) == ("a", 0.5)
    assert choice(pd.concat([equal, present]), present=("x", 0.5)) == ("b", 0.5)
    assert choice(pd.concat([present, better]), present=("a", 0.5)) == ("b", 0.5)


def test_a_candidate_that_was_not_run_on_all_samples_is_not_chosen():
    best = rows("b", [True] * 4).head(3)
    assert choice(pd.concat([rows("a", [False] * 4), best]), present=("c", 0.5))[0] == "a"


def test_what_the_chapter_on_the_real_model_says_of_practice_holds():
    taus = {"tt-si-paper": PAPER_SETTING["tau"], **dict.fromkeys(GATED, configure("real").loop.tau)}
    found = compared(read_results(data_root() / "real", taus=taus)).set_index(["after", "set"])
    assert effect_text(found.loc["tt-si", "SealTool"]) == "a gain by its interval alone"
    practised = found.loc[["tt-si-paper", "tt-si", "tt-si-constrained"]]
    assert (practised["p_holm"] >= 0.05).all()
    elsewhere = practised.drop(("tt-si", "SealTool"))
    assert (elsewhere["low"] <= 0).all()
    assert (elsewhere["high"] >= 0).all()
    constrained = found.loc["constrained", "low"]
    assert (constrained.drop(["API-Bank, level 2", "ToolAlpaca, simulated"]) > 0).all()


def test_what_the_chapter_says_of_the_tools_that_practice_calls_holds():
    everything = read_results(data_root() / "real", taus={})
    own, bound = (
        averaged_by_practice(everything.query(f"family == '{name}'")).to_dict("index")
        for name in ("tt-si", "tt-d-oracle")
    )
    assert own["same calls"]["low"] > 0 > own["other tools"]["high"]
    assert min(bound["same calls"]["low"], bound["same tools"]["low"]) > own["same tools"]["high"]
    gold = everything.query("family == 'tt-d-oracle' and split == 'level-1' and greedy_correct > base_correct")["gold"]
    assert gold.str.contains("GetUserToken").mean() > 0.5
    practised = everything.query("family == 'tt-si'")["practised"].tolist()
    assert practised.count("other tools") > practised.count("same calls") + practised.count("same tools")


def test_groups_by_practice_count_a_sample_once_in_each_and_leave_out_what_is_not_known():
    kinds = ["same tools", "same tools", "", None]
    one = rows("tt-si", [True, True, False, False], base=[False] * 4).assign(practised=kinds)
    other = rows("tt-si", [False] * 4, base=[False] * 4, seed=1).assign(
        practised=[*kinds[:1], "other tools", *kinds[2:]]
    )
    found = averaged_by_practice(pd.concat([one, other], ignore_index=True))
    assert found["n"].to_dict() == {"same tools": 2, "other tools": 1}
    assert found["estimate"].to_dict() == {"same tools": 0.75, "other tools": 0}


def test_shares_of_right_tools_count_a_sample_once():
    one = rows("tt-si", [True] * 4).assign(practised=["same tools", "same calls", "other tools", None])
    other = rows("tt-si", [True] * 4, seed=1).assign(practised=["other tools", "same calls", "other tools", ""])
    both = pd.concat([one, other], ignore_index=True).assign(set="SealTool")
    assert right_tools(both).to_dict() == {"SealTool": 0.5}


def test_the_tool_of_an_example_is_that_of_the_first_valid_one():
    calls = [render_calls([Call(name=name, arguments={})]) + f"\n{name}, please" for name in ("a", "b", "c")]
    verdicts = ["not an example", "valid", "valid"]
    written = [{"text": text, "verdict": verdict} for text, verdict in zip(calls, verdicts, strict=True)]
    assert shown_tool(json.dumps(written)) == "b"


def test_every_method_but_fine_tuning_was_run_on_every_benchmark():
    rows = read_results(data_root() / "real", taus={}).query("seed == 0 and family != 'sft'")
    sets = {"SealTool", "NexusRaven", "API-Bank, level 1", "API-Bank, level 2", "ToolAlpaca, simulated"}
    assert all({*part["set"]} == sets for _, part in rows.groupby("family"))
