"""H, self-awareness: how sure the agent is of its own answer, without a label.

The estimators, and what u is, are in `ttsi.estimators`; here is computed what they look at.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ttsi.estimators import ESTIMATORS
from ttsi.estimators.tools import relative_softmax_scores
from ttsi.models.rows import Row
from ttsi.prompts import answer_chat
from ttsi.records import InputError, Request
from ttsi.scoring import DRAWS

if TYPE_CHECKING:
    import torch

    from ttsi.agent import Agent


ROUNDING = 1e-6
"""By which u may leave [0, 1]."""


@dataclass(frozen=True)
class Awareness:
    """What the agent knows of its own certainty: u by each estimator asked for, and p over the offered tools."""

    margins: dict[str, float]
    tool_probabilities: tuple[float, ...]


class Evidence:
    """What the estimators look at: computed for a batch by `gather`, or when the first of them asks for it.

    The answer is the agent's greedy one to the request, as token ids; temperature and seed are of sampled answers,
    and the index is the request's number in its batch.
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

    names: "torch.Tensor"
    """Log-likelihood of each tool's opening, up to its arguments: (tools,), nats."""
    best_calls: list[list[int]]
    """The agent's greedy call of each tool: token ids."""
    calls: "torch.Tensor"
    """Log-likelihood of each tool's best call: (tools,), nats."""
    answer_log_likelihood: float
    """Log-likelihood of the greedy answer, nats."""
    samples: list[str]
    """Sampled answers."""

    def __getattr__(self, kind: str) -> Any:
        """Compute for this request alone what was not gathered for its batch."""
        if kind not in _KINDS:
            raise AttributeError(kind)
        _compute([self], kind)
        return vars(self)[kind]

    def row(self, *, then: Sequence[int] = (), number: int = 0) -> Row:
        """Return the row of a batch that goes on from the prompt, and from `then`."""
        return Row([*self.prompt, *then], (self.seed, number), index=self.index)


def _scored(seen: Sequence[Evidence], candidates: Sequence[Sequence[Sequence[int]]]) -> "list[torch.Tensor]":
    return [scores.double() for scores in seen[0].agent.scored([one.row() for one in seen], candidates)]


def _best_calls(seen: Sequence[Evidence]) -> list[list[list[int]]]:
    continued = iter(seen[0].agent.continued([one.row(then=opening) for one in seen for opening in one.openings]))
    return [[[*opening, *next(continued)] for opening in one.openings] for one in seen]


def _samples(seen: Sequence[Evidence]) -> list[list[str]]:
    agent, temperature = seen[0].agent, seen[0].temperature
    rows = [one.row(number=number) for one in seen for number in range(DRAWS)]
    continued = iter(agent.continued(rows, temperature=temperature))
    return [[agent.decode(next(continued)) for _ in range(DRAWS)] for _ in seen]


_KINDS: dict[str, Callable[[Sequence[Evidence]], list[Any]]] = {
    "names": lambda seen: _scored(seen, [one.openings for one in seen]),
    "best_calls": _best_calls,
    "calls": lambda seen: _scored(seen, [one.best_calls for one in seen]),
    "answer_log_likelihood": lambda seen: [scores.item() for scores in _scored(seen, [[one.answer] for one in seen])],
    "samples": _samples,
}


def gather(evidence: Sequence[Evidence], estimators: Sequence[str]) -> None:
    """Compute in one batch what the estimators will look at of requests of one temperature."""
    asked = {"names", *(kind for estimator in estimators for kind in ESTIMATORS[estimator].needs)}
    for kind in _KINDS:
        if kind in asked:
            _compute(evidence, kind)


def _compute(evidence: Sequence[Evidence], kind: str) -> None:
    for one, found in zip(evidence, _KINDS[kind](evidence), strict=True):
        setattr(one, kind, found)


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
    """Estimate how certain the agent is of its own greedy answer, by each estimator.

    Raises:
        InputError: an estimator gives something else than a number in [0, 1].
    """
    margins = {name: ESTIMATORS[name].u(evidence) for name in estimators}
    for name, u in margins.items():
        if not -ROUNDING <= u <= 1 + ROUNDING:
            raise InputError(f"estimator {name!r} gives {u}; expected a number in [0, 1]")
    return Awareness(margins, relative_softmax_scores(evidence.names))
