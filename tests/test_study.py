"""The published runs: complete, of one agent, and read back with their family and split."""

import pytest

from ttsi.benchmarks.toolworld import SPLITS
from ttsi.profiles import agent_folder, configure, data_root
from ttsi.provenance import hash_files
from ttsi.records import InputError
from ttsi.results import read_provenance
from ttsi.runs import run
from ttsi.study import FAMILIES, SEEDS, published_runs, read_study

PUBLISHED = data_root() / "results"


def test_what_is_published_is_what_the_study_says():
    for folder, config in published_runs():
        provenance = read_provenance(PUBLISHED / folder)
        assert provenance.config == config.model_dump(mode="json"), folder
        assert provenance.ended, folder
        assert provenance.dirty is False, folder


def test_published_results_come_from_the_shipped_agent():
    folder = agent_folder(configure("tiny"))
    files = [path for path in folder.iterdir() if path.suffix in {".safetensors", ".json", ".jinja"}]
    found = {read_provenance(PUBLISHED / folder).hashes["agent"] for folder, _ in published_runs()}
    assert found == {hash_files(files)}


def test_every_split_and_seed_is_there_once():
    rows = read_study(PUBLISHED)
    assert set(rows["family"]) == set(FAMILIES)
    assert set(rows["split"]) == set(SPLITS)
    assert set(rows["seed"]) == set(SEEDS)
    assert len(rows.drop_duplicates(["family", "sample_id"])) == len(rows)
    ids = rows.groupby("family")["sample_id"].agg(set)
    assert set(ids["tt-si-constrained"]) < set(ids["tt-si"])


def test_a_published_row_is_what_the_code_computes_now(tmp_path):
    config = configure("tiny", tau=1.0, limit=3)
    found = run(config, tmp_path / "now").set_index("sample_id")
    published = read_study(PUBLISHED).query("family == 'tt-si'").set_index("sample_id").loc[found.index]
    columns = ["base_output", "output", "examples", "correct"]
    assert found[columns].equals(published[columns])


def test_a_folder_without_runs_is_refused(tmp_path):
    with pytest.raises(InputError, match="holds no run"):
        read_study(tmp_path)
