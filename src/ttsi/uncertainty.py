"""H, self-awareness: how sure the agent is of its own answer, without a label.

| estimator | equation | source |
|---|---|---|
| `rss-margin` | p = softmax over the offered tools of log P(call of the tool); u = p(1) - p(2) | the paper |
| `call-probability` | u = P(greedy answer given the request) | this project |

Both are in [0, 1] and grow with confidence; a sample is uncertain if u < tau.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from ttsi.agent import Agent
from ttsi.prompts import answer_chat
from ttsi.records import Request


@dataclass(frozen=True)
class Awareness:
    """What the agent knows of its own certainty: the margin u, and the probability of each offered tool, in order."""

    margin: float
    tool_probabilities: tuple[float, ...]


def relative_softmax_scores(agent: Agent, request: Request, prompt: Sequence[int]) -> tuple[float, ...]:
    """Return p_n = exp(l_n - max l) / sum_k exp(l_k - max l), l_n the log-likelihood of tool n as the next action.

    All candidates are scored in one batch. The paper does not say whether l_n is length-normalised or covers the
    whole call; here it is the plain sum over the call's opening, up to its arguments.
    """
    openings = [agent.call_opening(tool.name) for tool in request.tools]
    likelihoods = agent.log_likelihoods(prompt, openings)
    return tuple(torch.softmax(likelihoods.double(), 0).tolist())


def margin(probabilities: Sequence[float]) -> float:
    """Return the gap between the two highest probabilities; 1 where there is only one candidate."""
    first, second, *_ = (*sorted(probabilities, reverse=True), 0.0)
    return first - second


def _rss_margin(agent: Agent, prompt: Sequence[int], answer: Sequence[int], probabilities: Sequence[float]) -> float:
    return margin(probabilities)


def _call_probability(
    agent: Agent, prompt: Sequence[int], answer: Sequence[int], probabilities: Sequence[float]
) -> float:
    return agent.log_likelihoods(prompt, [answer]).double().exp().item()


ESTIMATORS: dict[str, Callable[[Agent, Sequence[int], Sequence[int], Sequence[float]], float]] = {
    "rss-margin": _rss_margin,
    "call-probability": _call_probability,
}


def estimate(agent: Agent, request: Request, answer: Sequence[int], *, estimator: str) -> Awareness:
    """Estimate how certain the agent is of `answer`, its own greedy one (token ids), to `request`."""
    prompt = agent.prompt(answer_chat(request.messages), request.tools)
    probabilities = relative_softmax_scores(agent, request, prompt)
    return Awareness(ESTIMATORS[estimator](agent, prompt, answer, probabilities), probabilities)
