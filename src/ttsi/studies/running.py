"""Runs a study: each run into a folder of its own, those of one teacher one after another."""

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any

from ttsi.data import make_folder
from ttsi.models.loading import check_device
from ttsi.runs.run import run, teacher_of
from ttsi.studies.study import Named


def run_study(
    named: Iterable[Named],
    out: Path,
    *,
    shard: tuple[int, int] = (0, 1),
    data_dir: Path | None = None,
    announce: Callable[[str], None] | None = None,
) -> None:
    """Run every `shard[1]`-th of the runs from `shard[0]` on, going on where an earlier call stopped.

    Each teacher is served once, from the first run that asks it. `announce` is told the name of each run, and what it
    will take; `data_dir` is where the paper's benchmarks lie.

    Raises:
        InputError: a device is not there, the folder cannot be written, or as `ttsi.runs.run.run` says.
    """
    chosen = list(islice(named, shard[0], None, shard[1]))
    for device in {config.device for _, config in chosen}:
        check_device(device)
    make_folder(out)
    with ExitStack() as stack:
        teachers: dict[tuple, Any] = {}
        for name, config in chosen:
            teacher = None
            if config.loop.author == "teacher":
                key = (config.teacher, config.teacher_url, config.teacher_model, config.benchmark)
                asked = teacher_of(config, data_dir=data_dir)
                teacher = teachers[key] = teachers.get(key) or stack.enter_context(asked)
            if announce:
                announce(name)
            run(config, out / name, resume=True, data_dir=data_dir, teacher=teacher, announce=announce)
