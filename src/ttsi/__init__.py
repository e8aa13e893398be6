"""Test-time self-improvement of language-model agents (TT-SI, arXiv 2510.07841).

    from ttsi import SelfImprovement, configure, load_agent, load_samples, score

    config = configure("tiny", split="single/unseen", limit=5)
    improve = SelfImprovement(load_agent(config), config.loop)
    for sample in load_samples(config):
        trial = improve(sample.request, seed=config.seed)
        print(trial.output, score(trial.output, sample.gold).exact_match)

The names below are imported when they are first asked for, so that settings are read without loading torch.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ttsi.adaptation import learned
    from ttsi.augmentation import practise
    from ttsi.backends import BACKENDS, adapter_for
    from ttsi.benchmarks import load as load_benchmark
    from ttsi.estimators import ESTIMATORS
    from ttsi.loop import SelfImprovement
    from ttsi.runs.config import configure
    from ttsi.runs.run import load_agent, load_samples, run
    from ttsi.scoring import score
    from ttsi.settings import METHODS
    from ttsi.uncertainty import self_awareness

__all__ = [
    "BACKENDS",
    "ESTIMATORS",
    "METHODS",
    "SelfImprovement",
    "adapter_for",
    "configure",
    "learned",
    "load_agent",
    "load_benchmark",
    "load_samples",
    "practise",
    "run",
    "score",
    "self_awareness",
]

_MODULES = {
    "BACKENDS": "ttsi.backends",
    "ESTIMATORS": "ttsi.estimators",
    "METHODS": "ttsi.settings",
    "SelfImprovement": "ttsi.loop",
    "adapter_for": "ttsi.backends",
    "configure": "ttsi.runs.config",
    "learned": "ttsi.adaptation",
    "load_agent": "ttsi.runs.run",
    "load_benchmark": "ttsi.benchmarks",
    "load_samples": "ttsi.runs.run",
    "practise": "ttsi.augmentation",
    "run": "ttsi.runs.run",
    "score": "ttsi.scoring",
    "self_awareness": "ttsi.uncertainty",
}

# Threads that wait spin, unless told otherwise, and where anything else computes, they take its core: a small operation
# on two threads then takes 10 ms instead of 0.1. OpenMP reads this once, when torch is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'ttsi' has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), "load" if name == "load_benchmark" else name)
