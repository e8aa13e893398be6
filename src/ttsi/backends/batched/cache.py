"""Keys and values of a batch, with room to grow."""

from collections.abc import Sequence

import torch
from transformers import Cache
from transformers.cache_utils import DynamicLayer

ROOM = 64
"""Tokens that fit in before a layer's keys and values move to a larger place."""


class RoomyLayer(DynamicLayer):
    """The dynamic layer of transformers, which copies all keys and values for each token; here a token is written in.

    Where gradients are recorded it copies, too: what a gradient needs may not be written to.
    """

    _room: tuple[torch.Tensor, ...] = ()
    _beginning: torch.Tensor | None = None
    """Of the room, as it was handed out last: it is still in use as long as `keys` is this tensor."""

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: object, **kwargs: object
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Append states of shape (rows, heads, tokens, head size), and return all."""
        if torch.is_grad_enabled():
            return super().update(key_states, value_states)
        start = self.get_seq_length()
        end = start + key_states.shape[-2]
        if self.keys is not self._beginning or not self._room or self._room[0].shape[-2] < end:
            self._move(key_states, value_states, end + ROOM)
        keys, values = self._room
        keys[:, :, start:end], values[:, :, start:end] = key_states, value_states
        self.keys, self.values = keys[:, :, :end], values[:, :, :end]
        self._beginning = self.keys
        return self.keys, self.values

    def _move(self, key_states: torch.Tensor, value_states: torch.Tensor, tokens: int) -> None:
        before = self.keys, self.values
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        rows, heads, _, size = key_states.shape
        self._room = tuple(states.new_empty(rows, heads, tokens, size) for states in (key_states, value_states))
        for room, states in zip(self._room, before, strict=True):
            if states is not None:
                room[:, :, : states.shape[-2]] = states


def growing(shared: Sequence[tuple[torch.Tensor, torch.Tensor]] = ()) -> Cache:
    """Return a cache that begins with the keys and values of each layer, or with none."""
    cache = Cache(layer_class_to_replicate=RoomyLayer)
    for number, (keys, values) in enumerate(shared):
        cache.update(keys, values, number)
    return cache
