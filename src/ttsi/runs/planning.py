"""How a run goes through its samples, and what it will hold in memory; how long it takes, its progress bar says."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import torch

from ttsi.agent import Agent
from ttsi.backends import BACKENDS
from ttsi.backends.memory import Batch, Memory, memory
from ttsi.estimators import ESTIMATORS
from ttsi.models.batches import free_memory, rows_at_once
from ttsi.prompts import answer_chat
from ttsi.records import Request, Sample
from ttsi.runs.config import RunConfig
from ttsi.scoring import DRAWS
from ttsi.settings import LoopSettings

ON_A_CPU, ON_A_GPU = 64, 512
"""Samples at once, at most, unless a run says how many."""

A_QUARTER = 0.25
"""Of the free memory of a GPU: for what samples read together, and as much again for their adapters."""

CORES = torch.get_num_threads()
"""What PyTorch chooses, from the machine and OMP_NUM_THREADS, before anything is set."""


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


def longest_first(samples: Iterable[Sample]) -> list[Sample]:
    """Return samples by the characters of their requests: where a batch is of like length, little of it is padding."""
    return sorted(samples, key=lambda sample: len(sample.request.model_dump_json()), reverse=True)


def threads_of(config: RunConfig) -> int:
    """Return the CPU threads of a run; a small model on one sample at a time is faster on one."""
    return config.threads or (CORES if BACKENDS[config.backend].at_once else 1)


def samples_at_once(config: RunConfig, agent: Agent | None = None, requests: Sequence[Request] = ()) -> int:
    """Return how many samples a run takes at once; on a GPU, what the longest of its requests takes decides."""
    if not BACKENDS[config.backend].at_once:
        return 1
    if config.batch or agent is None or agent.model.device.type == "cpu":
        return config.batch or ON_A_CPU
    one = plan(agent, requests, config.loop)
    held = one.batch.prompt_tokens + one.batch.new_tokens
    by_keys = rows_at_once(agent.model, held=held, computed=0, scored=0, share=A_QUARTER)
    # Of 16 bytes a weight in training its float32 stays, and a copy in the dtype of the model.
    kept = one.memory.adapter * (4 + agent.model.dtype.itemsize) / 16
    by_adapters = int(A_QUARTER * one.free / kept) if kept else by_keys
    return max(1, min(ON_A_GPU, by_keys, by_adapters))


def _size(number: int) -> str:
    for unit, length in (("GB", 10**9), ("MB", 10**6)):
        if number >= length:
            return f"{number / length:.1f} {unit}"
    return f"{number / 1000:.0f} kB"
