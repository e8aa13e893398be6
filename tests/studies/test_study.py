"""The studies: which runs they name, and that shards share them out."""

from ttsi.benchmarks.toolworld import SPLITS
from ttsi.runs.config import configure
from ttsi.runs.results import read_outcomes
from ttsi.studies import STUDIES
from ttsi.studies.families import ACTIVATED, FAMILIES, SEEDS
from ttsi.studies.running import run_study
from ttsi.studies.study import study_of
from ttsi.studies.toolworld import RESULTS, SELECTION, SWEEPS


def test_every_method_runs_on_every_split_and_seed_once():
    names = [name for name, _ in RESULTS.runs()]
    assert len(set(names)) == len(names) == len(FAMILIES | ACTIVATED) * len(SPLITS) * len(SEEDS)
    assert {config.loop.adapt for _, config in RESULTS.runs()} == {"all"}


def test_settings_were_chosen_on_samples_that_are_never_reported():
    assert {config.subset for _, config in SELECTION.runs()} == {"validation"}
    assert {config.subset for _, config in (*RESULTS.runs(), *SWEEPS.runs())} == {"test"}


def test_names_are_unique_within_a_study():
    for study in STUDIES:
        names = [name for name, _ in study_of(study).runs()]
        assert len(set(names)) == len(names)


def test_shards_share_the_runs_out_and_the_teacher_is_kept(tmp_path):
    settings = {"limit": 1, "subset": "validation", "adapt": "all"}
    runs = [
        ("base/a/seed-0", configure("smoke", method="base", **settings)),
        ("oracle/a/seed-0", configure("smoke", method="tt-d", teacher="oracle", **settings)),
        ("oracle/a/seed-1", configure("smoke", method="tt-d", teacher="oracle", seed=1, **settings)),
    ]
    run_study(runs, tmp_path, shard=(0, 2))
    assert sorted(path.parent.name for path in tmp_path.glob("*/*/*/outcomes.parquet")) == ["seed-0", "seed-1"]
    run_study(runs, tmp_path, shard=(1, 2))
    assert read_outcomes(tmp_path / "oracle/a/seed-0")["examples_tried"].tolist() == [runs[1][1].loop.draws]
