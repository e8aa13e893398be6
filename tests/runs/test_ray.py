"""A pool of workers beyond one process: the same rows as one process gives, also where a worker is killed."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pandas as pd
import pytest

from ttsi.loop import STAGES
from ttsi.records import InputError, Outcome, Sample
from ttsi.runs.config import RunConfig, configure
from ttsi.runs.provenance import machine
from ttsi.runs.results import as_table
from ttsi.runs.run import load_agent, load_samples, outcomes, pool, run

cloudpickle = pytest.importorskip("ray.cloudpickle")
cloudpickle.register_pickle_by_value(sys.modules[__name__])  # tests are no package that a worker could import
# Ray Data sets its own deprecated options.
pytestmark = [pytest.mark.xdist_group("ray"), pytest.mark.filterwarnings("ignore::DeprecationWarning:ray.data.context")]

TIMES = [f"seconds_{stage}" for stage in STAGES]
ROUNDED = [*TIMES, "margins", "losses"]
"""Margins differ in their last bits with the batch; the column `margin` is compared to rounding."""
WORKERS = 2


@contextmanager
def answering(config: RunConfig) -> Iterator[pool.Evaluate]:
    yield lambda samples: outcomes(samples, config, load_agent(config))


@contextmanager
def answering_until_killed(config: RunConfig, folder: Path) -> Iterator[pool.Evaluate]:
    """Each worker waits for the other; the first to get a second batch dies in the middle of it."""
    (folder / f"worker-{os.getpid()}").touch()
    while len(list(folder.glob("worker-*"))) < WORKERS:
        time.sleep(0.05)
    killed, batches = folder / "killed", 0

    def evaluate(samples):
        nonlocal batches
        batches += 1
        for row in outcomes(samples, config, load_agent(config)):
            yield row
            if batches > 1 and not killed.exists():
                killed.touch()
                os.kill(os.getpid(), signal.SIGKILL)

    yield evaluate


@pytest.fixture(scope="module")
def config() -> RunConfig:
    return configure("smoke", split="single/unseen", subset="validation", limit=7)


@pytest.fixture(scope="module")
def samples(config) -> list[Sample]:
    return load_samples(config)


@pytest.fixture(scope="module")
def alone(samples, config) -> pd.DataFrame:
    """The rows of one process."""
    return as_table(outcomes(samples, config, load_agent(config)))


@pytest.fixture(scope="module")
def cluster(config) -> Iterator[None]:
    with pool.connected(config, WORKERS):
        yield


def connected_on(config, device):
    return pool.connected(config.model_copy(update={"device": device}), 1000)


def test_no_samples_need_no_cluster(config):
    assert list(pool.outcomes([], config, partial(answering, config), workers=1)) == []


def test_rows_that_are_not_one_to_a_sample_are_refused(samples, alone):
    rows = [Outcome.model_validate(row) for row in alone.to_dict("records")]
    assert list(pool._once(samples, rows)) == rows
    with pytest.raises(pool.ScaleError, match="came back twice"):
        list(pool._once(samples, [rows[0], *rows]))
    with pytest.raises(pool.ScaleError, match="1 samples came back without a row"):
        list(pool._once(samples, rows[1:]))


def test_a_slot_that_there_is_not_is_named(config):
    with pytest.raises(InputError, match=r"'cuda:1'; expected cpu or cuda"), connected_on(config, "cuda:1"):
        pass
    with pytest.raises(InputError, match="1000 workers need a GPU each"), connected_on(config, "cuda"):
        pass


@pytest.mark.parametrize("address", ["127.0.0.1:1", "http://127.0.0.1:8265", "nowhere"])
def test_a_cluster_that_does_not_answer_is_named(config, monkeypatch, address):
    monkeypatch.setenv("RAY_ADDRESS", address)
    said = pytest.raises(pool.ScaleError, match=f"RAY_ADDRESS is '{address}'; expected host:port")
    with said, connected_on(config, "cpu"):
        pass


def test_without_ray_the_extra_is_named(config, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with (
        pytest.raises(InputError, match=r"Ray is not installed; expected the extra scale"),
        connected_on(config, "cpu"),
    ):
        pass


# -- on a cluster of two workers, from here to the end: one that is there would be taken by the tests above ------------


@pytest.mark.usefixtures("cluster")
def test_two_workers_one_of_them_killed_give_each_row_of_one_process_once(samples, config, alone, tmp_path):
    opened = partial(answering_until_killed, config, tmp_path)
    rows = list(pool.outcomes(samples, config, opened, workers=WORKERS, batch=2))
    assert sorted(row.sample_id for row in rows) == sorted(alone["sample_id"])
    found = as_table(rows).set_index("sample_id").loc[alone["sample_id"]].reset_index()
    pd.testing.assert_frame_equal(found.drop(columns=ROUNDED), alone.drop(columns=ROUNDED))
    assert (tmp_path / "killed").exists()
    assert len(list(tmp_path.glob("worker-*"))) == WORKERS + 1, "expected two workers, and one in a dead one's place"


@pytest.mark.usefixtures("cluster")
def test_a_run_takes_its_rows_from_workers(config, alone, tmp_path):
    table = run(config, tmp_path, workers=WORKERS)
    pd.testing.assert_frame_equal(table.drop(columns=ROUNDED), alone.drop(columns=ROUNDED))
    with pytest.raises(InputError, match="expected no workers"):
        run(configure("smoke", method="sft"), tmp_path / "sft", workers=WORKERS)


@pytest.mark.usefixtures("cluster")
def test_what_is_wrong_with_the_input_is_said_as_by_one_process(samples, config):
    elsewhere = config.model_copy(update={"model": "agents/nowhere"})
    with pytest.raises(InputError, match="agents/nowhere is no model folder"):
        list(pool.outcomes(samples, config, partial(answering, elsewhere), workers=1))


@pytest.mark.usefixtures("cluster")
def test_the_machine_is_that_of_a_worker(config):
    assert pool.machine(config) == machine("cpu")


@pytest.mark.usefixtures("cluster")
def test_workers_that_give_no_rows_are_not_waited_for_without_end(samples, config, monkeypatch):
    from ray.data import DataContext

    monkeypatch.setattr(DataContext.get_current(), "execution_no_progress_timeout_s", 1)
    with pytest.raises(pool.ScaleError, match="give no rows any more: Dataset execution made no progress"):
        list(pool.outcomes(samples, config, partial(answering, config), workers=1))
