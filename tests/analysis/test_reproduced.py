"""Our counterparts of the paper's numbers, on small studies whose numbers can be told by hand."""

from pathlib import Path

import pandas as pd
import pytest

from ttsi.evaluation.statistics import Interval
from ttsi.records import InputError
from ttsi.runs.config import configure
from ttsi_book.analysis.paper import read_paper
from ttsi_book.analysis.reproduced import MIRRORS, REPRODUCED, Study, counterparts, latencies, settings

SECONDS = {
    f"seconds_{stage}": 1.0 for stage in ("base", "answer", "uncertainty", "augmentation", "adaptation", "draws")
}


def row(family: str, sample: str, split: str, seed: int = 0, **values) -> dict:
    never = {"margin": 0.5, "adapted": True, "base_correct": False, "greedy_correct": False}
    never |= {"vote_correct": False, "pass_correct": True, "base_output": "", "greedy_output": ""}
    return {"family": family, "split": split, "sample_id": sample, "seed": seed, **SECONDS, **never, **values}


def study(tmp_path: Path, rows: list[dict]) -> Study:
    for family, members in pd.DataFrame(rows).groupby("family"):
        members.to_parquet(tmp_path / f"{family}.parquet")
    return Study.read(tmp_path)


def four_benchmarks(**adapted) -> list[dict]:
    """Two samples of each benchmark: an uncertain one that is wrong, and a certain one that is right, before."""
    rows = []
    for name in REPRODUCED:
        for index, (margin, right) in enumerate(((0.1, False), (0.99, True))):
            sample = f"{name}/test/{index}"
            before = {"margin": margin, "base_correct": right}
            rows.append(row("base", sample, "test", greedy_correct=right, vote_correct=right, **before))
            rows.append(row("tt-si", sample, "test", **before, **adapted))
    return rows


def share(found: dict, name: str) -> float:
    value = found[name]
    assert isinstance(value, Interval)
    return value.estimate


def test_the_gate_keeps_base_answers_of_certain_samples(tmp_path: Path) -> None:
    found = counterparts(study(tmp_path, four_benchmarks(greedy_correct=True)), tau=0.95, low_tau=0.05)
    assert share(found, "average.base_direct") == 0.5
    assert share(found, "average.tt_si_direct") == 1
    assert share(found, "average.tt_si_direct_gain") == 0.5
    assert share(found, "sealtool.tt_si_all") == 1
    assert share(found, "sealtool.tt_si_certain") == 0.5
    assert share(found, "sealtool.tt_si_tau_0_35") == 0.5
    assert (found["sealtool.test_samples"], found["sealtool.uncertain_samples"]) == (2, 1)


def test_a_sample_that_adaptation_breaks_counts_only_where_it_was_adapted(tmp_path: Path) -> None:
    found = counterparts(study(tmp_path, four_benchmarks(greedy_correct=False)), tau=0.95, low_tau=0.05)
    assert share(found, "sealtool.tt_si") == 0.5
    assert share(found, "sealtool.tt_si_all") == 0
    assert share(found, "sealtool.tt_si_certain") == 0


def test_votes_of_kept_samples_are_the_base_agents(tmp_path: Path) -> None:
    found = counterparts(study(tmp_path, four_benchmarks(vote_correct=True)), tau=0.95, low_tau=0.05)
    assert share(found, "average.tt_si_majority_vote_gain") == 0.5


def test_an_average_weighs_benchmarks_alike(tmp_path: Path) -> None:
    rows = four_benchmarks(greedy_correct=True)
    rows += [row("base", f"apibank/level-2/{index}", "level-2", greedy_correct=True) for index in range(8)]
    rows += [row("tt-si", f"apibank/level-2/{index}", "level-2", greedy_correct=True) for index in range(8)]
    found = counterparts(study(tmp_path, rows), tau=0.95, low_tau=0.05)
    assert share(found, "average.base_direct") == pytest.approx((0.5 * 3 + 0.9) / 4)
    value = found["average.base_direct"]
    assert isinstance(value, Interval)
    assert (value.n, value.low < value.estimate < value.high) == (16, True)


def test_seeds_of_a_sample_are_no_new_samples(tmp_path: Path) -> None:
    rows = [one | {"seed": seed} for one in four_benchmarks(greedy_correct=True) for seed in range(5)]
    found = counterparts(study(tmp_path, rows), tau=0.95, low_tau=0.05)
    value = found["gain.sealtool"]
    assert isinstance(value, Interval)
    assert value.n == 2
    assert found["sealtool.uncertain_samples"] == 1


def test_a_base_that_was_run_under_one_seed_is_enough_for_greedy_answers(tmp_path: Path) -> None:
    rows = [one | {"seed": seed} for one in four_benchmarks(greedy_correct=True) for seed in range(5)]
    found = counterparts(
        study(tmp_path, [one for one in rows if one["family"] != "base" or one["seed"] == 0]), tau=0.95, low_tau=0.05
    )
    assert (share(found, "gain.sealtool"), share(found, "sealtool.tt_si")) == (0.5, 1)


def test_splits_of_toolworld_stand_for_what_they_mirror(tmp_path: Path) -> None:
    rows = [
        row(family, f"toolworld/{split}/test/0/{index}", split, greedy_correct=family == "tt-si")
        for family in ("base", "tt-si")
        for split in (*MIRRORS, "single/seen")
        for index in range(2)
    ]
    found = counterparts(study(tmp_path, rows), tau=0.95, low_tau=0.05)
    assert found["sealtool.test_samples"] == 2
    assert all(share(found, f"gain.{name}") == 1 for name in REPRODUCED)


def test_what_is_missing_is_left_out(tmp_path: Path) -> None:
    rows = [one for one in four_benchmarks() if not one["sample_id"].startswith("toolalpaca")]
    found = counterparts(study(tmp_path, rows), tau=0.95, low_tau=0.05)
    assert "average.base_direct" not in found
    assert {"gain.toolalpaca", "sealtool.sft", "average.tt_d_direct_gain"}.isdisjoint(found)
    assert "gain.sealtool" in found


def test_names_are_those_of_the_papers_numbers(tmp_path: Path) -> None:
    rows = four_benchmarks()
    for family, like in (("tt-d", "tt-si"), ("sft", "base"), ("base-7b", "base"), ("tt-si-7b", "tt-si")):
        rows += [one | {"family": family} for one in rows if one["family"] == like]
    whole = study(tmp_path, rows)
    paper = read_paper()
    for name in [*counterparts(whole, tau=0.95, low_tau=0.05), *latencies(whole, tau=0.95)]:
        assert paper[name]


def test_seconds_are_divided_as_the_paper_divides_them(tmp_path: Path) -> None:
    found = latencies(study(tmp_path, four_benchmarks()), tau=0.95)
    assert {name: share(found, name) for name in found} == {
        "latency.base": 1,
        "latency.uncertain": 4,
        "latency.certain": 2,
    }


def test_the_papers_profile_has_the_papers_settings() -> None:
    paper = read_paper()
    for name, value in settings(configure("paper").model_dump(), runs=5).items():
        assert value == paper[name].value


def test_an_empty_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read as published runs"):
        Study.read(tmp_path)
