"""The loop over one request: answer, H, gate, G, T, answer again, reset. It never sees a label of a test sample."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal

from pydantic import Field

from ttsi.adaptation import Lesson, LoraSettings, SequentialAdapter
from ttsi.agent import Agent, OfferedCalls
from ttsi.augmentation import Elicitation, Teacher, Written, augment, judge
from ttsi.clock import Clock
from ttsi.decoding import DRAWS, Decoding
from ttsi.prompts import PRACTICE_INSTRUCTION, answer_chat
from ttsi.records import Record, Request, Tool
from ttsi.uncertainty import Awareness, Estimator, Evidence, estimate

Gate = Literal["uncertain", "all", "certain", "random"]
Author = Literal["nobody", "self", "teacher", "training set"]


class LoopSettings(Record):
    """What the loop does with a request."""

    author: Author = "self"
    """Who writes the practice examples; `nobody`: the base answer stands."""
    in_context: bool = False
    """Show the examples in the prompt instead of training on them."""
    adapt: Gate = "uncertain"
    """Which samples to adapt: those below tau, all, those not below tau, or a random `share`."""
    share: float = Field(default=0.5, ge=0, le=1)
    """Chance of a sample to be adapted where `adapt` is `random`."""
    constrained: bool = False
    """Limit answers to calls of offered tools with arguments of their schemas (scores and practice stay free)."""
    decoding: Decoding = "direct"
    answer_temperature: float = Field(default=0.7, gt=0)
    """Of the sampled answers of the other decoding modes and of the estimator `self-consistency`."""
    estimator: Estimator = "rss-margin"
    also_estimate: tuple[Estimator, ...] = ()
    """Estimators whose margins are recorded beside that of the gate."""
    tau: float = Field(default=0.95, ge=0, le=1)
    """A sample is uncertain if its margin is below tau."""
    k: int = Field(default=1, ge=1)
    """Practice examples to use, at most."""
    draws: int = Field(default=1, ge=1)
    """Practice examples to write; the first `k` valid ones are used."""
    elicitation: Elicitation = "free"
    """How the agent is asked for them; a teacher is always asked freely."""
    temperature: float = Field(default=0.7, gt=0)
    """Of the sampling of practice examples."""
    practice_instruction: str = PRACTICE_INSTRUCTION
    """Stands before the request where a practice example is asked for."""
    lora: LoraSettings = LoraSettings()
    sft_examples: int = Field(default=200, ge=1)
    """Examples of the training set: for supervised fine-tuning, and to choose from for the context."""
    sft_epochs: int = Field(default=1, ge=1)
    sft_learning_rate: float = Field(default=1e-4, gt=0)

    @property
    def trains_once(self) -> bool:
        """Whether one adapter, trained on the training set, serves all samples (supervised fine-tuning)."""
        return self.author == "training set" and not self.in_context


@dataclass(frozen=True)
class Answered:
    """What the loop did with one request. Times are wall-clock seconds."""

    awareness: Awareness
    uncertain: bool
    base_output: str
    output: str
    """The greedy answer in the end."""
    draws: tuple[str, ...] = ()
    """Sampled answers in the end."""
    chosen: bool = False
    """Whether the gate let the sample through."""
    adapted: bool = False
    written: tuple[Written, ...] = ()
    losses: tuple[float, ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)


def seed_for(seed: int, sample_id: str, purpose: str = "") -> int:
    """Return the seed of one sample of a run: never of its position, its neighbours or the time."""
    name = f"{seed}/{sample_id}/{purpose}" if purpose else f"{seed}/{sample_id}"
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4])


class SelfImprovement:
    """An agent that improves itself on each request by `settings`, and forgets.

    Args:
        agent: the agent.
        settings: what to do with a request.
        teacher: writes the practice examples, where the settings say so.
        lessons: the training set, where the settings use it; an adapter for all requests is trained here and now.
        seed: of that training.
    """

    def __init__(
        self,
        agent: Agent,
        settings: LoopSettings,
        *,
        teacher: Teacher | None = None,
        lessons: Sequence[Lesson] = (),
        seed: int = 0,
    ) -> None:
        self.agent, self.settings, self.teacher, self.lessons = agent, settings, teacher, lessons
        lora, clock = settings.lora, Clock()
        if settings.trains_once:
            lora = lora.model_copy(update={"epochs": settings.sft_epochs, "learning_rate": settings.sft_learning_rate})
        trains = settings.author != "nobody" and not settings.in_context
        self.adapter = SequentialAdapter(agent, lora) if trains else None
        if self.adapter and settings.trains_once:
            self.adapter.fit(Random(seed).sample(list(lessons), len(lessons)), seed=seed)
        clock.lap("adaptation")
        self.seconds_once = clock.seconds["adaptation"]

    def __call__(self, request: Request, *, seed: int) -> Answered:
        """Answer one request; `seed` is the run's."""
        settings, clock = self.settings, Clock()
        base = self._answer(request, ())
        clock.lap("base")
        awareness = self._awareness(request, base, seed)
        clock.lap("uncertainty")
        uncertain = awareness.margins[settings.estimator] < settings.tau
        chosen = settings.author != "nobody" and self._lets_through(request, uncertain, seed)
        written = self._practise(request, awareness, seed) if chosen else []
        lessons = self._lessons(request, written, seed) if chosen else []
        clock.lap("augmentation")
        adapted = chosen and (bool(lessons) or settings.trains_once)
        base_output = output = self.agent.decode(base)
        with self._improved(lessons, seed_for(seed, request.id), adapted=adapted) as (shown, losses):
            clock.lap("adaptation")
            if adapted:
                output = self.agent.decode(self._answer(request, shown))
                clock.lap("answer")
            draws = self._draw(request, shown, seed)
            clock.lap("draws")
        return Answered(
            awareness=awareness,
            uncertain=uncertain,
            base_output=base_output,
            output=output,
            draws=tuple(draws),
            chosen=chosen,
            adapted=adapted,
            written=tuple(written),
            losses=tuple(losses),
            seconds=clock.seconds,
        )

    # -- answers ----------------------------------------------------------------------------------------------------

    def _answer(self, request: Request, shown: Sequence[Lesson]) -> list[int]:
        return self._generate(request, shown, rows=1)[0]

    def _draw(self, request: Request, shown: Sequence[Lesson], seed: int) -> list[str]:
        if self.settings.decoding == "direct":
            return []
        sampling = {"temperature": self.settings.answer_temperature, "seed": seed_for(seed, request.id, "answers")}
        return [self.agent.decode(ids) for ids in self._generate(request, shown, rows=DRAWS, **sampling)]

    def _generate(self, request: Request, shown: Sequence[Lesson], *, rows: int, **sampling: Any) -> list[list[int]]:
        chat = answer_chat(request.messages, [example for example, _ in shown])
        prompt = self.agent.prompt(chat, _tools(request, shown))
        allowed = OfferedCalls(self.agent, prompt, request.tools) if self.settings.constrained else None
        return self.agent.generate([prompt] * rows, allowed=allowed, **sampling)

    # -- H, the gate, G and T ---------------------------------------------------------------------------------------

    def _awareness(self, request: Request, answer: list[int], seed: int) -> Awareness:
        settings = self.settings
        evidence = Evidence(
            self.agent,
            request,
            answer,
            temperature=settings.answer_temperature,
            seed=seed_for(seed, request.id, "answers"),
        )
        return estimate(evidence, (settings.estimator, *settings.also_estimate))

    def _lets_through(self, request: Request, uncertain: bool, seed: int) -> bool:
        drawn = Random(seed_for(seed, request.id, "gate")).random() < self.settings.share
        return {"uncertain": uncertain, "all": True, "certain": not uncertain, "random": drawn}[self.settings.adapt]

    def _practise(self, request: Request, awareness: Awareness, seed: int) -> list[Written]:
        """Write practice examples; those of the training set are chosen in `_lessons`."""
        settings, seed = self.settings, seed_for(seed, request.id)
        sampling = {"draws": settings.draws, "temperature": settings.temperature, "seed": seed}
        if settings.author == "teacher" and self.teacher:
            return judge(self.teacher.write(request, max_new_tokens=self.agent.max_new_tokens, **sampling), request)
        if settings.author != "self":
            return []
        return augment(
            self.agent,
            request,
            awareness.tool_probabilities,
            elicitation=settings.elicitation,
            instruction=settings.practice_instruction,
            **sampling,
        )

    def _lessons(self, request: Request, written: Sequence[Written], seed: int) -> list[Lesson]:
        settings = self.settings
        if settings.author == "training set":
            rng = Random(seed_for(seed, request.id, "lessons"))
            return rng.sample(list(self.lessons), min(settings.k, len(self.lessons))) if settings.in_context else []
        valid = [attempt.example for attempt in written if attempt.example]
        return [(example, request.tools) for example in valid[: settings.k]]

    @contextmanager
    def _improved(
        self, lessons: Sequence[Lesson], seed: int, *, adapted: bool
    ) -> Iterator[tuple[Sequence[Lesson], Sequence[float]]]:
        """Inside the block the agent has learned; yields what to show it in the prompt, and the training losses."""
        if not (adapted and self.adapter):
            yield lessons, ()
        elif self.settings.trains_once:
            with self.adapter.enabled():
                yield (), ()
        else:
            with self.adapter.adapted(lessons, seed=seed) as losses:
                yield (), losses


def _tools(request: Request, shown: Sequence[Lesson]) -> list[Tool]:
    """Return the offered tools, and those that a shown example calls where they are not among them."""
    tools = {tool.name: tool for tool in request.tools}
    for example, offered in shown:
        called = {call.name for call in example.calls}
        tools |= {tool.name: tool for tool in offered if tool.name in called - set(tools)}
    return list(tools.values())
