"""The families of runs, as tables: what each changes of a profile. To know them, nothing is loaded or run."""

from typing import Any

MARGINS = (
    "rss-margin",
    "rss-margin-normalised",
    "rss-call",
    "rss-call-normalised",
    "maximum-probability",
    "entropy",
    "call-probability",
    "perplexity",
    "self-consistency",
)
"""Estimators whose margins the published base rows hold: those that there were."""
SEEDS = range(5)
HEADLINE = "single/unseen"
LIMITS = {"unseen": 15, "seen": 6}
HEADLINE_LIMIT = 40
"""Samples a seed: of every other split, and of the one that the headline is about."""

_VOTES = {"decoding": "majority-vote"}
_CONSTRAINED = {"constrained": True}
FAMILIES: dict[str, dict[str, Any]] = {
    "base": {"method": "base", "also_estimate": MARGINS, **_VOTES},
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
    "profile": {"also_estimate": MARGINS},
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
