"""What a run will hold in memory, before it starts; how long it takes, its progress bar says."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ttsi.agent import Agent
from ttsi.backends.memory import Batch, Memory, memory
from ttsi.estimators import ESTIMATORS
from ttsi.models.batches import free_memory
from ttsi.prompts import answer_chat
from ttsi.records import Request
from ttsi.scoring import DRAWS
from ttsi.settings import LoopSettings


@dataclass(frozen=True)
class Plan:
    """What a run of some samples will hold; `str` of it is for people."""

    batch: Batch
    memory: Memory
    free: int
    """Bytes that are free beside the weights."""

    def __str__(self) -> str:
        need = self.memory
        verdict = (
            "fits" if need.beside_weights <= self.free else "may not fit: batches will be halved where they can be"
        )
        return (
            f"Memory: weights {_size(need.weights)} (loaded), adapter {_size(need.adapter)}, a training step "
            f"{_size(need.training)}, answers {_size(need.answers)}, scores {_size(need.scores)} at most, for prompts "
            f"of up to {self.batch.prompt_tokens} tokens; {_size(self.free)} free: {verdict}."
        )


def plan(agent: Agent, requests: Sequence[Request], settings: LoopSettings, *, at_once: int = 1) -> Plan:
    """Plan a run over requests, `at_once` in a batch, by the longest of them."""
    longest = max(requests, key=lambda request: len(request.model_dump_json()))
    prompt = agent.prompt(answer_chat(longest.messages), longest.tools)
    needs = {need for name in (settings.estimator, *settings.also_estimate) for need in ESTIMATORS[name].needs}
    sampled = settings.decoding != "direct" or "samples" in needs
    rows = max(DRAWS if sampled else 1, settings.draws if settings.author == "self" else 1)
    candidates = [agent.call_opening(tool.name) for tool in longest.tools]
    at_once = min(at_once, len(requests))
    batch = Batch(
        len(prompt), agent.max_new_tokens, rows * at_once, len(candidates) * at_once, max(map(len, candidates))
    )
    trains = settings.author != "nobody" and not settings.in_context
    model = agent.model
    needed = memory(model.config, batch, lora=settings.lora if trains else None, dtype=model.dtype)
    return Plan(batch, replace(needed, adapter=needed.adapter * at_once), free_memory(model.device))


def _size(number: int) -> str:
    for unit, length in (("GB", 10**9), ("MB", 10**6)):
        if number >= length:
            return f"{number / length:.1f} {unit}"
    return f"{number / 1000:.0f} kB"
