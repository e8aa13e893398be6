"""The loop over a batch of requests: answer, H, gate, G, T, answer again, reset. It never sees a test label."""

import time
from collections.abc import Iterator, Sequence
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
from ttsi.settings import LoopSettings, is_uncertain, lets_through
from ttsi.uncertainty import Awareness, Evidence, estimate, gather

STAGES: tuple[str, ...] = ("uncertainty", "augmentation", "adaptation", "answer", "base", "draws")


@dataclass
class Trial:
    """One request on its way through the loop: what is asked, and what was found. Times are wall-clock seconds."""

    index: int
    """In its batch: the number of its shared prefix and of its adapter."""
    request: Request
    seed: int
    """Of the run."""
    base: list[int] = field(default_factory=list)
    """Token ids of the greedy answer before anything else."""
    awareness: Awareness = field(default_factory=lambda: Awareness({}, ()))
    uncertain: bool = False
    chosen: bool = False
    """Whether the gate let it through."""
    written: list[Written] = field(default_factory=list)
    lessons: list[Lesson] = field(default_factory=list)
    """What is trained on, or shown in the prompt."""
    adapted: bool = False
    losses: list[float] = field(default_factory=list)
    base_output: str = ""
    output: str = ""
    """The greedy answer in the end."""
    draws: list[str] = field(default_factory=list)
    """Sampled answers in the end."""
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))

    def seed_of(self, purpose: str = "") -> int:
        """Return the seed of what is drawn for it."""
        return seed_for(self.seed, self.request.id, purpose)


