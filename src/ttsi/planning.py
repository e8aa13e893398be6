"""What a run will take, before it starts: memory from the model's shape, time from a measurement on its longest prompt.

Memory is counted in bytes, with b bytes a number of the model (4 in float32, 2 in bfloat16), L tokens, V tokens of
vocabulary, h the hidden size, i the MLP's, q and v the width of all queries and of all values, r the rank:

- weights: b each;
- adapter: 16 for each of its weights, itself, its gradient and AdamW's two moments, all in float32;
- training step: for each token and layer what the backward pass needs, 8 h (norms) + b (2 q + 2 v + 3 i), and for each
  adapted projection its input in float32 and 4 r; 12 L V for the logits' log-softmax and two gradients, in float32;
- answers, each row: for each token and layer 2 b v (the cache), and L b (4 h + 3 i) in the layer at work or V (b + 28);
- scores, each row: L b (4 h + 3 i) in the layer at work, or V (b + 8) for each token of the candidate.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import psutil
import torch
from torch import nn
from transformers import AutoModelForCausalLM, PreTrainedConfig

from ttsi.adaptation import LoraSettings
from ttsi.adaptation.lora import adapted_layers
from ttsi.agent import Agent
from ttsi.decoding import DRAWS
from ttsi.prompts import answer_chat
from ttsi.records import Request
from ttsi.settings import LoopSettings

STEP_FORWARDS = 3
"""Forward passes that a training step counts as: forward, backward, and the adapter's own work."""

_SHARED_INPUT = {"k_proj": "q_proj", "v_proj": "q_proj", "up_proj": "gate_proj"}
_EXTRA_ANSWERS = {"rss-call", "rss-call-normalised"}


@dataclass(frozen=True)
class Batch:
    """The largest batches of a run."""

    prompt_tokens: int
    new_tokens: int
    """Of an answer or a practice example, at most."""
    rows: int = 1
    """Answers drawn at once."""
    candidates: int = 1
    """Tools scored at once."""
    candidate_tokens: int = 24


@dataclass(frozen=True)
class Memory:
    """Bytes that a run takes at most, by what takes them; training, answers and scores follow each other."""

    weights: int
    adapter: int
    training: int
    answers: int
    scores: int

    @property
    def beside_weights(self) -> int:
        """What is taken once the model stands in memory."""
        return self.adapter + max(self.training, self.answers, self.scores)

    @property
    def peak(self) -> int:
        """All of it."""
        return self.weights + self.beside_weights


def memory(config: PreTrainedConfig, batch: Batch, *, lora: LoraSettings | None, dtype: torch.dtype) -> Memory:
    """Estimate the memory of a run; nothing is loaded.

    Args:
        config: the model's, of Qwen's or Llama's kind.
        batch: the largest batches.
        lora: the adapter's settings; none where nothing is trained.
        dtype: of the weights.
    """
    with torch.device("meta"):
        model: nn.Module = AutoModelForCausalLM.from_config(config, dtype=dtype)
    size, hidden, inner = dtype.itemsize, config.hidden_size, config.intermediate_size
    head = getattr(config, "head_dim", None) or hidden // config.num_attention_heads
    values, layers = config.num_key_value_heads * head, config.num_hidden_layers
    prompt, whole = batch.prompt_tokens, batch.prompt_tokens + batch.new_tokens
    layer_at_work = size * (4 * hidden + 3 * inner)
    cache = whole * layers * 2 * size * values
    answers = cache + max(prompt * layer_at_work, config.vocab_size * (size + 28))
    scored = batch.candidate_tokens
    scores = max((prompt + scored) * layer_at_work, scored * config.vocab_size * (size + 8))
    adapter, training = 0, 0
    if lora:
        adapted = adapted_layers(model, lora)
        adapter = 16 * sum(lora.rank * (layer.in_features + layer.out_features) for layer in adapted.values())
        queries = config.num_attention_heads * head
        kept = layers * (8 * hidden + size * (2 * queries + 2 * values + 3 * inner))
        kept += _inputs(adapted, shared=dtype == torch.float32) + 4 * lora.rank * len(adapted)
        training = whole * (kept + 12 * config.vocab_size)
    weights = size * sum(parameter.numel() for parameter in model.parameters())
    return Memory(weights, adapter, training, batch.rows * answers, batch.candidates * scores)


def _inputs(adapted: dict[str, nn.Linear], *, shared: bool) -> int:
    """Return the bytes a token that the adapted projections' inputs take; in float32 some share theirs."""
    kept = {}
    for name, layer in adapted.items():
        block, _, projection = name.rpartition(".")
        kept[block, _SHARED_INPUT.get(projection, projection) if shared else projection] = 4 * layer.in_features
    return sum(kept.values())


def free_memory(device: torch.device) -> int:
    """Return the bytes that are free on a device."""
    return torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else psutil.virtual_memory().available


# -- time -----------------------------------------------------------------------------------------------------------


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
            f"Time for {self.samples} samples like it: {low} if none is adapted, {high} if all are."
        )


def plan(agent: Agent, requests: Sequence[Request], settings: LoopSettings) -> Plan:
    """Plan a run over requests; measures the agent on the longest of them.

    Raises:
        OutOfMemory: not even one row of it fits.
    """
    longest = max(requests, key=lambda request: len(request.model_dump_json()))
    prompt = agent.prompt(answer_chat(longest.messages), longest.tools)
    sampled = settings.decoding != "direct" or "self-consistency" in {settings.estimator, *settings.also_estimate}
    rows = max(DRAWS if sampled else 1, settings.draws if settings.author == "self" else 1)
    candidates = [agent.call_opening(tool.name) for tool in longest.tools]
    batch = Batch(len(prompt), agent.max_new_tokens, rows, len(candidates), max(map(len, candidates)))
    trains = settings.author != "nobody" and not settings.in_context
    model = agent.model
    needed = memory(model.config, batch, lora=settings.lora if trains else None, dtype=model.dtype)
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
