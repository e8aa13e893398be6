"""Rows of a batch: each draws on its own, and they are computed in batches that fit into memory."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import psutil
import torch
from accelerate.utils.memory import clear_device_cache
from accelerate.utils.memory import should_reduce_batch_size as is_out_of_memory

from ttsi.records import InputError

Result = TypeVar("Result")

AllowedTokens = Callable[[Sequence[int]], np.ndarray]
"""The ids written so far -> whether each id of the vocabulary may come next: (vocabulary,), bool."""


@dataclass(frozen=True)
class Row:
    """A prompt to continue, and whose it is."""

    prompt: Sequence[int]
    """Token ids."""
    seed: tuple[int, int] = (0, 0)
    """Of its draws: a seed, and the row's number among those of that seed."""
    allowed: AllowedTokens | None = None
    """Limits the next token."""
    sample: int = 0
    """Number of its sample in the batch: that of its shared prefix and of its adapter."""


class OutOfMemory(InputError):  # noqa: N818 - it names what happened
    """One row alone does not fit into the device's memory."""


class Draws:
    """Makes the highest score a draw from softmax(scores / temperature), by the Gumbel-max trick (arXiv 1411.0030).

    argmax(s / T + g), g_i = -log(-log(u_i)) with u uniform on [0, 1). Each row has a generator of its own: what it
    draws depends neither on the other rows nor on how a batch was cut. Generators of another kind of device draw
    other numbers.
    """

    def __init__(self, temperature: float, rows: Sequence[Row], device: torch.device) -> None:
        self._temperature = temperature
        self._generators = [torch.Generator(device).manual_seed(_seed(*row.seed)) for row in rows]

    def keep(self, rows: Sequence[int]) -> None:
        """Go on with some of the rows only."""
        self._generators = [self._generators[row] for row in rows]

    def __call__(self, scores: torch.Tensor) -> torch.Tensor:
        """Return perturbed scores, (rows, vocabulary), in double precision."""
        uniform = torch.empty(scores.shape, dtype=torch.float64, device=scores.device)
        for row, generator in zip(uniform, self._generators, strict=True):
            row.uniform_(generator=generator)
        return scores.double() / self._temperature - uniform.log().neg().log()


def limited(scores: torch.Tensor, rows: Sequence[Row], written: Sequence[Sequence[int]]) -> torch.Tensor:
    """Return scores, (rows, vocabulary), with -inf for what a row may not write after what it has written."""
    if not any(row.allowed for row in rows):
        return scores
    anything = np.ones(scores.shape[1], dtype=bool)
    masks = [row.allowed(so_far) if row.allowed else anything for row, so_far in zip(rows, written, strict=True)]
    return scores.masked_fill(~torch.from_numpy(np.stack(masks)).to(scores.device), -torch.inf)


def _seed(seed: int, row: int) -> int:
    return int(np.random.SeedSequence((seed, row)).generate_state(1, np.uint64)[0])


def in_batches(
    compute: Callable[[range], list[Result]], rows: int, *, tokens: int, at_once: int | None = None
) -> list[Result]:
    """Compute rows in batches; where memory runs out, halve the batch and go on from the first row not done.

    Args:
        compute: takes the numbers of the rows of a batch and returns one result a row.
        rows: number of rows.
        tokens: length of the longest row, for the message.
        at_once: rows of a batch, at most; all of them unless told.

    Raises:
        OutOfMemory: one row alone does not fit.
    """
    done: list[Result] = []
    size = at_once or rows
    while len(done) < rows:
        batch = range(len(done), min(len(done) + size, rows))
        found = _unless_out_of_memory(compute, batch)
        if found is None and len(batch) == 1:
            raise OutOfMemory(_too_long(tokens))
        if found is None:
            size = (len(batch) + 1) // 2
        else:
            done += found
    return done


def rows_at_once(model: Any, *, held: int, computed: int, scored: int = 1, share: float = 0.5) -> int:
    """Return how many rows without gradients may be computed at once in a share of the memory that is free now.

    A row takes, in bytes, with b bytes a number of the model: its keys and values, twice, since they move when they
    outgrow their room; b (4 h + 3 i) for each token in the layer at work (hidden size h, the MLP's i); and b + 28 for
    each score of the vocabulary, as draws in double precision take.

    Args:
        model: a causal language model.
        held: tokens of a row whose keys and values are held, at most.
        computed: tokens of a row in one pass, at most.
        scored: tokens of a row in one pass whose successors are scored, at most.
        share: of the free memory.
    """
    config, size = model.config, model.dtype.itemsize
    head = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    keys = 2 * config.num_hidden_layers * size * config.num_key_value_heads * head
    at_work = size * (4 * config.hidden_size + 3 * config.intermediate_size)
    row = 2 * held * keys + computed * at_work + scored * config.vocab_size * (size + 28)
    return max(1, int(share * free_memory(model.device) / row))


def free_memory(device: torch.device) -> int:
    """Return the free bytes of a device, with what torch keeps for tensors to come."""
    if device.type != "cuda":
        return psutil.virtual_memory().available
    unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return torch.cuda.mem_get_info(device)[0] + unused


def _unless_out_of_memory(compute: Callable[[range], list[Result]], batch: range) -> list[Result] | None:
    """Return what is computed, or none where memory ran out; then what the attempt held is free again."""
    try:
        return compute(batch)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
    clear_device_cache(garbage_collection=True)
    return None


@contextmanager
def fitting(tokens: int) -> Iterator[None]:
    """Turn an allocator's error within the block into `OutOfMemory`; `tokens` is the length of what is computed."""
    try:
        yield
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        raise OutOfMemory(_too_long(tokens)) from error


def _too_long(tokens: int) -> str:
    return (
        f"out of memory: one row of {tokens} tokens does not fit; expected more free memory, a smaller model, "
        "dtype bfloat16, or fewer max_new_tokens"
    )
