"""What a run will take, before it starts: memory, and time from a measurement on its longest prompt."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ttsi.agent import Agent
from ttsi.decoding import DRAWS
from ttsi.models.memory import Batch, Memory, memory
from ttsi.models.rows import free_memory
from ttsi.prompts import answer_chat
from ttsi.records import Request
from ttsi.settings import LoopSettings

STEP_FORWARDS = 3
"""Forward passes that a training step counts as: forward, backward, and the adapter's own work."""

_EXTRA_ANSWERS = {"rss-call", "rss-call-normalised"}


@dataclass(frozen=True)
class Pace:
    """Measured on one prompt: seconds of a forward pass over it, and of a greedy answer to it."""

    forward: float
    answer: float
    answer_tokens: int


def measure(agent: Agent, prompt: Sequence[int]) -> Pace:
    """Time an agent on a prompt; the first pass, which may set things up, does not count."""
    for _ in range(2):
        started = time.perf_counter()
        agent.log_likelihoods(prompt, [[agent.tokenizer.eos_token_id]]).item()
        forward = time.perf_counter() - started
    started = time.perf_counter()
    (answer,) = agent.generate([prompt])
    return Pace(forward, time.perf_counter() - started, len(answer))


def seconds_a_sample(pace: Pace, settings: LoopSettings, *, tools: int) -> tuple[float, float]:
    """Return the seconds of a sample that is not adapted, and of one that is.

    A batch of answers counts as one answer, each tool's score as a forward pass.
    """
    estimators = {settings.estimator, *settings.also_estimate}
    sampled = settings.decoding != "direct" or "self-consistency" in estimators
    answers = 1 + sampled + bool(estimators & _EXTRA_ANSWERS)
    least = answers * pace.answer + tools * pace.forward
    if settings.author == "nobody":
        return least, least
    trained = 0 if settings.in_context or settings.trains_once else settings.k * settings.lora.epochs
    again = pace.answer * (1 + (settings.author == "self"))
    return least, least + again + trained * STEP_FORWARDS * pace.forward


# -- the whole ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Plan:
    """What a run of some samples will take; `str` of it is for people."""

    samples: int
    batch: Batch
    memory: Memory
    free: int
    """Bytes that are free beside the weights."""
    pace: Pace
    seconds: tuple[float, float]
    """Of all samples: if none is adapted, and if all are."""

    def __str__(self) -> str:
        need, batch, pace = self.memory, self.batch, self.pace
        verdict = (
            "fits" if need.beside_weights <= self.free else "may not fit: batches will be halved where they can be"
        )
        low, high = (duration(seconds) for seconds in self.seconds)
        return (
            f"Memory: weights {_size(need.weights)} (loaded), adapter {_size(need.adapter)}, a training step "
            f"{_size(need.training)}, answers {_size(need.answers)}, scores {_size(need.scores)} at most; "
            f"{_size(self.free)} free: {verdict}.\n"
            f"Measured on the longest prompt ({batch.prompt_tokens} tokens): forward pass {pace.forward:.2f} s, answer "
            f"of {pace.answer_tokens} tokens {pace.answer:.2f} s.\n"
            f"Time for {self.samples} samples like it, one after the other: {low} if none is adapted, {high} if all "
            "are."
        )


def plan(agent: Agent, requests: Sequence[Request], settings: LoopSettings, *, at_once: int = 1) -> Plan:
    """Plan a run over requests, `at_once` in a batch; measures the agent on the longest of them.

    The time is that of one request after the other: batches take less.

    Raises:
        OutOfMemory: not even one row of it fits.
    """
    longest = max(requests, key=lambda request: len(request.model_dump_json()))
    prompt = agent.prompt(answer_chat(longest.messages), longest.tools)
    sampled = settings.decoding != "direct" or "self-consistency" in {settings.estimator, *settings.also_estimate}
    rows = max(DRAWS if sampled else 1, settings.draws if settings.author == "self" else 1)
    candidates = [agent.call_opening(tool.name) for tool in longest.tools]
    at_once = min(at_once, len(requests))
    batch = Batch(
        len(prompt), agent.max_new_tokens, rows * at_once, len(candidates) * at_once, max(map(len, candidates))
    )
    trains = settings.author != "nobody" and not settings.in_context
    model = agent.model
    needed = memory(model.config, batch, lora=settings.lora if trains else None, dtype=model.dtype)
    needed = replace(needed, adapter=needed.adapter * at_once)
    pace = measure(agent, prompt)
    least, most = (len(requests) * seconds for seconds in seconds_a_sample(pace, settings, tools=len(longest.tools)))
    if settings.trains_once:
        most += settings.sft_examples * settings.sft_epochs * STEP_FORWARDS * pace.forward
        least = most
    return Plan(len(requests), batch, needed, free_memory(model.device), pace, (least, most))


def duration(seconds: float) -> str:
    """Write a duration in the unit that suits it."""
    for unit, length in (("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} s"


def _size(number: int) -> str:
    for unit, length in (("GB", 10**9), ("MB", 10**6)):
        if number >= length:
            return f"{number / length:.1f} {unit}"
    return f"{number / 1000:.0f} kB"
