"""What a pretrained model learns from: an endless, repeatable stream of lessons.

A lesson is an answer to a request, or a practice example that is asked for in the manner of one. Most are made of
answered requests of the Berkeley Function-Calling Leaderboard, so that no two lessons are alike: tools of other
requests stand among the offered ones, often those that resemble them most, in any order; names are written in another
style; which arguments are required is left out; one request follows another in a conversation. The other lessons are
toolworld's. None is of the paper's benchmarks.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from random import Random

import numpy as np

from ttsi.augmentation import judge
from ttsi.benchmarks import toolworld
from ttsi.calls import render_calls
from ttsi.prompts import Chat, answer_chat, practice_chat, render_practice
from ttsi.records import Call, InputError, Message, PracticeExample, Record, Sample, Tool

PRACTICE, TOOLWORLD, CONVERSATION, RESTYLED, UNMARKED, RESEMBLING = 0.4, 0.15, 0.2, 0.4, 0.25, 0.7
"""Shares: of practice among the lessons, and of toolworld's; among the others of conversations, of names in another
style, of schemas that do not say what is required, and of lessons whose added tools resemble the request's own."""

NEAREST = 24
"""Tools that count as resembling one."""

OFFERED = (1, 2, 3, 4, 5, 5, 6, 8)
"""Numbers of tools that are offered, drawn evenly, where the request's own are no more."""

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_STYLES = {
    "snake": lambda words: "_".join(word.lower() for word in words),
    "camel": lambda words: words[0].lower() + "".join(word.capitalize() for word in words[1:]),
    "pascal": lambda words: "".join(word.capitalize() for word in words),
    "dotted": lambda words: ".".join(word.lower() for word in words),
}


class PromptCompletion(Record):
    """A prompt with its tools, and the text that an agent should answer."""

    chat: tuple[Message, ...]
    tools: tuple[Tool, ...]
    answer: str


class Lessons:
    """The stream of lessons; a sample without calls, or whose calls its tools' schemas do not allow, makes none.

    Raises:
        InputError: there are no two different requests that a practice example can be made of.
    """

    def __init__(self, samples: Sequence[Sample], *, seed: int) -> None:
        self._seed = seed
        verdicts = [(sample, _verdict(sample)) for sample in samples if sample.gold]
        self._samples = [sample for sample, verdict in verdicts if verdict in ("valid", "value not in its request")]
        self._practice = [sample for sample, verdict in verdicts if verdict == "valid"]
        if len({sample.request.messages for sample in self._practice}) < 2:
            raise InputError(f"of {len(samples)} samples no two different ones can be practised; expected at least two")
        self._alike: dict[frozenset[str], list[Sample]] = defaultdict(list)
        for sample in self._practice:
            self._alike[_names(sample)].append(sample)
        self._tools = list({tool.name: tool for sample in self._samples for tool in sample.request.tools}.values())
        self._resembling = _nearest(self._tools, NEAREST)

    def __getitem__(self, number: int) -> PromptCompletion:
        """Return lesson `number`; it depends on nothing but the seed and its number."""
        rng = Random(f"lesson/{self._seed}/{number}")
        practice = rng.random() < PRACTICE
        if rng.random() < TOOLWORLD:
            sample, example = next(toolworld.lessons(seed=self._seed, start=number))
            return _lesson(sample, example if practice else None)
        variation = _Variation(rng)
        return self._practised(rng, variation) if practice else self._answered(rng, variation)

    def _answered(self, rng: Random, variation: "_Variation") -> PromptCompletion:
        sample = variation(rng.choice(self._samples))
        if rng.random() < CONVERSATION:
            sample = _after(variation(rng.choice(self._samples)), sample)
        return _lesson(self._offering(sample, rng, variation))

    def _practised(self, rng: Random, variation: "_Variation") -> PromptCompletion:
        """Ask for an example like one request; the example is another request, of the same tools where there is one."""
        seed = rng.choice(self._samples)
        alike = [one for one in self._alike[_names(seed)] if one.request.messages != seed.request.messages]
        written = rng.choice(alike or self._practice)
        while written.request.messages == seed.request.messages:
            written = rng.choice(self._practice)
        seed, written = variation(seed), variation(written)
        together = _with_tools(seed, [*seed.request.tools, *written.request.tools])
        example = PracticeExample(messages=written.request.messages, calls=written.gold)
        return _lesson(self._offering(together, rng, variation), example)

    def _offering(self, sample: Sample, rng: Random, variation: "_Variation") -> Sample:
        """Return a sample among whose tools stand those of other requests."""
        wanted = rng.choice(OFFERED)
        pool = self._tools
        if rng.random() < RESEMBLING:
            own = variation.before(rng.choice(sample.gold).name)
            pool = self._resembling.get(own, self._tools)
        tools = {tool.name: tool for tool in sample.request.tools}
        for tool in rng.sample(pool, min(len(pool), 2 * wanted)):
            if len(tools) < wanted:
                varied = variation.tool(tool)
                tools.setdefault(varied.name, varied)
        return _with_tools(sample, rng.sample(list(tools.values()), len(tools)))


