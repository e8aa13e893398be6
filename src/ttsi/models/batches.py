"""Rows are computed in batches that fit into memory; where it runs out, a batch is halved."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import psutil
import torch
from accelerate.utils.memory import clear_device_cache
from accelerate.utils.memory import should_reduce_batch_size as is_out_of_memory

from ttsi.models.sampling import AHEAD
from ttsi.records import InputError

Result = TypeVar("Result")


class OutOfMemory(InputError):  # noqa: N818 - it names what happened
    """One row alone does not fit into the device's memory."""


def in_batches(
    compute: Callable[[slice], list[Result]], rows: int, *, tokens: int, at_once: int | None = None
) -> list[Result]:
    """Compute rows in batches; where memory runs out, halve the batch and go on from the first row not done.

    Args:
        compute: takes which rows are in a batch and returns one result a row.
        rows: number of rows.
        tokens: length of the longest row, for the message.
        at_once: rows of a batch, at most; all of them unless told.

    Raises:
        OutOfMemory: one row alone does not fit.
    """
    done: list[Result] = []
    size = at_once or rows
    while len(done) < rows:
        size = min(size, rows - len(done))
        found = _unless_out_of_memory(compute, slice(len(done), len(done) + size))
        if found is not None:
            done += found
        elif size == 1:
            raise OutOfMemory(_too_long(tokens))
        else:
            size = (size + 1) // 2
    return done


def rows_at_once(model: Any, *, held: int, computed: int, scored: int = 1, share: float = 0.5) -> int:
    """Return how many rows without gradients may be computed at once in a share of the memory that is free now.

    A row takes, in bytes, with b bytes a number of the model: its keys and values, twice, since they move when they
    outgrow their room; b (4 h + 3 i) for each token in the layer at work (hidden size h, the MLP's i); and b + 60 for
    each score of the vocabulary, as draws in double precision take, some of them ahead.

    Args:
        model: a causal language model.
        held: tokens of a row whose keys and values are held, at most.
        computed: tokens of a row in one pass, at most.
        scored: tokens of a row in one pass whose successors are scored, at most.
        share: of the free memory.
    """
    config, size = model.config, model.dtype.itemsize
    keys = 2 * config.num_hidden_layers * size * config.num_key_value_heads * head_size(config)
    at_work = size * (4 * config.hidden_size + 3 * config.intermediate_size)
    row = 2 * held * keys + computed * at_work + scored * config.vocab_size * (size + 28 + 8 * AHEAD)
    return max(1, int(share * free_memory(model.device) / row))


def head_size(config: Any) -> int:
    """Return the numbers of a query, a key or a value of one head."""
    return getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads


def free_memory(device: torch.device) -> int:
    """Return the bytes of a device that this process may take, with what torch keeps for tensors to come."""
    if device.type != "cuda":
        return psutil.virtual_memory().available
    reserved, (free, total) = torch.cuda.memory_reserved(device), torch.cuda.mem_get_info(device)
    left = int(torch.cuda.get_per_process_memory_fraction(device) * total) - reserved
    return max(0, min(free, left)) + reserved - torch.cuda.memory_allocated(device)


def _unless_out_of_memory(compute: Callable[[slice], list[Result]], batch: slice) -> list[Result] | None:
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
