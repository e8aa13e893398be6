"""The runs with a real language model on the paper's benchmarks: what is published, and what its settings came from.

Every sample is adapted, whatever its margin; `ttsi.studies.published.replay` says what any gate would have done.
"""

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

from ttsi.benchmarks.sources import find_file
from ttsi.estimators import ESTIMATORS
from ttsi.records import InputError
from ttsi.runs.config import RunConfig, configure

Named = tuple[str, RunConfig]

SETS = (("sealtool", "test"), ("nexusraven", "test"), ("apibank", "level-1"), ("apibank", "level-2"))
SEEDS = range(5)

PAPER = {
    "estimator": "rss-margin",
    "tau": 0.95,
    "elicitation": "free",
    "k": 1,
    "draws": 1,
    "learning_rate": 1e-4,
    "epochs": 5,
    "prefix": "adapted",
}
"""The paper's setting, as far as it is known; the profile `real` holds ours."""

CHEAP = tuple(name for name, one in ESTIMATORS.items() if set(one.needs) <= {"answer_log_likelihood"})
"""Estimators that ask for no answers of their own: they look at the tools' names and at the greedy answer."""

FAMILIES: dict[str, dict[str, Any]] = {
    "base": {"method": "base", "also_estimate": CHEAP},
    "constrained": {"method": "constrained"},
    "tt-si": {"method": "tt-si"},
    "tt-si-paper": {"method": "tt-si", **PAPER},
    "tt-si-constrained": {"method": "tt-si", "constrained": True},
    "tt-d-oracle": {"method": "tt-d", "teacher": "oracle"},
    "tt-icl": {"method": "tt-icl"},
    "base-votes": {"method": "base", "decoding": "majority-vote"},
}
"""Each method of the results, and what it changes of the profile `real`."""

SFT = {
    "sealtool": {"lessons_subset": "validation", "sft_examples": 200},
    "apibank": {"lessons_split": "level-3", "sft_examples": 907},
}
"""What each benchmark offers for training, among the files that can be had whole; the others offer nothing."""

GREEDY = ("base", "constrained", "sft")
"""Families without a draw: another seed gives the same answers, or (sft) the same examples in another order."""

VALIDATION = (("sealtool", "test", "validation", 200), ("apibank", "level-3", "train", 128))
"""Benchmark, split, subset and number of the samples that settings are chosen on."""

CANDIDATES: dict[str, dict[str, Any]] = {
    "base": {"method": "base", "also_estimate": tuple(ESTIMATORS)},
    "tt-si-paper": PAPER,
    **{
        f"{elicitation}-{rate:g}": {"elicitation": elicitation, "learning_rate": rate}
        for elicitation in ("free", "hesitation", "constrained")
        for rate in (1e-4, 3e-4, 1e-3)
    },
    "k-2": {"k": 2, "draws": 4},
    "k-4": {"k": 4, "draws": 8},
    "epochs-10": {"epochs": 10},
    "temperature-0.3": {"temperature": 0.3},
    "adapted-prefix": {"prefix": "adapted"},
}
"""What the profile's settings were chosen from; the last five change one thing of the profile."""

TIMED = ("base", "constrained", "tt-si", "tt-si-paper", "tt-icl")
TIMING_LIMIT = 24


def real_runs(data_dir: Path | None = None) -> Iterator[Named]:
    """Yield the name and the configuration of every published run: all of a seed before the next."""
    sets = (*SETS, ("toolalpaca", _toolalpaca(data_dir)))
    for seed, (benchmark, split) in product(SEEDS, sets):
        families = FAMILIES | ({"sft": {"method": "sft", **SFT[benchmark]}} if benchmark in SFT else {})
        for family, changes in families.items():
            if seed == SEEDS[0] or family not in GREEDY:
                yield _named(family, benchmark, split, seed, changes)


def selection_runs(data_dir: Path | None = None) -> Iterator[Named]:
    """Yield the name and the configuration of every candidate, on validation samples."""
    for (benchmark, split, subset, limit), (family, changes) in product(VALIDATION, CANDIDATES.items()):
        yield _named(family, benchmark, split, 0, {"subset": subset, "limit": limit, **changes})


def timing_runs(data_dir: Path | None = None) -> Iterator[Named]:
    """Yield the name and the configuration of the runs that seconds are taken from; run them alone, unsharded."""
    for family in TIMED:
        yield _named(family, "sealtool", "test", 0, {"limit": TIMING_LIMIT, **FAMILIES[family]})


def _toolalpaca(data_dir: Path | None) -> str:
    """Return the split of real APIs, or the simulated one where the file of that one is not at hand."""
    try:
        from ttsi.benchmarks.toolalpaca import PARTS

        find_file("toolalpaca", PARTS["test"]["real"], data_dir)
    except InputError:
        return "simulated"
    return "real"


def _named(family: str, benchmark: str, split: str, seed: int, changes: dict[str, Any]) -> Named:
    config = configure("real", **{"adapt": "all", **changes}, benchmark=benchmark, split=split, seed=seed)
    return f"{family}/{benchmark}-{split}/seed-{seed}", config
