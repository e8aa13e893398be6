"""A row of a batch: a prompt to continue, and whose it is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

AllowedTokens = Callable[[Sequence[int]], "np.ndarray"]
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
    index: int = 0
    """Number of its sample in the batch: that of its shared prefix and of its adapter."""