def _nearest(tools: Sequence[Tool], count: int) -> dict[str, list[Tool]]:
    """Return the tools that resemble each tool most, by the words of names and descriptions (TF-IDF, cosine)."""
    texts = [[word.lower() for word in _WORDS.findall(f"{tool.name} {tool.description}")] for tool in tools]
    places = {word: place for place, word in enumerate(sorted({word for words in texts for word in words}))}
    counts = np.zeros((len(tools), len(places)), dtype=np.float32)
    for row, words in enumerate(texts):
        np.add.at(counts[row], [places[word] for word in words], 1)
    weighted = counts * np.log(len(tools) / (counts > 0).sum(0))
    weighted /= np.linalg.norm(weighted, axis=1, keepdims=True) + 1e-9
    likeness = weighted @ weighted.T
    np.fill_diagonal(likeness, -1)
    order = np.argsort(-likeness, axis=1, kind="stable")[:, :count]
    return {tool.name: [tools[other] for other in row] for tool, row in zip(tools, order, strict=True)}


def stream(lessons: Lessons, start: int, count: int) -> Iterator[PromptCompletion]:
    """Yield `count` lessons from number `start` on."""
    return (lessons[number] for number in range(start, start + count))


def _lesson(sample: Sample, example: PracticeExample | None = None) -> PromptCompletion:
    request = sample.request
    chat: Chat = practice_chat(request) if example else answer_chat(request.messages)
    answer = render_practice(example) if example else render_calls(sample.gold)
    return PromptCompletion(
        chat=tuple(Message.model_validate(turn) for turn in chat), tools=request.tools, answer=answer
    )


def _verdict(sample: Sample) -> str:
    """Judge a sample as a practice example of its own tools, asked for in another request."""
    text = render_practice(PracticeExample(messages=sample.request.messages, calls=sample.gold))
    other = sample.request.model_copy(update={"messages": (Message(role="user", content="another request"),)})
    return judge([text], other)[0].verdict


def _names(sample: Sample) -> frozenset[str]:
    return frozenset(tool.name for tool in sample.request.tools)


def _with_tools(sample: Sample, tools: Sequence[Tool]) -> Sample:
    named = {tool.name: tool for tool in tools}
    return sample.model_copy(update={"request": sample.request.model_copy(update={"tools": tuple(named.values())})})


def _after(first: Sample, second: Sample) -> Sample:
    """Return the second sample as the next turn of a conversation that begins with the first."""
    answered = Message(role="assistant", content=render_calls(first.gold))
    messages = (*first.request.messages, answered, *second.request.messages)
    own = _names(second)  # a tool of the same name is the second's, whose call is the answer
    others = [tool for tool in first.request.tools if tool.name not in own]
    together = _with_tools(second, [*second.request.tools, *others])
    return together.model_copy(update={"request": together.request.model_copy(update={"messages": messages})})


# -- variety --------------------------------------------------------------------------------------------------------


class _Variation:
    """How a lesson writes names, and whether it marks required arguments: alike in all samples that it is made of."""

    def __init__(self, rng: Random) -> None:
        self._style = rng.choice(list(_STYLES)) if rng.random() < RESTYLED else None
        self._marked = rng.random() >= UNMARKED
        self._before: dict[str, str] = {}

    def before(self, name: str) -> str:
        """Return the name that a tool had before it was varied."""
        return self._before.get(name, name)

    def __call__(self, sample: Sample) -> Sample:
        """Return the sample so written; one in which two names would become one keeps its own."""
        tools = [self.tool(tool) for tool in sample.request.tools]
        calls = tuple(self._call(call) for call in sample.gold)
        kept = len({tool.name for tool in tools}) == len(tools) and all(
            len(new.parameters["properties"]) == len(old.parameters["properties"])
            for new, old in zip(tools, sample.request.tools, strict=True)
        )
        return _with_tools(sample, tools).model_copy(update={"gold": calls}) if kept else sample

    def tool(self, tool: Tool) -> Tool:
        """Return a tool so written."""
        properties = {self._name(name): schema for name, schema in tool.parameters["properties"].items()}
        required = [self._name(name) for name in tool.parameters["required"]] if self._marked else []
        parameters = {**tool.parameters, "properties": properties, "required": required}
        self._before[self._name(tool.name)] = tool.name
        return tool.model_copy(update={"name": self._name(tool.name), "parameters": parameters})

    def _call(self, call: Call) -> Call:
        arguments = {self._name(name): value for name, value in call.arguments.items()}
        return Call(name=self._name(call.name), arguments=arguments)

    def _name(self, name: str) -> str:
        words = _WORDS.findall(name) if self._style else ()
        return _STYLES[self._style](words) if self._style and words else name
