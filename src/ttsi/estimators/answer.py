"""Estimators that look at the agent's greedy answer."""

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ttsi.uncertainty import Evidence


def call_probability(seen: "Evidence") -> float:
    """Return the probability of the answer."""
    return math.exp(seen.answer_log_likelihood)


def perplexity(seen: "Evidence") -> float:
    """Return the inverse of the answer's perplexity, the mean probability of a token."""
    return math.exp(seen.answer_log_likelihood / len(seen.answer))
