"""Documents of different lengths laid into rows of one length, without seeing each other."""

from collections.abc import Iterator

import numpy as np
import torch

IGNORED = -1
"""The document number of padding."""


def pack(documents: Iterator[tuple], *, rows: int, row_tokens: int, pad: int) -> dict[str, torch.Tensor]:
    """Lay documents into rows, longest first, each into the first row with room; what fits nowhere is left out.

    Returns:
        `ids`, `positions`, `documents` (rows x row_tokens; -1 is padding) and `weights`. A document's first
        token has weight 0: nothing before it predicts it.
    """
    shape = (rows, row_tokens)
    ids, positions = np.full(shape, pad), np.zeros(shape, dtype=np.int64)
    numbers, weights = np.full(shape, IGNORED), np.zeros(shape, dtype=np.float32)
    used = [0] * rows
    for number, (tokens, weight) in enumerate(sorted(documents, key=lambda document: -len(document[0]))):
        row = next((row for row in range(rows) if used[row] + len(tokens) <= row_tokens), None)
        if row is None:
            continue
        place = slice(used[row], used[row] + len(tokens))
        ids[row, place], positions[row, place], numbers[row, place] = tokens, np.arange(len(tokens)), number
        weights[row, place] = [0.0, *weight[1:]]
        used[row] += len(tokens)
    tensors = {"ids": ids, "positions": positions, "documents": numbers, "weights": weights}
    return {name: torch.from_numpy(array) for name, array in tensors.items()}


def within_documents(documents: torch.Tensor) -> torch.Tensor:
    """Return the additive attention mask (rows, 1, n, n) that is causal and never looks into another document."""
    same = documents[:, :, None] == documents[:, None, :]
    allowed = torch.tril(same)
    return torch.zeros(allowed.shape).masked_fill(~allowed, torch.finfo(torch.bfloat16).min)[:, None]
