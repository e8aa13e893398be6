"""The runs behind the book: the published ones (every split, five seeds), sweeps, and those that settings came from.

Every sample is adapted, whatever its margin; `ttsi.studies.published.replay` says what any gate would have done.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from itertools import islice, product
from pathlib import Path
from typing import Any

from ttsi.benchmarks import BENCHMARKS, PAPER_BENCHMARKS
from ttsi.benchmarks.toolworld import SPLITS
from ttsi.data import make_folder
from ttsi.models.loading import check_device
from ttsi.runs.config import RunConfig, configure
from ttsi.runs.run import run, teacher_of
from ttsi.studies.families import (
    ACTIVATED,
    CANDIDATES,
    FAMILIES,
    HEADLINE,
    HEADLINE_LIMIT,
    LIMITS,
    OF_SEALTOOL,
    PAPER_FAMILIES,
    SEEDS,
    SELECTION_LIMIT,
    SWEEP_LIMIT,
    SWEEPS,
)

Named = tuple[str, RunConfig]


def published_runs() -> Iterator[Named]:
    """Yield the name and the configuration of every published run."""
    for seed in SEEDS:
        for split in (HEADLINE, *(split for split in SPLITS if split != HEADLINE)):
            limit = HEADLINE_LIMIT if split == HEADLINE else LIMITS[split.split("/")[1]]
            for family, changes in (FAMILIES | ACTIVATED).items():
                yield _named(family, split, seed, limit=limit, **changes)


def sweep_runs() -> Iterator[Named]:
    """Yield the name and the configuration of every run of the sweeps."""
    for seed in SEEDS:
        for family, changes in SWEEPS.items():
            yield _named(family, HEADLINE, seed, limit=SWEEP_LIMIT, **changes)


def selection_runs() -> Iterator[Named]:
    """Yield the name and the configuration of every candidate on validation samples of two unseen splits."""
    for split in (HEADLINE, "typed/unseen"):
        for family, changes in CANDIDATES.items():
            yield _named(family, split, 0, limit=SELECTION_LIMIT, subset="validation", **changes)


def timing_runs() -> Iterator[Named]:
    """Yield the name and the configuration of the runs that seconds are taken from, the families in turns.

    Run them alone, unsharded.
    """
    for seed, (family, changes) in product(SEEDS, FAMILIES.items()):
        yield _named(family, HEADLINE, seed, limit=SWEEP_LIMIT, **changes)


def paper_runs(*, teacher_url: str | None = None, teacher_model: str | None = None) -> Iterator[Named]:
    """Yield the name and the configuration of every run of the paper's tables, on its models and benchmarks.

    Without a teacher's endpoint the runs of TT-D are left out.
    """
    families = dict(PAPER_FAMILIES)
    if teacher_url and teacher_model:
        families["tt-d"] = FAMILIES["tt-d"] | {"teacher_url": teacher_url, "teacher_model": teacher_model}
    for seed in SEEDS:
        for benchmark in PAPER_BENCHMARKS:
            asked = families | (OF_SEALTOOL if benchmark == "sealtool" else {})
            for split, (family, changes) in product(BENCHMARKS[benchmark].evaluated, asked.items()):
                settings = {"adapt": "all", **changes, "benchmark": benchmark, "split": split, "seed": seed}
                yield f"{family}/{benchmark}-{split}/seed-{seed}", configure("paper", **settings)


STUDIES = {"selection": selection_runs, "results": published_runs, "sweeps": sweep_runs, "timing": timing_runs}


def _named(family: str, split: str, seed: int, **changes: Any) -> Named:
    config = configure(
        "tiny", **{"adapt": "all", "backend": "peft", "threads": 1, "batch": 64, **changes}, split=split, seed=seed
    )
    return f"{family}/{split.replace('/', '-')}/seed-{seed}", config


def run_study(
    named: Iterable[Named],
    out: Path,
    *,
    shard: tuple[int, int] = (0, 1),
    data_dir: Path | None = None,
    announce: Callable[[str], None] | None = None,
) -> None:
    """Run every `shard[1]`-th of the runs from `shard[0]` on, going on where an earlier call stopped.

    Each teacher is served once, from the first run that asks it.

    Args:
        named: the runs.
        out: folder of all of them.
        shard: which of them to run here.
        data_dir: where the paper's benchmarks lie.
        announce: is told the name of each run, and what it will take.

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
