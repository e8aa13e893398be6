"""Memory of a run, estimated from the model's shape before anything is loaded.

Memory is counted in bytes, with b bytes a number of the model (4 in float32, 2 in bfloat16), L tokens, V tokens of
vocabulary, h the hidden size, i the MLP's, q and v the width of all queries and of all values, r the rank:

- weights: b each;
- adapter: 16 for each of its weights, itself, its gradient and AdamW's two moments, all in float32;
- training step: for each token and layer what the backward pass needs, 8 h (norms) + b (2 q + 2 v + 3 i), and for each
  adapted projection its input in float32 and 4 r; 12 L V for the logits' log-softmax and two gradients, in float32;
- answers, each row: for each token and layer 2 b v (the cache), and L b (4 h + 3 i) in the layer at work or V (b + 60);
- scores, each row: L b (4 h + 3 i) in the layer at work, or V (b + 8) for each token of the candidate.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from transformers import AutoModelForCausalLM, PreTrainedConfig

from ttsi.adaptation import adapted_layers
from ttsi.models.batches import head_size
from ttsi.models.sampling import AHEAD
from ttsi.settings import LoraSettings

_SHARED_INPUT = {"k_proj": "q_proj", "v_proj": "q_proj", "up_proj": "gate_proj"}


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
    """Estimate the memory of a run, of a model of Qwen's or Llama's kind; without `lora` nothing is trained."""
    with torch.device("meta"):
        model: nn.Module = AutoModelForCausalLM.from_config(config, dtype=dtype)
    size, hidden, inner = dtype.itemsize, config.hidden_size, config.intermediate_size
    values, layers = config.num_key_value_heads * head_size(config), config.num_hidden_layers
    prompt, whole = batch.prompt_tokens, batch.prompt_tokens + batch.new_tokens
    layer_at_work = size * (4 * hidden + 3 * inner)
    cache = whole * layers * 2 * size * values
    answers = cache + max(prompt * layer_at_work, config.vocab_size * (size + 28 + 8 * AHEAD))
    scored = batch.candidate_tokens
    scores = max((prompt + scored) * layer_at_work, scored * config.vocab_size * (size + 8))
    adapter, training = 0, 0
    if lora:
        adapted = adapted_layers(model, lora)
        adapter = _adapter(adapted, lora)
        inputs = _inputs(adapted, shared=dtype == torch.float32) + 4 * lora.rank * len(adapted)
        training = whole * (_activations(config, size) + inputs + 12 * config.vocab_size)
    weights = size * sum(parameter.numel() for parameter in model.parameters())
    return Memory(weights, adapter, training, batch.rows * answers, batch.candidates * scores)


def input_of(name: str) -> str:
    """Return the name of the first projection of a block that reads the input of a projection."""
    block, _, projection = name.rpartition(".")
    return f"{block}.{_SHARED_INPUT.get(projection, projection)}"


def _activations(config: PreTrainedConfig, size: int) -> int:
    """Return the bytes a token that the backward pass needs of all layers, adapters aside."""
    attended = 2 * head_size(config) * (config.num_attention_heads + config.num_key_value_heads)
    layer = 8 * config.hidden_size + size * (attended + 3 * config.intermediate_size)
    return config.num_hidden_layers * layer


def _adapter(adapted: dict[str, nn.Linear], lora: LoraSettings) -> int:
    """Return the bytes of an adapter in training."""
    return 16 * lora.rank * sum(layer.in_features + layer.out_features for layer in adapted.values())


def _inputs(adapted: dict[str, nn.Linear], *, shared: bool) -> int:
    """Return the bytes a token that the adapted projections' inputs take; in float32 some share theirs."""
    kept = {input_of(name) if shared else name: 4 * layer.in_features for name, layer in adapted.items()}
    return sum(kept.values())


@dataclass(frozen=True)
class StepMemory:
    """Bytes of a training step of the batched backend, by what they are for."""

    token: float
    """Of a row, that is computed."""
    scored: float
    """More, for one whose successor is trained on."""
    adapter: float
    """Its weights at work, their gradient and AdamW's two moments, in float32."""

    @classmethod
    def of(cls, model: Any, lora: LoraSettings) -> "StepMemory":
        """Estimate it from a model's shape; inputs of adapted layers are kept in the model's dtype, each once."""
        config, size, adapted = model.config, model.dtype.itemsize, adapted_layers(model, lora)
        inputs = size / 4 * _inputs(adapted, shared=True) + size * lora.rank * len(adapted)
        return cls(_activations(config, size) + inputs, 12 * config.vocab_size, _adapter(adapted, lora))
