"""The next token of each row: drawn by itself, whatever the other rows are, and limited to what it may write."""

from collections.abc import Sequence

import numpy as np
import torch

from ttsi.models.rows import Row

AHEAD = 4
"""Steps whose noise a row draws at once: the same numbers, and fewer kernels to launch."""


class Draws:
    """Adds Gumbel noise, so that the argmax of the scores is a draw from softmax(scores / temperature).

    argmax(s / T + g), g_i = -log(-log(u_i)) with u uniform on [0, 1). Each row has a generator of its own: what it
    draws depends neither on the other rows nor on how a batch was cut. Generators of another kind of device draw
    other numbers.
    """

    def __init__(self, temperature: float, rows: Sequence[Row], device: torch.device) -> None:
        self._temperature = temperature
        seeds = [int(np.random.SeedSequence(row.seed).generate_state(1, np.uint64)[0]) for row in rows]
        self._generators = [torch.Generator(device).manual_seed(seed) for seed in seeds]
        self._ahead: list[torch.Tensor] = []
        """Uniform numbers of the steps to come, the next one last, each (rows, vocabulary)."""

    def keep(self, rows: Sequence[int]) -> None:
        """Go on with some of the rows only."""
        self._generators = [self._generators[row] for row in rows]
        self._ahead = [step[list(rows)] for step in self._ahead]

    def __call__(self, scores: torch.Tensor) -> torch.Tensor:
        """Return perturbed scores, (rows, vocabulary), in double precision."""
        if not self._ahead:
            rows, vocabulary = scores.shape
            uniform = torch.empty(rows, AHEAD, vocabulary, dtype=torch.float64, device=scores.device)
            for row, generator in zip(uniform, self._generators, strict=True):
                row.uniform_(generator=generator)
            self._ahead = list(uniform.unbind(1))[::-1]
        return scores.double() / self._temperature - self._ahead.pop().log().neg().log()


def limited(scores: torch.Tensor, rows: Sequence[Row], written: Sequence[Sequence[int]]) -> torch.Tensor:
    """Return scores, (rows, vocabulary), with -inf for what a row may not write after what it has written."""
    if not any(row.allowed for row in rows):
        return scores
    anything = np.ones(scores.shape[1], dtype=bool)
    masks = [row.allowed(so_far) if row.allowed else anything for row, so_far in zip(rows, written, strict=True)]
    return scores.masked_fill(~torch.from_numpy(np.stack(masks)).to(scores.device), -torch.inf)
