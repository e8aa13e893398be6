"""The last layer, for those tokens alone whose hidden states are asked for.

Of every token it gives the keys and values, which later tokens read. Queries, output projection and MLP of the others
would be computed for nobody.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from ttsi.backends.batched.attention import grouped_attention


class LastLayer:
    """Takes the place of the forward pass of the last layer of a decoder of the Llama, Qwen2 or Qwen3 family."""

    def __init__(self, layer: Any) -> None:
        self._layer, self._whole = layer, layer.forward
        self._asked: tuple[torch.Tensor, torch.Tensor] | None = None
        layer.forward = self

    @contextmanager
    def asked(self, places: torch.Tensor, mask: torch.Tensor) -> Iterator[None]:
        """Inside the block a pass returns the hidden states of some tokens, (rows, asked, hidden size).

        Args:
            places: of the tokens among those of the pass: (rows, asked).
            mask: what they read, of `additive`: (rows, 1, query heads of a key head * asked, keys).
        """
        self._asked = places, mask
        try:
            yield
        finally:
            self._asked = None

    def __call__(self, hidden_states: torch.Tensor, **others: Any) -> torch.Tensor:
        """Return hidden states, of all tokens or of those that are asked for."""
        if self._asked is None:
            return self._whole(hidden_states, **others)
        places, mask = self._asked
        layer = self._layer
        hidden = at(hidden_states, places)  # (rows, asked, hidden size)
        hidden = hidden + self._attended(layer.input_layernorm(hidden_states), places, mask, **others)
        return hidden + layer.mlp(layer.post_attention_layernorm(hidden))

    def _attended(
        self,
        normed: torch.Tensor,
        places: torch.Tensor,
        mask: torch.Tensor,
        *,
        position_embeddings: tuple[torch.Tensor, torch.Tensor],
        past_key_values: Any,
        **_: Any,
    ) -> torch.Tensor:
        attention, asked = self._layer.self_attn, at(normed, places)

        def heads(states: torch.Tensor, norm: str = "") -> torch.Tensor:
            parted = states.unflatten(-1, (-1, attention.head_dim))
            return getattr(attention, norm, nn.Identity())(parted).transpose(1, 2)  # (rows, heads, tokens, head size)

        turns_of_asked = [at(turns, places) for turns in position_embeddings]
        queries = _turned(heads(attention.q_proj(asked), "q_norm"), *turns_of_asked)
        keys = _turned(heads(attention.k_proj(normed), "k_norm"), *position_embeddings)
        values = heads(attention.v_proj(normed))
        keys, values = past_key_values.update(keys, values, attention.layer_idx)
        attended = grouped_attention(attention, queries, keys, values, mask, scaling=attention.scaling)[0]
        return attention.o_proj(attended.flatten(2))


def at(states: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """Return the states, (rows, tokens, ...), of the tokens at some places, (rows, asked): (rows, asked, ...)."""
    return states[torch.arange(len(places), device=places.device)[:, None], places]


def _turned(states: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Return queries or keys, (rows, heads, tokens, head size), turned by their positions' angles, without heads."""
    first, second = states.chunk(2, -1)
    return states * cos[:, None] + torch.cat([-second, first], -1) * sin[:, None]
