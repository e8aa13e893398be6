"""The loop over one request: answer, H, gate, G, T, answer again, reset. It never sees a label."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from pydantic import Field

from ttsi.adaptation import LoraSettings, SequentialAdapter
from ttsi.agent import Agent, OfferedNames
from ttsi.augmentation import Elicitation, Written, augment
from ttsi.prompts import answer_chat
from ttsi.records import Record, Request
from ttsi.uncertainty import Awareness, estimate

Estimator = Literal["rss-margin", "call-probability"]


STAGES: tuple[str, ...] = ("uncertainty", "augmentation", "adaptation", "answer", "base")


class LoopSettings(Record):
    """What the loop does with a request."""

    adapt: bool = True
    """Whether uncertain samples are adapted; otherwise the base answer stands."""
    constrained: bool = False
    """Limit tool names to the offered ones when answering (never when scoring or writing practice examples)."""
    estimator: Estimator = "rss-margin"
    tau: float = Field(default=0.95, ge=0, le=1)
    """A sample is uncertain if its margin is below tau."""
    k: int = Field(default=1, ge=1)
    """Practice examples to train on, at most."""
    draws: int = Field(default=1, ge=1)
    """Practice examples to write; the first `k` valid ones are used."""
    elicitation: Elicitation = "free"
    temperature: float = Field(default=0.7, gt=0)
    """Of the sampling of practice examples."""
    lora: LoraSettings = LoraSettings()


@dataclass(frozen=True)
class Answered:
    """What the loop did with one request. Times are wall-clock seconds."""

    awareness: Awareness
    uncertain: bool
    base_output: str
    output: str
    written: tuple[Written, ...] = ()
    losses: tuple[float, ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def adapted(self) -> bool:
        """Whether the output comes from an adapted model."""
        return bool(self.losses)


def seed_for(seed: int, sample_id: str) -> int:
    """Return the seed of one sample of a run: never of its position, its neighbours or the time."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{sample_id}".encode()).digest()[:4])


class SelfImprovement:
    """An agent that improves itself on each request by `settings`, and forgets."""

    def __init__(self, agent: Agent, settings: LoopSettings) -> None:
        self.agent, self.settings = agent, settings
        self.adapter = SequentialAdapter(agent, settings.lora) if settings.adapt else None

    def __call__(self, request: Request, *, seed: int) -> Answered:
        """Answer one request; `seed` is the run's."""
        seed, clock = seed_for(seed, request.id), _Clock()
        base = self._answer(request)
        clock.lap("base")
        awareness = estimate(self.agent, request, base, estimator=self.settings.estimator)
        clock.lap("uncertainty")
        uncertain = awareness.margin < self.settings.tau
        base_output = output = self.agent.decode(base)
        written: list[Written] = []
        losses: list[float] = []
        if uncertain and self.adapter:
            written = self._practise(request, awareness.tool_probabilities, seed)
            clock.lap("augmentation")
        examples = [attempt.example for attempt in written if attempt.example][: self.settings.k]
        if examples and self.adapter:
            with self.adapter.adapted(examples, request.tools, seed=seed) as losses:
                clock.lap("adaptation")
                output = self.agent.decode(self._answer(request))
                clock.lap("answer")
        return Answered(awareness, uncertain, base_output, output, tuple(written), tuple(losses), clock.seconds)

    def _answer(self, request: Request) -> list[int]:
        prompt = self.agent.prompt(answer_chat(request.messages), request.tools)
        allowed = OfferedNames(self.agent, prompt, request.tools) if self.settings.constrained else None
        return self.agent.generate([prompt], allowed=allowed)[0]

    def _practise(self, request: Request, probabilities: Sequence[float], seed: int) -> list[Written]:
        settings = self.settings
        return augment(
            self.agent,
            request,
            probabilities,
            elicitation=settings.elicitation,
            draws=settings.draws,
            temperature=settings.temperature,
            seed=seed,
        )


class _Clock:
    """Adds up wall-clock seconds by stage; each lap runs from the one before."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = dict.fromkeys(STAGES, 0.0)
        self._last = time.perf_counter()

    def lap(self, stage: str) -> None:
        """Add the seconds since the last lap to a stage; the base answer counts as an answer, too."""
        now = time.perf_counter()
        for name in ("base", "answer") if stage == "base" else (stage,):
            self.seconds[name] += now - self._last
        self._last = now
