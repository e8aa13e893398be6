"""The estimators of certainty: from what `ttsi.uncertainty` saw of an answer to u.

With p_n = exp(l_n - max l) / sum_k exp(l_k - max l), l_n the log-likelihood of candidate n (relative softmax scoring,
RSS), and a the agent's greedy answer of T tokens to the request x:

| estimator | u, in [0, 1] | what is scored |
|---|---|---|
| `rss-margin` | p(1) - p(2), the gap between the two highest: the paper's | the name of each offered tool |
| `rss-margin-normalised` | the same, l_n divided by its tokens | the name of each offered tool |
| `rss-call` | the same as `rss-margin` | the agent's best call of each offered tool |
| `rss-call-normalised` | the same, l_n divided by its tokens | the agent's best call of each offered tool |
| `maximum-probability` | p(1) | the name of each offered tool |
| `entropy` | 1 - H(p) / log N | the name of each offered tool |
| `call-probability` | P(a given x) | the greedy answer |
| `perplexity` | P(a given x)^(1/T), the inverse of the perplexity | the greedy answer |
| `self-consistency` | share of 5 sampled answers that agree with a | sampled answers |

All grow with confidence; a sample is uncertain if u < tau. The paper does not say whether l_n is length-normalised, or
whether it covers the name or the whole call, so all four stand here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ttsi.uncertainty import Evidence


@dataclass(frozen=True)
class Estimator:
    """One way to measure certainty. To add one, add its entry to `ESTIMATORS`."""

    function: "str | Callable[[Evidence], float]"
    """From what was seen to a number in [0, 1] that grows with confidence; or where it is, to be imported on use."""
    needs: tuple[str, ...] = ()
    """Attributes of `Evidence` that it looks at, in the order of their computation; `names` is always there."""

    def u(self, seen: "Evidence") -> float:
        """Return how certain the agent is."""
        return (resolve_name(self.function) if isinstance(self.function, str) else self.function)(seen)


ESTIMATORS: dict[str, Estimator] = {
    "rss-margin": Estimator("ttsi.estimators.tools:rss_margin"),
    "rss-margin-normalised": Estimator("ttsi.estimators.tools:rss_margin_normalised"),
    "rss-call": Estimator("ttsi.estimators.tools:rss_call", ("best_calls", "calls")),
    "rss-call-normalised": Estimator("ttsi.estimators.tools:rss_call_normalised", ("best_calls", "calls")),
    "maximum-probability": Estimator("ttsi.estimators.tools:maximum_probability"),
    "entropy": Estimator("ttsi.estimators.tools:entropy"),
    "call-probability": Estimator("ttsi.estimators.answer:call_probability", ("answer_log_likelihood",)),
    "perplexity": Estimator("ttsi.estimators.answer:perplexity", ("answer_log_likelihood",)),
    "self-consistency": Estimator("ttsi.estimators.answer:self_consistency", ("samples",)),
}
"""The ways to measure certainty, by the names that the setting `estimator` takes."""
