"""G, self-augmentation: practice examples like a request, written by the agent itself and checked without a label.

Three ways to ask. `free` is the paper's: the agent writes a whole example. `hesitation` draws the tool of the call from
the RSS distribution and gives the call's opening as a prefix: practice on the tools that the agent hesitates between.
`constrained` lets it write nothing but calls of the offered tools with arguments of their schemas, then the request.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Protocol

from dateutil import parser as dates
from jsonschema import Draft202012Validator

from ttsi.agent import Agent
from ttsi.calls import first_line
from ttsi.models.constraint import OfferedCalls
from ttsi.models.rows import Row
from ttsi.prompts import practice_chat, read_practice, transcript
from ttsi.records import Call, InputError, PracticeExample, Request, Tool
from ttsi.settings import Elicitation, LoopSettings

VALID = "valid"
_NUMBER_WORDS = "zero one two three four five six seven eight nine ten eleven twelve".split()
_DATE = re.compile(r"\d{1,2} [A-Z][a-z]+ \d{4}|[A-Z][a-z]+ \d{1,2}, \d{4}|\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class Written:
    """One attempt at a practice example: its text, and `valid` or what is wrong with it."""

    text: str
    verdict: str
    example: PracticeExample | None = None


class Teacher(Protocol):
    """A stronger author of practice examples than the agent itself (TT-D)."""

    def write(
        self, requests: Sequence[Request], *, seeds: Sequence[int], draws: int, temperature: float, max_new_tokens: int
    ) -> list[list[str]]:
        """Return for each request, which has a seed, `draws` examples: text that `ttsi.prompts.read_practice` reads."""
        ...


def practise(
    agent: Agent, request: Request, tool_probabilities: Sequence[float], settings: LoopSettings, *, seed: int
) -> list[Written]:
    """Write practice examples for one request, as the loop does.

    Args:
        agent: the model that writes.
        request: the test request, which has no label.
        tool_probabilities: the RSS distribution over its tools.
        settings: how many examples, and how to ask for them.
        seed: of all draws for the request.
    """
    (written,) = augment(
        agent,
        [request],
        [tool_probabilities],
        elicitation=settings.elicitation,
        instruction=settings.practice_instruction,
        draws=settings.draws,
        temperature=settings.temperature,
        seeds=[seed],
    )
    return written


def augment(
    agent: Agent,
    requests: Sequence[Request],
    tool_probabilities: Sequence[Sequence[float]],
    *,
    elicitation: Elicitation,
    instruction: str,
    draws: int,
    temperature: float,
    seeds: Sequence[int],
    indices: Sequence[int] | None = None,
) -> list[list[Written]]:
    """Write `draws` practice examples for each request, in one batch; none is dropped or written again.

    Args:
        agent: the model that writes.
        requests: the test requests, which have no label.
        tool_probabilities: the RSS distribution over each request's tools.
        elicitation: how to ask.
        instruction: stands before the request in the prompt.
        draws: number of examples to write for a request.
        temperature: of the sampling.
        seeds: of all draws for each request.
        indices: number of each request in the batch of the loop; from 0 on unless told.
    """
    numbers = range(len(requests)) if indices is None else indices
    openings = [
        _openings(agent, *asked, elicitation=elicitation, draws=draws)
        for asked in zip(requests, tool_probabilities, seeds, strict=True)
    ]
    rows = []
    for request, of_request, seed, index in zip(requests, openings, seeds, numbers, strict=True):
        prompt = agent.prompt(practice_chat(request, instruction), request.tools)
        for draw, opening in enumerate(of_request):
            limit = OfferedCalls(agent, request.tools, then_text=True) if elicitation == "constrained" else None
            rows.append(Row(prompt + opening, (seed, draw), limit, index=index))
    continued = iter(agent.continued(rows, temperature=temperature))
    texts = [[agent.decode(opening + next(continued)) for opening in of_request] for of_request in openings]
    return [judge(of_request, request) for of_request, request in zip(texts, requests, strict=True)]


def _openings(
    agent: Agent, request: Request, probabilities: Sequence[float], seed: int, *, elicitation: Elicitation, draws: int
) -> list[list[int]]:
    """Return the beginning that each practice example is given."""
    if elicitation != "hesitation":
        return [[] for _ in range(draws)]
    names = Random(seed).choices([tool.name for tool in request.tools], weights=probabilities, k=draws)
    return [agent.call_opening(name) for name in names]


def judge(texts: Sequence[str], request: Request) -> list[Written]:
    """Check what was written, in order; a second copy of the same text is a duplicate.

    Raises:
        InputError: the parameters of a tool that is called are no JSON schema.
    """
    written: list[Written] = []
    for text in texts:
        duplicate = any(text == other.text for other in written)
        written.append(Written(text, "duplicate") if duplicate else _judge_one(text, request))
    return written


def _judge_one(text: str, request: Request) -> Written:
    try:
        example = read_practice(text)
    except ValueError:
        return Written(text, "not an example")
    verdict = _verdict(example, request)
    return Written(text, verdict, example if verdict == VALID else None)


def _verdict(example: PracticeExample, request: Request) -> str:
    tools = {tool.name: tool for tool in request.tools}
    if any(call.name not in tools for call in example.calls):
        return "tool not offered"
    if not all(_fits(call, tools[call.name]) for call in example.calls):
        return "arguments break the schema"
    said = transcript(example.messages)
    if said.lower() == transcript(request.messages).lower():
        return "copy of the request"
    values = [value for call in example.calls for value in call.arguments.values()]
    return VALID if all(is_said(value, said) for value in values) else "value not in its request"


def _fits(call: Call, tool: Tool) -> bool:
    try:
        return Draft202012Validator(tool.parameters).is_valid(call.arguments)
    except Exception as error:  # jsonschema raises anything where a schema is none
        raise InputError(f"parameters of tool {tool.name!r} are no JSON schema: {first_line(error)}") from error


def is_said(value: Any, text: str) -> bool:
    """Tell whether a text holds an argument's value: verbatim, 1000 as 1,000, as a number word, or a date in words."""
    if isinstance(value, bool) or value is None:
        return True
    if isinstance(value, (list, dict)):
        parts = value.values() if isinstance(value, dict) else value
        return all(is_said(part, text) for part in parts)
    if isinstance(value, (int, float)):
        found = re.findall(r"\d+(?:\.\d+)?", text) + re.findall(r"-?\d+(?:,\d{3})*(?:\.\d+)?", text)
        numbers = {float(number.replace(",", "")) for number in found}
        spelled = set(re.findall("[a-z]+", text.lower())).intersection(_NUMBER_WORDS)
        return float(value) in numbers | {float(_NUMBER_WORDS.index(word)) for word in spelled}
    return str(value).lower() in text.lower() or _is_date_in(str(value), text)


def _is_date_in(value: str, text: str) -> bool:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        return False
    return any(_as_iso(found) == value for found in _DATE.findall(text))


def _as_iso(words: str) -> str | None:
    try:
        return dates.parse(words).date().isoformat()
    except ValueError:
        return None
