"""The loop over a batch of requests: answer, H, gate, G, T, answer again, reset. It never sees a test label."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random

from ttsi.adaptation import Lesson
from ttsi.agent import Agent
from ttsi.augmentation import Teacher, Written, augment, judge
from ttsi.backends import adapter_for
from ttsi.models.constraint import OfferedCalls
from ttsi.models.rows import Row
from ttsi.prompts import answer_chat, prompt_tools
from ttsi.records import InputError, Request, seed_for
from ttsi.scoring import DRAWS
from ttsi.settings import LoopSettings
from ttsi.uncertainty import Awareness, Evidence, estimate, gather

STAGES: tuple[str, ...] = ("uncertainty", "augmentation", "adaptation", "answer", "base", "draws")


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


Shown = Mapping[int, Sequence[Lesson]]
"""What stands in the prompt of each sample, by its number in the batch."""


class SelfImprovement:
    """An agent that improves itself on each request by `settings`, and forgets.

    Args:
        agent: the agent; its kind decides how adapters are trained (`ttsi.backends.adapter_for`).
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
        self.adapter = adapter_for(agent, lora) if trains else None
        if self.adapter and settings.trains_once:
            self.adapter.fit([Random(seed).sample(list(lessons), len(lessons))], seeds=[seed])
        clock.lap("adaptation")
        self.seconds_once = clock.seconds[0]["adaptation"]

    def __call__(self, request: Request, *, seed: int) -> Answered:
        """Answer one request; `seed` is the run's."""
        (answered,) = self.answer([request], seed=seed)
        return answered

    def in_batches(self, requests: Sequence[Request], *, seed: int, at_once: int) -> Iterator[Answered]:
        """Answer requests, `at_once` in a batch; an answer does not depend on it.

        A batch that fails, for lack of memory or of a teacher's answer, is halved, so that all that can be answered is.

        Raises:
            OutOfMemory: one request alone does not fit.
            TeacherError: the teacher could not be asked about one request.
        """
        start = 0
        while start < len(requests):
            batch = requests[start : start + at_once]
            try:
                answered = self.answer(batch, seed=seed)
            except InputError:
                if len(batch) == 1:
                    raise
                at_once = len(batch) // 2
            else:
                yield from answered
                start += len(batch)

    def answer(self, requests: Sequence[Request], *, seed: int) -> list[Answered]:
        """Answer a batch of requests, each as if it were alone; `seed` is the run's.

        The seconds of a stage are shared evenly among the requests that it was for.
        """
        settings, numbers, clock = self.settings, range(len(requests)), Clock(len(requests))
        with self.agent.sharing([request.tools for request in requests]):
            base = self._greedy(requests, numbers)
            clock.lap("base", numbers)
            awareness = self._awareness(requests, base, seed)
            clock.lap("uncertainty", numbers)
            uncertain = [one.margins[settings.estimator] < settings.tau for one in awareness]
            chosen = [n for n in numbers if self._lets_through(requests[n], uncertain[n], seed)]
            written = dict(zip(chosen, self._practise(requests, awareness, chosen, seed), strict=True))
            lessons = {n: self._lessons(requests[n], written[n], seed) for n in chosen}
            clock.lap("augmentation", chosen)
            adapted = [n for n in chosen if lessons[n] or settings.trains_once]
            kept = [n for n in numbers if n not in adapted]
            outputs = {n: self.agent.decode(base[n]) for n in numbers}
            base_outputs, losses = dict(outputs), dict.fromkeys(numbers, ())
            draws = dict(zip(kept, self._draw(requests, kept, seed), strict=True))
            clock.lap("draws", kept)
            if adapted:
                with self._improved(requests, lessons, adapted, seed) as (shown, found):
                    losses |= dict(zip(adapted, found, strict=True))
                    clock.lap("adaptation", adapted)
                    answers = self._greedy(requests, adapted, shown)
                    outputs |= {n: self.agent.decode(ids) for n, ids in zip(adapted, answers, strict=True)}
                    clock.lap("answer", adapted)
                    draws |= dict(zip(adapted, self._draw(requests, adapted, seed, shown), strict=True))
                    clock.lap("draws", adapted)
        return [
            Answered(
                awareness=awareness[n],
                uncertain=uncertain[n],
                base_output=base_outputs[n],
                output=outputs[n],
                draws=tuple(draws[n]),
                chosen=n in written,
                adapted=n in adapted,
                written=tuple(written.get(n, ())),
                losses=tuple(losses[n]),
                seconds=clock.seconds[n],
            )
            for n in numbers
        ]

    # -- answers ----------------------------------------------------------------------------------------------------

    def _greedy(
        self, requests: Sequence[Request], numbers: Sequence[int], shown: Shown | None = None
    ) -> list[list[int]]:
        return self.agent.continued([self._row(requests, n, (0, 0), shown) for n in numbers])

    def _draw(
        self, requests: Sequence[Request], numbers: Sequence[int], seed: int, shown: Shown | None = None
    ) -> list[list[str]]:
        if self.settings.decoding == "direct" or not numbers:
            return [[] for _ in numbers]
        seeds = [seed_for(seed, requests[n].id, "answers") for n in numbers]
        rows = [
            self._row(requests, n, (of_sample, draw), shown)
            for n, of_sample in zip(numbers, seeds, strict=True)
            for draw in range(DRAWS)
        ]
        continued = iter(self.agent.continued(rows, temperature=self.settings.answer_temperature))
        return [[self.agent.decode(next(continued)) for _ in range(DRAWS)] for _ in numbers]

    def _row(self, requests: Sequence[Request], n: int, seed: tuple[int, int], shown: Shown | None) -> Row:
        request, lessons = requests[n], (shown or {}).get(n, ())
        chat = answer_chat(request.messages, [example for example, _ in lessons])
        prompt = self.agent.prompt(chat, prompt_tools(request, lessons))
        allowed = OfferedCalls(self.agent, request.tools) if self.settings.constrained else None
        return Row(prompt, seed, allowed, sample=n)

    # -- H, the gate, G and T ---------------------------------------------------------------------------------------

    def _awareness(self, requests: Sequence[Request], answers: Sequence[list[int]], seed: int) -> list[Awareness]:
        settings = self.settings
        estimators = (settings.estimator, *settings.also_estimate)
        evidence = [
            Evidence(
                self.agent,
                request,
                answer,
                temperature=settings.answer_temperature,
                seed=seed_for(seed, request.id, "answers"),
                sample=n,
            )
            for n, (request, answer) in enumerate(zip(requests, answers, strict=True))
        ]
        gather(evidence, estimators)
        return [estimate(one, estimators) for one in evidence]

    def _lets_through(self, request: Request, uncertain: bool, seed: int) -> bool:
        if self.settings.author == "nobody":
            return False
        drawn = Random(seed_for(seed, request.id, "gate")).random() < self.settings.share
        return {"uncertain": uncertain, "all": True, "certain": not uncertain, "random": drawn}[self.settings.adapt]

    def _practise(
        self, requests: Sequence[Request], awareness: Sequence[Awareness], chosen: Sequence[int], seed: int
    ) -> list[list[Written]]:
        """Write practice examples for the chosen; those of the training set are chosen in `_lessons`."""
        settings, asked = self.settings, [requests[n] for n in chosen]
        sampling = {"draws": settings.draws, "temperature": settings.temperature}
        seeds = [seed_for(seed, request.id) for request in asked]
        if settings.author == "teacher" and self.teacher:
            limit = self.agent.max_new_tokens
            texts = [
                self.teacher.write(request, max_new_tokens=limit, seed=of_sample, **sampling)
                for request, of_sample in zip(asked, seeds, strict=True)
            ]
            return [judge(of_sample, request) for of_sample, request in zip(texts, asked, strict=True)]
        if settings.author != "self" or not chosen:
            return [[] for _ in chosen]
        return augment(
            self.agent,
            asked,
            [awareness[n].tool_probabilities for n in chosen],
            elicitation=settings.elicitation,
            instruction=settings.practice_instruction,
            seeds=seeds,
            samples=chosen,
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
        self, requests: Sequence[Request], lessons: Shown, adapted: Sequence[int], seed: int
    ) -> Iterator[tuple[Shown, Sequence[Sequence[float]]]]:
        """Inside the block the agent has learned; yields what to show it in the prompts, and the training losses."""
        if not self.adapter:
            yield lessons, [()] * len(adapted)
        elif self.settings.trains_once:
            with self.adapter.enabled(dict.fromkeys(adapted, 0)):
                yield {}, [()] * len(adapted)
        else:
            seeds = [seed_for(seed, requests[n].id) for n in adapted]
            with self.adapter.adapted([lessons[n] for n in adapted], seeds=seeds, samples=adapted) as losses:
                yield {}, losses


class Clock:
    """Adds up wall-clock seconds by sample and stage; each lap runs from the one before."""

    def __init__(self, samples: int = 1) -> None:
        self.seconds: list[dict[str, float]] = [dict.fromkeys(STAGES, 0.0) for _ in range(samples)]
        self._last = time.perf_counter()

    def lap(self, stage: str, samples: Sequence[int] = (0,)) -> None:
        """Share the seconds since the last lap among samples; the base answer counts as an answer, too."""
        now = time.perf_counter()
        for sample in samples:
            for name in ("base", "answer") if stage == "base" else (stage,):
                self.seconds[sample][name] += (now - self._last) / len(samples)
        self._last = now
