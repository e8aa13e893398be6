"""The studies of a real language model on the paper's benchmarks, and what its settings came from."""

from typing import Any

from ttsi.estimators import ESTIMATORS
from ttsi.runs.config import configure
from ttsi.studies.families import MARGINS, SEEDS
from ttsi.studies.study import Samples, Study

_loop = configure("paper").loop.model_dump()
PAPER_SETTING: dict[str, Any] = {
    name: (_loop | _loop["lora"])[name]
    for name in ("estimator", "tau", "elicitation", "k", "draws", "learning_rate", "epochs", "prefix")
}
"""The paper's setting, as far as it is known; the profile `real` holds ours."""

CHEAP = tuple(name for name in MARGINS if set(ESTIMATORS[name].needs) <= {"answer_log_likelihood"})
"""Estimators that ask for no answers of their own: they look at the tools' names and at the greedy answer."""

FAMILIES: dict[str, dict[str, Any]] = {
    "base": {"method": "base", "also_estimate": CHEAP},
    "constrained": {"method": "constrained"},
    "tt-si": {"method": "tt-si"},
    "tt-si-paper": {"method": "tt-si", **PAPER_SETTING},
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

CANDIDATES: dict[str, dict[str, Any]] = {
    "base": {"method": "base", "also_estimate": MARGINS},
    "tt-si-paper": PAPER_SETTING,
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


def _samples(benchmark: str, split: str, otherwise: str | None = None) -> Samples:
    families = {"sft": {"method": "sft", **SFT[benchmark]}} if benchmark in SFT else {}
    return Samples(benchmark, split, families=families, otherwise=otherwise)


SAMPLES = [
    _samples("sealtool", "test"),
    _samples("nexusraven", "test"),
    _samples("apibank", "level-1"),
    _samples("apibank", "level-2"),
    _samples("toolalpaca", "real", otherwise="simulated"),
]
VALIDATION = [
    Samples("sealtool", "test", {"subset": "validation", "limit": 200}),
    Samples("apibank", "level-3", {"subset": "train", "limit": 128}),
]
"""The samples that settings are chosen on."""

TIMED = {name: FAMILIES[name] for name in ("base", "constrained", "tt-si", "tt-si-paper", "tt-icl")}

RESULTS = Study("real", FAMILIES, SAMPLES, SEEDS, once=GREEDY)
SELECTION = Study("real", CANDIDATES, VALIDATION)
TIMING = Study("real", TIMED, [Samples("sealtool", "test", {"limit": 24})])
"""What seconds are taken from; run them alone, unsharded."""
