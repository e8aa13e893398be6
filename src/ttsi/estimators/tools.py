"""Estimators that look at the offered tools: the paper's RSS margin, and others on the same scores."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from ttsi.uncertainty import Evidence


def rss_margin(seen: "Evidence") -> float:
    """Return p(1) - p(2) over the tools' names."""
    return _rss(seen.names)


def rss_margin_normalised(seen: "Evidence") -> float:
    """Return p(1) - p(2) over the tools' names, each score divided by its tokens."""
    return _rss(_normalised(seen.names, seen.openings))


def rss_call(seen: "Evidence") -> float:
    """Return p(1) - p(2) over the best calls."""
    return _rss(seen.calls)


def rss_call_normalised(seen: "Evidence") -> float:
    """Return p(1) - p(2) over the best calls, each score divided by its tokens."""
    return _rss(_normalised(seen.calls, seen.best_calls))


def maximum_probability(seen: "Evidence") -> float:
    """Return p(1) over the tools' names."""
    return max(relative_softmax_scores(seen.names))


def entropy(seen: "Evidence") -> float:
    """Return 1 - H(p) / log N: 1 for a single tool or all weight on one, 0 for equal weights."""
    probabilities = relative_softmax_scores(seen.names)
    if len(probabilities) == 1:
        return 1.0
    found = -sum(p * math.log(p) for p in probabilities if p > 0)
    return min(max(1.0 - found / math.log(len(probabilities)), 0.0), 1.0)


def relative_softmax_scores(log_likelihoods: "torch.Tensor") -> tuple[float, ...]:
    """Return p_n of candidates from their log-likelihoods, (candidates,)."""
    return tuple(log_likelihoods.softmax(0).tolist())


def margin(probabilities: Sequence[float]) -> float:
    """Return the gap between the two highest probabilities; 1 where there is only one candidate."""
    first, second, *_ = (*sorted(probabilities, reverse=True), 0.0)
    return first - second


def _rss(log_likelihoods: "torch.Tensor") -> float:
    return margin(relative_softmax_scores(log_likelihoods))


def _normalised(log_likelihoods: "torch.Tensor", candidates: Sequence[Sequence[int]]) -> "torch.Tensor":
    return log_likelihoods / log_likelihoods.new_tensor([len(ids) for ids in candidates])
