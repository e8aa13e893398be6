"""H, self-awareness: how sure the agent is of its own answer, without a label.

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

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ttsi.models.rows import Row
from ttsi.prompts import answer_chat
from ttsi.records import Request
from ttsi.scoring import DRAWS, agreement

if TYPE_CHECKING:
    import torch

    from ttsi.agent import Agent


@dataclass(frozen=True)
class Awareness:
    """What the agent knows of its own certainty: u by each estimator asked for, and p over the offered tools."""

    margins: dict[str, float]
    tool_probabilities: tuple[float, ...]


class Evidence:
    """What the estimators look at: computed for a batch by `gather`, or when the first of them asks for it.

    Args:
        agent: the agent.
        request: what it was asked.
        answer: its greedy answer, token ids.
        temperature: of sampled answers.
        seed: of sampled answers.
        index: number of the request in its batch.
    """

    def __init__(
        self,
        agent: "Agent",
        request: Request,
        answer: Sequence[int],
        *,
        temperature: float = 0.7,
        seed: int = 0,
        index: int = 0,
    ) -> None:
        self.agent, self.answer, self.temperature, self.seed, self.index = agent, answer, temperature, seed, index
        self.prompt = agent.prompt(answer_chat(request.messages), request.tools)
        self.openings = [agent.call_opening(tool.name) for tool in request.tools]

    @cached_property
    def names(self) -> "torch.Tensor":
        """Log-likelihood of each tool's opening, up to its arguments: (tools,), nats."""
        return _names([self])[0]

    @cached_property
    def best_calls(self) -> list[list[int]]:
        """The agent's greedy call of each tool: token ids."""
        return _best_calls([self])[0]

    @cached_property
    def calls(self) -> "torch.Tensor":
        """Log-likelihood of each tool's best call: (tools,), nats."""
        return _calls([self])[0]

    @cached_property
    def answer_log_likelihood(self) -> float:
        """Log-likelihood of the greedy answer, nats."""
        return _answer_log_likelihood([self])[0]

    @cached_property
    def samples(self) -> list[str]:
        """Sampled answers."""
        return _samples([self])[0]

    def row(self, *, then: Sequence[int] = (), number: int = 0) -> Row:
        """Return the row of a batch that goes on from the prompt, and from `then`."""
        return Row([*self.prompt, *then], (self.seed, number), index=self.index)


def _scored(seen: Sequence[Evidence], candidates: Sequence[Sequence[Sequence[int]]]) -> "list[torch.Tensor]":
    return [scores.double() for scores in seen[0].agent.scored([one.row() for one in seen], candidates)]


def _names(seen: Sequence[Evidence]) -> "list[torch.Tensor]":
    return _scored(seen, [one.openings for one in seen])


def _best_calls(seen: Sequence[Evidence]) -> list[list[list[int]]]:
    continued = iter(seen[0].agent.continued([one.row(then=opening) for one in seen for opening in one.openings]))
    return [[[*opening, *next(continued)] for opening in one.openings] for one in seen]


def _calls(seen: Sequence[Evidence]) -> "list[torch.Tensor]":
    return _scored(seen, [one.best_calls for one in seen])


def _answer_log_likelihood(seen: Sequence[Evidence]) -> list[float]:
    return [scores.item() for scores in _scored(seen, [[one.answer] for one in seen])]


def _samples(seen: Sequence[Evidence]) -> list[list[str]]:
    agent, temperature = seen[0].agent, seen[0].temperature
    rows = [one.row(number=number) for one in seen for number in range(DRAWS)]
    continued = iter(agent.continued(rows, temperature=temperature))
    return [[agent.decode(next(continued)) for _ in range(DRAWS)] for _ in seen]


_KINDS: dict[str, Callable[[Sequence[Evidence]], list[Any]]] = {
    "names": _names,
    "best_calls": _best_calls,
    "calls": _calls,
    "answer_log_likelihood": _answer_log_likelihood,
    "samples": _samples,
}


