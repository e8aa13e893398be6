"""Estimators that look at the agent's answers: the greedy one, and sampled ones beside it."""

import math
from typing import TYPE_CHECKING

from ttsi.scoring import agreement

if TYPE_CHECKING:
    from ttsi.uncertainty import Evidence


def call_probability(seen: "Evidence") -> float:
    """Return the probability of the answer."""
    return math.exp(seen.answer_log_likelihood)


def perplexity(seen: "Evidence") -> float:
    """Return the inverse of the answer's perplexity, the mean probability of a token."""
    return math.exp(seen.answer_log_likelihood / len(seen.answer))


def self_consistency(seen: "Evidence") -> float:
    """Return the share of sampled answers that agree with the greedy one."""
    return agreement(seen.agent.decode(seen.answer), seen.samples)
