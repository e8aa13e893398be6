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
from ttsi.uncertainty import ESTIMATORS

SEEDS = range(5)
HEADLINE = "single/unseen"
LIMITS = {"unseen": 15, "seen": 6}
HEADLINE_LIMIT = 40
"""Samples a seed: of every other split, and of the one that the headline is about."""

_VOTES = {"decoding": "majority-vote"}
_CONSTRAINED = {"constrained": True}
FAMILIES: dict[str, dict[str, Any]] = {
    "base": {"method": "base", "also_estimate": tuple(ESTIMATORS), **_VOTES},
    "constrained": {"method": "constrained"},
    "tt-si": {"method": "tt-si", **_VOTES},
    "tt-d": {"method": "tt-d", **_VOTES},
    "tt-d-oracle": {"method": "tt-d", "teacher": "oracle", **_VOTES},
    "tt-icl": {"method": "tt-icl"},
    "icl": {"method": "icl"},
    "sft": {"method": "sft"},
    "tt-si-constrained": {"method": "tt-si", **_CONSTRAINED},
    "tt-d-constrained": {"method": "tt-d", **_CONSTRAINED},
    "tt-icl-constrained": {"method": "tt-icl", **_CONSTRAINED},
}
"""Each method of the results, and what it changes of the profile."""

ACTIVATED = {"tt-si-activated": {"method": "tt-si", "prefix": "activated", "backend": "batched"}}
"""What the adapter loses where it leaves the tool list alone. All others are computed by the reference, one by one."""

SWEEPS: dict[str, dict[str, Any]] = {
    "k-1": {"k": 1, "draws": 2},
    "k-5": {"k": 5, "draws": 10},
    "epochs-1": {"epochs": 1},
    "epochs-10": {"epochs": 10},
    "epochs-20": {"epochs": 20},
    "learning-rate-0.0001": {"learning_rate": 1e-4},
    "learning-rate-0.001": {"learning_rate": 1e-3},
    "learning-rate-0.01": {"learning_rate": 1e-2},
    "learning-rate-0.02": {"learning_rate": 2e-2},
    "rank-1": {"rank": 1},
    "rank-32": {"rank": 32},
    "sft-20": {"method": "sft", "sft_examples": 20},
}
"""Changes of one thing about `tt-si` or `sft`, on the headline's split."""
SWEEP_LIMIT = 10
SELECTION_LIMIT = 20

CANDIDATES: dict[str, dict[str, Any]] = {
    "profile": {"also_estimate": tuple(ESTIMATORS)},
    "free": {"elicitation": "free"},
    "temperature-1": {"temperature": 1.0},
    "learning-rate-0.001": {"learning_rate": 1e-3},
    "learning-rate-0.01": {"learning_rate": 1e-2},
    "epochs-10": {"epochs": 10},
    "k-1": {"k": 1},
    "k-4-draws-8": {"k": 4, "draws": 8},
    "sft": {"method": "sft"},
    "sft-0.0001": {"method": "sft", "sft_learning_rate": 1e-4},
    "sft-0.001": {"method": "sft", "sft_learning_rate": 1e-3},
}
"""What the `tiny` profile was checked against on validation samples, each a change of one thing."""

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
    """Yield the name and the configuration of the runs that seconds are taken from; run them alone, unsharded."""
    for family, changes in FAMILIES.items():
        yield _named(family, HEADLINE, 0, limit=SWEEP_LIMIT, **changes)


LARGER = {"model": "Qwen/Qwen2.5-7B-Instruct"}
PAPER_FAMILIES: dict[str, dict[str, Any]] = {
    name: FAMILIES[name] for name in ("base", "constrained", "tt-si", "tt-icl", "tt-si-constrained")
}
OF_SEALTOOL: dict[str, dict[str, Any]] = {
    "base-upstream-order": {"method": "base", "tool_order": "upstream"},
    "sft": {"method": "sft"},
    "icl": {"method": "icl"},
    "base-7b": {"method": "base", **LARGER},
    "tt-si-7b": {"method": "tt-si", **LARGER},
}
"""What the paper, or this book, asks of one benchmark alone."""


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
    config = configure("tiny", **{"adapt": "all", "backend": "peft", **changes}, split=split, seed=seed)
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
