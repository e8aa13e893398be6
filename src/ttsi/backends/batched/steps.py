"""One decoding step for a batch of rows: pass by pass, or on CUDA as a graph that is captured once and replayed.

A step of a small model is over long before its kernels are launched one by one. A graph launches them together, with
tensors of fixed shape and place: the keys and values have room for all that may be written, a mask hides what is not
written yet, and the place to write to is a tensor that each step moves on.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch.nn.functional import pad
from transformers import Cache
from transformers.cache_utils import DynamicLayer

from ttsi.backends.batched.attention import ALIGNED, additive
from ttsi.backends.batched.cache import growing
from ttsi.backends.batched.context import Context

if TYPE_CHECKING:
    from ttsi.backends.batched.agent import BatchedAgent


def stepping(agent: "BatchedAgent", context: Context, indices: torch.Tensor, *, tokens: int) -> "Passes | Places":
    """Return the step of rows that have read `context` and may write so many tokens; indices: (rows,), on the CPU."""
    if agent.model.device.type == "cuda":
        return Places(agent, context, indices, tokens)
    return Passes(agent, context, indices)


class Passes:
    """A pass a step; the keys and values grow."""

    leave = 0.75
    """Rows leave when no more than this share of the batch is at work: moving the others costs about a step."""

    def __init__(self, agent: "BatchedAgent", context: Context, indices: torch.Tensor) -> None:
        self._agent, self._context, self._indices = agent, context, indices

    def __call__(self, tokens: Sequence[int]) -> torch.Tensor:
        """Return the last layer's hidden states, (rows, hidden size), of the tokens, one a row."""
        return self._agent.advance(self._context, [[token] for token in tokens], self._indices.tolist())[:, 0]

    def keep(self, rows: torch.Tensor) -> "Passes":
        """Return the step of some of the rows only."""
        self._context.keep(rows.to(self._context.real.device))
        self._indices = self._indices[rows]
        return self


class Places:
    """Every tensor keeps its shape and place; on CUDA the step is captured as a graph, and replayed."""

    leave = 0.5
    """Capturing anew costs about ten steps."""

    def __init__(self, agent: "BatchedAgent", context: Context, indices: torch.Tensor, tokens: int) -> None:
        self._agent, self._indices, self._left = agent, indices, tokens
        (rows, read), device, config = context.real.shape, context.real.device, agent.model.config
        room = read + tokens + -(read + tokens) % ALIGNED
        self._place = torch.tensor([read], device=device)
        self._tokens = torch.zeros(rows, 1, dtype=torch.long, device=device)
        self._position = context.position[:, None].clone()
        reads = torch.zeros(rows, 1, room, dtype=torch.bool, device=device)
        reads[:, 0, :read] = context.real
        self._mask = additive(reads, config.num_attention_heads // config.num_key_value_heads, agent.model.dtype)
        layers: Any = context.cache.layers
        self._cache = Cache([_Fixed(layer.keys, layer.values, room, self._place) for layer in layers])
        agent.announce(indices.tolist())
        self._run = self._captured() if device.type == "cuda" else self._step

    def __call__(self, tokens: Sequence[int]) -> torch.Tensor:
        """Return hidden states, (rows, hidden size), which the next step overwrites."""
        self._tokens.copy_(torch.tensor(tokens)[:, None])
        self._left -= 1
        return self._run()

    def keep(self, rows: torch.Tensor) -> "Places":
        """Return the step of some of the rows; this one is done."""
        kept, read = rows.to(self._place.device), int(self._place)
        layers: Any = self._cache.layers
        shared = [(layer.keys[kept, :, :read], layer.values[kept, :, :read]) for layer in layers]
        context = Context(growing(shared), self._mask[kept, 0, 0, :read] == 0, self._position[kept, 0])
        return Places(self._agent, context, self._indices[rows], self._left)

    def _captured(self) -> Callable[[], torch.Tensor]:
        graph = torch.cuda.CUDAGraph()
        with _any_kernel():
            self._step()  # kernels are loaded and chosen here, which a capture forbids
            self._place -= 1
            self._position -= 1
            with torch.cuda.graph(graph):
                hidden = self._step()

        def replay() -> torch.Tensor:
            graph.replay()
            return hidden

        return replay

    def _step(self) -> torch.Tensor:
        self._mask.index_fill_(3, self._place, 0.0)
        hidden = self._agent.decoder(
            input_ids=self._tokens,  # (rows, 1)
            attention_mask=self._mask,  # (rows, 1, query heads of a key head, room)
            position_ids=self._position,  # (rows, 1)
            past_key_values=self._cache,  # a layer's keys: (rows, key heads, room, head size)
            use_cache=True,
        ).last_hidden_state  # (rows, 1, hidden size)
        self._place += 1
        self._position += 1
        return hidden[:, 0]


class _Fixed(DynamicLayer):
    """Keys and values with room for all that will be written; one token goes to the place that a tensor names."""

    def __init__(self, keys: torch.Tensor, values: torch.Tensor, room: int, place: torch.Tensor) -> None:
        super().__init__()
        self.lazy_initialization(keys, values)
        more = (0, 0, 0, room - keys.shape[2])  # by zeros: a hidden place counts 0 times what stands there
        self._place, self._all = place, (pad(keys, more), pad(values, more))
        self.keys, self.values = self._all

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: object, **kwargs: object
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Write states of shape (rows, heads, 1, head size), and return all, room included."""
        for states, new in zip(self._all, (key_states, value_states), strict=True):
            states.index_copy_(2, self._place, new)
        return self._all


@contextmanager
def _any_kernel() -> Iterator[None]:
    """Inside the block writing at one place needs no sorting to be deterministic."""
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    torch.use_deterministic_algorithms(False)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
