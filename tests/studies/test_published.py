"""What is published: complete, of one agent and one teacher, and what the code computes now."""

import json
from collections.abc import Iterator

import pytest
import torch

from ttsi.benchmarks.toolworld import SPLITS
from ttsi.data import data_root
from ttsi.estimators import ESTIMATORS
from ttsi.models.folders import hash_files, model_files
from ttsi.models.loading import model_folder
from ttsi.records import InputError, Outcome
from ttsi.runs.config import configure
from ttsi.runs.results import as_table
from ttsi.runs.run import load_agent, load_samples, outcomes, run
from ttsi.scoring import DRAWS
from ttsi.studies.collecting import collect, read_made
from ttsi.studies.families import ACTIVATED, CANDIDATES, FAMILIES, LIMITS, MARGINS, SEEDS, SWEEPS
from ttsi.studies.published import margins_of, read_study
from ttsi.studies.study import study_of

OF_STUDY = {"results": FAMILIES | ACTIVATED, "sweeps": SWEEPS, "selection": CANDIDATES, "timing": FAMILIES}


@pytest.fixture
def threads_as_before() -> Iterator[None]:
    """Afterwards PyTorch has as many threads as before."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("study", OF_STUDY)
def test_what_is_published_is_what_the_study_says(study):
    expected = [config.model_dump(mode="json") for _, config in study_of(study).runs()]
    made = [one for family in OF_STUDY[study] for one in read_made(data_root() / study, family)]
    assert all(one.ended for one in made)
    assert {one.dirty for one in made} == {False}
    found = [one.config for one in made]
    assert sorted(map(json.dumps, found)) == sorted(map(json.dumps, expected))


@pytest.mark.parametrize("study", OF_STUDY)
def test_published_results_come_from_the_shipped_models(study):
    made = [one for family in OF_STUDY[study] for one in read_made(data_root() / study, family)]
    for role, name in (("agent", "agents/tiny"), ("teacher", "agents/tiny-teacher")):
        found = {one.hashes[role] for one in made if role in one.hashes}
        assert found <= {hash_files(model_files(model_folder(name)))}
    assert all("agent" in one.hashes for one in made)


def test_every_split_and_seed_is_there_once():
    rows = read_study(data_root() / "results")
    assert set(rows["family"]) == {*FAMILIES, *ACTIVATED}
    assert set(rows["split"]) == set(SPLITS)
    assert set(rows["seed"]) == set(SEEDS)
    assert len(rows.drop_duplicates(["family", "sample_id"])) == len(rows)
    ids = {name: set(of_family["sample_id"]) for name, of_family in rows.groupby("family")}
    assert all(of_family == ids["base"] for of_family in ids.values())
    swept = read_study(data_root() / "sweeps")
    assert set(swept["sample_id"]) < ids["base"]


def test_the_base_answer_is_the_same_in_every_family_that_answers_alike():
    rows = read_study(data_root() / "results")
    free = rows[~rows["family"].str.contains("constrained")]
    assert set(free.groupby("sample_id")["base_output"].nunique()) == {1}


def test_the_base_family_holds_every_margin_and_sampled_answers():
    rows = read_study(data_root() / "results", "base")
    assert set(margins_of(rows).columns) == set(MARGINS) <= set(ESTIMATORS)
    assert margins_of(rows).notna().all(axis=None)
    assert {len(json.loads(draws)) for draws in rows["draws"]} == {DRAWS}


@pytest.mark.parametrize("split", SPLITS)
def test_a_run_with_default_threads_and_batch_answers_as_the_published_run_of_threads_as_before_did(
    split, threads_as_before
):
    config = configure("tiny", split=split, adapt="all", limit=LIMITS["seen"])
    found = as_table(outcomes(load_samples(config), config, load_agent(config))).set_index("sample_id")
    made = read_study(data_root() / "results", "tt-si").set_index("sample_id").loc[found.index]
    assert (config.threads, config.backend, config.batch) == (None, "batched", None)
    for column in ("base_output", "examples", "greedy_output"):
        assert found[column].tolist() == made[column].tolist()


def test_runs_are_collected_with_what_made_them(tmp_path):
    from ttsi.runs.config import changed, configure

    config = configure("smoke", method="base", limit=2, subset="validation")
    table = run(config, tmp_path / "runs" / "base" / "single-unseen" / "seed-0")
    collect(tmp_path / "runs", tmp_path / "out")
    found = read_study(tmp_path / "out", "base")
    assert list(found.columns) == [
        "family",
        "split",
        *(name for name in Outcome.model_fields if name not in ("output", "correct")),
    ]
    assert found["greedy_output"].tolist() == table["greedy_output"].tolist()
    assert [one.config for one in read_made(tmp_path / "out", "base")] == [config.model_dump(mode="json")]
    other = tmp_path / "other" / "base" / "single-unseen" / "seed-1"
    run(changed(config, seed=1), other)
    before = (tmp_path / "out" / "base.parquet").read_bytes()
    with pytest.raises(InputError, match=r"holds run toolworld/.*/0, which is not among the runs"):
        collect(tmp_path / "other", tmp_path / "out")
    assert (tmp_path / "out" / "base.parquet").read_bytes() == before
    path = other / "provenance.json"
    path.write_text(path.read_text().replace('"benchmark": "toolworld"', '"benchmark": "nexusraven"'))
    with pytest.raises(InputError, match="texts may not be passed on; expected --data-dir"):
        collect(tmp_path / "other", tmp_path / "new")


def test_nothing_to_collect_or_to_read_is_named(tmp_path):
    with pytest.raises(InputError, match="holds no run"):
        collect(tmp_path, tmp_path / "out")
    with pytest.raises(InputError, match=r"base\.parquet cannot be read"):
        read_study(tmp_path, "base")
