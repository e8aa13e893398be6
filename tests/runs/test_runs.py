"""A run on disk: killed at any moment and resumed, refused where it does not belong, never half-written."""

import json
import os
import shutil
import signal
import subprocess
import sysconfig
import time
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from ttsi.cli import main
from ttsi.loop import STAGES
from ttsi.records import InputError, Outcome
from ttsi.runs.config import configure
from ttsi.runs.results import JOURNAL, PROVENANCE, TABLE, ResultsFolder, read_outcomes, read_provenance
from ttsi.runs.run import run

TIMES = [f"seconds_{stage}" for stage in STAGES]
ROUNDED = [*TIMES, "margins", "losses"]
"""Last bits of margins differ with the batch, and so where a run was cut; `margin` is compared to rounding."""
TTSI = str(Path(sysconfig.get_path("scripts")) / "ttsi")
OPTIONS = ["run", "--profile", "smoke", "--split", "single/unseen", "--subset", "validation", "--limit", "8"]
OPTIONS += ["--batch", "2"]


@pytest.fixture(scope="module")
def config():
    return configure("smoke", split="single/unseen", subset="validation", limit=8, batch=2)


@pytest.fixture(scope="module")
def whole(config, tmp_path_factory) -> tuple[Path, pd.DataFrame]:
    """An uninterrupted run."""
    out = tmp_path_factory.mktemp("runs") / "whole"
    return out, run(config, out)


def test_a_finished_run_is_a_table_and_what_made_it(whole, config):
    out, table = whole
    assert sorted(path.name for path in out.iterdir()) == [TABLE, PROVENANCE]
    assert list(table.columns) == list(Outcome.model_fields)
    pd.testing.assert_frame_equal(read_outcomes(out), table)
    provenance = read_provenance(out)
    assert provenance.config == config.model_dump(mode="json")
    assert provenance.started <= (provenance.ended or "")
    assert {"torch", "transformers", "peft", "python"} <= set(provenance.versions)
    assert all(len(value) == 64 for value in provenance.hashes.values())
    for examples in table["examples"]:
        assert {"text", "verdict"} >= set().union(*map(set, json.loads(examples)))


@pytest.mark.parametrize("rows_before_the_kill", [0, 1, 4])
def test_killed_and_resumed_gives_the_same_rows(whole, tmp_path, rows_before_the_kill):
    out = tmp_path / "killed"
    with subprocess.Popen([TTSI, *OPTIONS, "--out", str(out)], start_new_session=True) as process:
        deadline = time.monotonic() + 300
        while process.poll() is None and time.monotonic() < deadline:
            rows = (out / JOURNAL).read_text().count("\n") if (out / JOURNAL).exists() else -1
            if rows >= rows_before_the_kill or (rows_before_the_kill == 0 and (out / PROVENANCE).exists()):
                break
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGKILL)
    assert not (out / TABLE).exists(), "the run ended before it could be killed"
    resumed = CliRunner().invoke(main, [*OPTIONS, "--out", str(out), "--resume"])
    assert resumed.exit_code == 0, resumed.output
    found, expected = read_outcomes(out).drop(columns=ROUNDED), whole[1].drop(columns=ROUNDED)
    pd.testing.assert_frame_equal(found, expected)
    made = read_provenance(out)
    (resumed,) = made.resumed
    assert (resumed.commit, resumed.dirty, resumed.versions) == (made.commit, made.dirty, made.versions)


def test_a_line_that_is_no_row_is_named(whole, config, tmp_path):
    with ResultsFolder.claim(tmp_path, read_provenance(whole[0]), resume=False):
        (tmp_path / JOURNAL).write_text("{}\n")
    with pytest.raises(InputError, match=rf"{JOURNAL}, line 1: sample_id is missing"):
        run(config, tmp_path, resume=True)


def test_a_row_that_was_cut_off_is_computed_again(whole, config, tmp_path):
    out = tmp_path / "cut"
    with ResultsFolder.claim(out, read_provenance(whole[0]), resume=False) as folder:
        for row in whole[1].head(3).to_dict("records"):
            folder.append(Outcome.model_validate(row))
    with (out / JOURNAL).open("a") as journal:
        journal.write('{"sample_id": "toolworld/sing')
    table = run(config, out, resume=True)
    pd.testing.assert_frame_equal(table.drop(columns=ROUNDED), whole[1].drop(columns=ROUNDED))


def test_a_used_folder_is_refused_without_resume_and_left_alone_with_it(whole, config):
    out, table = whole
    before = {path: path.read_bytes() for path in out.iterdir()}
    with pytest.raises(InputError, match="expected an empty folder, or --resume"):
        run(config, out)
    pd.testing.assert_frame_equal(run(config, out, resume=True), table)
    assert {path: path.read_bytes() for path in out.iterdir()} == before


def test_a_folder_of_another_run_is_refused(whole):
    out, _ = whole
    other = configure("smoke", split="single/unseen", subset="validation", limit=8, tau=0.5, seed=0)
    with pytest.raises(InputError, match=r"loop\.tau 0\.95 \(expected 0\.5\)"):
        run(other, out, resume=True)


def test_a_folder_of_something_else_is_refused(config, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"holds notes\.txt"):
        run(config, tmp_path)
    with pytest.raises(InputError, match="cannot be read as a run's provenance"):
        run(config, tmp_path, resume=True)
    with pytest.raises(InputError, match="is a file"):
        run(config, tmp_path / "notes.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_run_that_left_no_row_does_not_hold_its_folder(whole, config, tmp_path):
    with ResultsFolder.claim(tmp_path, read_provenance(whole[0]), resume=False):
        pass
    with ResultsFolder.claim(tmp_path, read_provenance(whole[0]), resume=False) as folder:
        assert folder.rows() == []


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda table: table.drop(columns="base_correct"), "base_correct is missing"),
        (lambda table: table.head(1), "holds 1 rows, and not those of the 8 samples"),
    ],
)
def test_a_finished_run_whose_table_is_not_whole_is_refused(whole, config, tmp_path, damage, said):
    shutil.copytree(whole[0], tmp_path / "out")
    damage(whole[1]).to_parquet(tmp_path / "out" / TABLE)
    with pytest.raises(InputError, match=said):
        run(config, tmp_path / "out", resume=True)


def test_two_runs_cannot_write_one_folder(whole, tmp_path):
    provenance = read_provenance(whole[0])
    with (
        ResultsFolder.claim(tmp_path / "out", provenance, resume=False),
        pytest.raises(InputError, match="another run"),
        ResultsFolder.claim(tmp_path / "out", provenance, resume=True),
    ):
        pass


def test_unreadable_results_are_named(tmp_path):
    (tmp_path / TABLE).write_bytes(b"cut off")
    with pytest.raises(InputError, match="cannot be read as a run's outcomes"):
        read_outcomes(tmp_path)
    with pytest.raises(InputError, match="cannot be read as a run's outcomes"):
        read_outcomes(tmp_path / "nowhere")
