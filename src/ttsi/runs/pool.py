"""Beyond one machine: samples mapped to their rows by a pool of Ray workers, each with an agent of its own.

Samples are independent and no seed depends on order, so a pool gives the rows that one process gives. Ray restarts a
worker that dies and runs its batch again; a batch's rows come whole or not at all, so nothing is lost or counted twice.

The cluster is the one that `RAY_ADDRESS` names, as in a job of `ray job submit`, or else one on this machine. The
library, its data folder and the models have to be at hand on every node.
"""

import logging
import os
import pickle
import socket
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from types import ModuleType
from typing import Any

import numpy as np
import torch

from ttsi.calls import first_line
from ttsi.records import InputError, Outcome, Sample
from ttsi.runs import provenance
from ttsi.runs.config import RunConfig
from ttsi.runs.planning import threads_of

ANSWER_SECONDS = 10.0
"""How long a cluster may take to answer at all."""

QUIET_RAY = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_BACKEND_LOG_LEVEL": "fatal", "RAY_worker_niceness": "0"}
"""What Ray is told where the environment does not: to report to nobody, to keep its log in its files, and that its
workers are no background work, as it takes them to be on a cluster that is started here."""

Evaluate = Callable[[Sequence[Sample]], Iterable[Outcome]]
"""Maps samples to their rows."""

Open = Callable[[], AbstractContextManager[Evaluate]]
"""Loads an agent, once a worker; has to be picklable."""


class ScaleError(InputError):
    """The cluster could not do the work: the message says what happened."""


@contextmanager
def connected(config: RunConfig, workers: int) -> Iterator[None]:
    """Inside the block there is a cluster; one that is started here has slots for the workers, and ends with the block.

    Raises:
        InputError: Ray is not installed, or this machine has fewer GPUs than workers.
        ScaleError: the cluster that `RAY_ADDRESS` names does not answer.
    """
    ray, slot, address = _ray(), _slot(config), os.environ.get("RAY_ADDRESS")
    if ray.is_initialized():
        yield
        return
    quiet: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
    if address:
        _join(ray, address, quiet)
    else:
        gpus = torch.cuda.device_count()
        if gpus < workers * slot.get("num_gpus", 0):
            raise InputError(f"{workers} workers need a GPU each; found {gpus}, and no cluster in RAY_ADDRESS")
        ray.init("local", num_cpus=workers * slot.get("num_cpus", 1), include_dashboard=False, **quiet)
    try:
        yield
    finally:
        ray.shutdown()


def machine(config: RunConfig) -> str:
    """Return what a worker's slot computes with, as `ttsi.runs.provenance.machine` names it; needs a cluster."""
    return _ray().get(_ray().remote(provenance.machine).options(**_slot(config)).remote(config.device))


def outcomes(
    samples: Sequence[Sample], config: RunConfig, opened: Open, *, workers: int, batch: int = 8
) -> Iterator[Outcome]:
    """Yield the row of each sample once, as batches are done; needs a cluster.

    Args:
        samples: with different ids.
        config: says on what a worker computes: a GPU, or as many CPUs as it has threads.
        opened: what each worker opens before its first batch and closes never.
        workers: at once, at most; the run goes on with fewer where the cluster has fewer slots.
        batch: samples that a worker is given, and gives back, at once.

    Raises:
        InputError: a worker raised it, a `TeacherError` for example.
        ScaleError: no row came for as long as Ray Data waits (`RAY_DATA_EXECUTION_NO_PROGRESS_TIMEOUT_S`), as where a
            sample kills every worker that it is given to; rows that came before stand.
    """
    batches = [samples[start : start + batch] for start in range(0, len(samples), batch)]
    if not batches:
        return
    yield from _once(samples, _mapped(batches, opened, min(workers, len(batches)), _slot(config)))


def _once(samples: Sequence[Sample], rows: Iterable[Outcome]) -> Iterator[Outcome]:
    """Yield the rows; raises `ScaleError` where they are not one to each sample."""
    left = {sample.request.id for sample in samples}
    for row in rows:
        if row.sample_id not in left:
            raise ScaleError(f"{row.sample_id} came back twice, or unasked; expected one row of each sample")
        left.remove(row.sample_id)
        yield row
    if left:
        raise ScaleError(f"{len(left)} samples came back without a row, {min(left)} among them")


def _mapped(batches: list[Sequence[Sample]], opened: Open, workers: int, slot: dict[str, int]) -> Iterator[Outcome]:
    data = _ray().data
    context = data.DataContext.get_current()
    context.enable_progress_bars = context.print_on_execution_start = False
    rows = data.from_items([{"batch": pickle.dumps(batch)} for batch in batches], override_num_blocks=len(batches))
    pool = data.ActorPoolStrategy(size=workers)
    mapped = rows.map_batches(_Worker, fn_constructor_args=(opened,), compute=pool, batch_size=1, **slot)
    try:
        for row in mapped.iter_rows():
            done = pickle.loads(row["batch"])
            if isinstance(done, InputError):
                raise done
            yield from done
    except data.exceptions.ExecutionTimeoutError as error:
        raise ScaleError(f"the Ray workers give no rows any more: {first_line(error)}") from error


class _Worker:
    """Lives in a process of its own, one to a slot. What a user gave wrong travels back as a value."""

    def __init__(self, opened: Open) -> None:
        self._opened, self._evaluate, self._stack = opened, None, ExitStack()

    def __call__(self, rows: dict[str, Any]) -> dict[str, Any]:
        return {"batch": np.array([pickle.dumps(self._done(pickle.loads(one))) for one in rows["batch"]], dtype=object)}

    def _done(self, samples: Sequence[Sample]) -> list[Outcome] | InputError:
        try:
            self._evaluate = self._evaluate or self._stack.enter_context(self._opened())
            return list(self._evaluate(samples))
        except InputError as error:
            return error


def _slot(config: RunConfig) -> dict[str, int]:
    """Return what a worker takes of the cluster."""
    if config.device == "cpu":
        return {"num_cpus": threads_of(config)}
    if config.device == "cuda":
        return {"num_gpus": 1}
    raise InputError(f"device is {config.device!r}; expected cpu or cuda: Ray gives each worker a GPU of its own")


def _ray() -> ModuleType:
    """Import Ray, with less to say on the terminal than it has by itself."""
    os.environ.update(QUIET_RAY | os.environ)
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise InputError("Ray is not installed; expected the extra scale: pip install '.[scale]'") from error
    for handler in logging.getLogger("ray.data").handlers:
        if handler.name == "console":
            handler.setLevel(logging.ERROR)
    return ray


def _join(ray: ModuleType, address: str, quiet: dict[str, Any]) -> None:
    """Connect to a cluster; Ray itself would wait many minutes for one that is not there."""
    host, _, port = address.rpartition(":")
    try:
        if address != "auto":
            socket.create_connection((host, int(port)), ANSWER_SECONDS).close()
        ray.init(address, **quiet)
    except (OSError, ValueError, RuntimeError) as error:
        raise ScaleError(
            f"RAY_ADDRESS is {address!r}; expected host:port of a Ray cluster ({first_line(error)})"
        ) from error