def gather(evidence: Sequence[Evidence], estimators: Sequence[str]) -> None:
    """Compute in one batch what the estimators will look at of requests of one temperature."""
    asked = {"names", *(kind for estimator in estimators for kind in ESTIMATORS[estimator].needs)}
    for kind, compute in _KINDS.items():
        if kind in asked:
            for one, found in zip(evidence, compute(evidence), strict=True):
                vars(one)[kind] = found


def relative_softmax_scores(log_likelihoods: "torch.Tensor") -> tuple[float, ...]:
    """Return p_n of candidates from their log-likelihoods, (candidates,)."""
    return tuple(log_likelihoods.softmax(0).tolist())


def margin(probabilities: Sequence[float]) -> float:
    """Return the gap between the two highest probabilities; 1 where there is only one candidate."""
    first, second, *_ = (*sorted(probabilities, reverse=True), 0.0)
    return first - second


def _normalised(log_likelihoods: "torch.Tensor", candidates: Sequence[Sequence[int]]) -> "torch.Tensor":
    return log_likelihoods / log_likelihoods.new_tensor([len(ids) for ids in candidates])


def _rss(log_likelihoods: "torch.Tensor") -> float:
    return margin(relative_softmax_scores(log_likelihoods))


def _certainty(probabilities: Sequence[float]) -> float:
    """Return 1 - H(p) / log N: 1 for a single candidate or all weight on one, 0 for equal weights."""
    if len(probabilities) == 1:
        return 1.0
    entropy = -sum(p * math.log(p) for p in probabilities if p > 0)
    return min(max(1.0 - entropy / math.log(len(probabilities)), 0.0), 1.0)


@dataclass(frozen=True)
class Estimator:
    """One way to measure certainty. To add one, add its entry to `ESTIMATORS`."""

    u: Callable[[Evidence], float]
    """From what was seen to a number in [0, 1] that grows with confidence."""
    needs: tuple[str, ...] = ()
    """Attributes of `Evidence` that it looks at, in the order of their computation; `names` is always there."""


ESTIMATORS: dict[str, Estimator] = {
    "rss-margin": Estimator(lambda seen: _rss(seen.names)),
    "rss-margin-normalised": Estimator(lambda seen: _rss(_normalised(seen.names, seen.openings))),
    "rss-call": Estimator(lambda seen: _rss(seen.calls), ("best_calls", "calls")),
    "rss-call-normalised": Estimator(
        lambda seen: _rss(_normalised(seen.calls, seen.best_calls)), ("best_calls", "calls")
    ),
    "maximum-probability": Estimator(lambda seen: max(relative_softmax_scores(seen.names))),
    "entropy": Estimator(lambda seen: _certainty(relative_softmax_scores(seen.names))),
    "call-probability": Estimator(lambda seen: math.exp(seen.answer_log_likelihood), ("answer_log_likelihood",)),
    "perplexity": Estimator(
        lambda seen: math.exp(seen.answer_log_likelihood / len(seen.answer)), ("answer_log_likelihood",)
    ),
    "self-consistency": Estimator(lambda seen: agreement(seen.agent.decode(seen.answer), seen.samples), ("samples",)),
}
"""The ways to measure certainty, by the names that the setting `estimator` takes."""


def self_awareness(
    agent: "Agent", request: Request, answer: Sequence[int], estimators: Sequence[str], *, seed: int = 0
) -> Awareness:
    """Estimate how certain an agent is of its greedy answer to one request.

    Args:
        agent: the agent.
        request: what it was asked.
        answer: its greedy answer, token ids.
        estimators: names in `ESTIMATORS`.
        seed: of the answers that `self-consistency` samples.
    """
    return estimate(Evidence(agent, request, answer, seed=seed), estimators)


def estimate(evidence: Evidence, estimators: Sequence[str]) -> Awareness:
    """Estimate how certain the agent is of its own greedy answer, by each estimator."""
    margins = {name: ESTIMATORS[name].u(evidence) for name in estimators}
    return Awareness(margins, relative_softmax_scores(evidence.names))