class SelfImprovement:
    """An agent that improves itself on each request by `settings`, and forgets.

    Args:
        agent: the agent; its backend decides how adapters are trained (`ttsi.backends.adapter_for`).
        settings: what to do with a request.
        teacher: writes the practice examples, where the settings say so.
        lessons: the training set, where the settings use it; an adapter for all requests is trained here and now.
        seed: of that training.

    Raises:
        InputError: the teacher or the training set is missing, or the model cannot be adapted as the settings say.
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
        if not {"teacher": teacher, "training set": lessons}.get(settings.author, True):
            raise InputError(f"author is {settings.author!r}, and none is given; expected one")
        self.agent, self.settings, self.lessons = agent, settings, lessons
        self.teacher = teacher if settings.author == "teacher" else None
        started, trains = time.perf_counter(), settings.author != "nobody" and not settings.in_context
        self.adapter = adapter_for(agent, settings.trained) if trains else None
        if self.adapter and settings.trains_once:
            self.adapter.fit([Random(seed).sample(list(lessons), len(lessons))], seeds=[seed])
        self.seconds_once = time.perf_counter() - started if settings.trains_once else 0.0

    def __call__(self, request: Request, *, seed: int) -> Trial:
        """Answer one request; `seed` is the run's."""
        (trial,) = self.answer([request], seed=seed)
        return trial

    def in_batches(self, requests: Sequence[Request], *, seed: int, at_once: int) -> Iterator[Trial]:
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

    def answer(self, requests: Sequence[Request], *, seed: int) -> list[Trial]:
        """Answer a batch of requests, each as if it were alone; `seed` is the run's.

        The seconds of a stage are shared evenly among the requests that it was for.
        """
        trials, last = [Trial(index, request, seed) for index, request in enumerate(requests)], time.perf_counter()
        with self.agent.sharing([request.tools for request in requests]):
            for trial, ids in zip(trials, self._greedy(trials), strict=True):
                trial.base, trial.base_output = ids, self.agent.decode(ids)
                trial.output = trial.base_output
            last = lap("base", trials, last)
            self._estimate(trials)
            last = lap("uncertainty", trials, last)
            chosen = [trial for trial in trials if trial.chosen]
            self._practise(chosen)
            last = lap("augmentation", chosen, last)
            kept = [trial for trial in trials if not trial.adapted]
            self._draw(kept)
            last = lap("draws", kept, last)
            self._improve([trial for trial in chosen if trial.adapted], last)
        return trials

    def _greedy(self, trials: Sequence[Trial]) -> list[list[int]]:
        return self.agent.continued([self._row(trial, (0, 0)) for trial in trials])

    def _draw(self, trials: Sequence[Trial]) -> None:
        """Sample answers, where the decoding mode asks for them."""
        if self.settings.decoding == "direct" or not trials:
            return
        rows = [self._row(trial, (trial.seed_of("answers"), draw)) for trial in trials for draw in range(DRAWS)]
        continued = iter(self.agent.continued(rows, temperature=self.settings.answer_temperature))
        for trial in trials:
            trial.draws = [self.agent.decode(next(continued)) for _ in range(DRAWS)]

    def _row(self, trial: Trial, seed: tuple[int, int]) -> Row:
        """Return the row of an answer; what a trial is adapted by in the context stands in its prompt."""
        lessons = trial.lessons if self.settings.in_context else []
        chat = answer_chat(trial.request.messages, [example for example, _ in lessons])
        prompt = self.agent.prompt(chat, prompt_tools(trial.request, lessons))
        allowed = OfferedCalls(self.agent, trial.request.tools) if self.settings.constrained else None
        return Row(prompt, seed, allowed, index=trial.index)

    # -- H and the gate ---------------------------------------------------------------------------------------------

    def _estimate(self, trials: Sequence[Trial]) -> None:
        settings, heat = self.settings, self.settings.answer_temperature
        estimators = (settings.estimator, *settings.also_estimate)
        evidence = [
            Evidence(self.agent, one.request, one.base, temperature=heat, seed=one.seed_of("answers"), index=one.index)
            for one in trials
        ]
        gather(evidence, estimators)
        for trial, seen in zip(trials, evidence, strict=True):
            trial.awareness = estimate(seen, estimators)
            margin = trial.awareness.margins[settings.estimator]
            trial.uncertain = is_uncertain(margin, settings.tau)
            coin = Random(trial.seed_of("gate")).random()
            let = lets_through(settings.adapt, trial.uncertain, coin=coin, share=settings.share)
            trial.chosen = settings.author != "nobody" and let

    # -- G ----------------------------------------------------------------------------------------------------------

    def _practise(self, trials: Sequence[Trial]) -> None:
        """Write or choose the practice of the trials; one that has some, or an adapter of all, is adapted."""
        for trial, written in zip(trials, self._written(trials), strict=True):
            trial.written = written
            trial.lessons = self._lessons(trial)
            trial.adapted = bool(trial.lessons) or self.settings.trains_once

    def _written(self, trials: Sequence[Trial]) -> list[list[Written]]:
        settings = self.settings
        sampling = {"draws": settings.draws, "temperature": settings.temperature}
        requests, seeds = [trial.request for trial in trials], [trial.seed_of() for trial in trials]
        if self.teacher and trials:
            texts = self.teacher.write(requests, seeds=seeds, max_new_tokens=self.agent.max_new_tokens, **sampling)
            return [judge(of_request, request) for of_request, request in zip(texts, requests, strict=True)]
        if settings.author != "self" or not trials:
            return [[] for _ in trials]
        return augment(
            self.agent,
            requests,
            [trial.awareness.tool_probabilities for trial in trials],
            elicitation=settings.elicitation,
            instruction=settings.practice_instruction,
            seeds=seeds,
            indices=[trial.index for trial in trials],
            **sampling,
        )

    def _lessons(self, trial: Trial) -> list[Lesson]:
        settings = self.settings
        if settings.author == "training set":
            rng = Random(trial.seed_of("lessons"))
            return rng.sample(list(self.lessons), min(settings.k, len(self.lessons))) if settings.in_context else []
        valid = [attempt.example for attempt in trial.written if attempt.example]
        return [(example, trial.request.tools) for example in valid[: settings.k]]

    # -- T ----------------------------------------------------------------------------------------------------------

    def _improve(self, trials: Sequence[Trial], last: float) -> None:
        """Learn, answer again, forget."""
        if not trials:
            return
        with self._learned(trials):
            last = lap("adaptation", trials, last)
            for trial, ids in zip(trials, self._greedy(trials), strict=True):
                trial.output = self.agent.decode(ids)
            last = lap("answer", trials, last)
            self._draw(trials)
            lap("draws", trials, last)

    @contextmanager
    def _learned(self, trials: Sequence[Trial]) -> Iterator[None]:
        """Inside the block the agent has learned, unless it learns from what stands in its prompts."""
        indices = [trial.index for trial in trials]
        if not self.adapter:
            yield
        elif self.settings.trains_once:
            with self.adapter.enabled(dict.fromkeys(indices, 0)):
                yield
        else:
            lessons, seeds = [trial.lessons for trial in trials], [trial.seed_of() for trial in trials]
            with self.adapter.adapted(lessons, seeds=seeds, indices=indices) as losses:
                for trial, of_trial in zip(trials, losses, strict=True):
                    trial.losses = list(of_trial)
                yield


def lap(stage: str, trials: Sequence[Trial], last: float) -> float:
    """Share the seconds since `last` among trials, and return the time; the base answer counts as an answer, too."""
    now = time.perf_counter()
    for trial in trials:
        for name in ("base", "answer") if stage == "base" else (stage,):
            trial.seconds[name] += (now - last) / len(trials)
    return now
