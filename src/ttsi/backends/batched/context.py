"""What a batch of rows has read."""

from dataclasses import dataclass

import torch
from transformers import Cache


@dataclass
class Context:
    """What a batch of rows has read so far."""

    cache: Cache
    real: torch.Tensor
    """Which keys of the cache are no padding: (rows, keys), bool."""
    position: torch.Tensor
    """Of each row's next token: (rows,)."""
    padded: bool = False
    """Whether some key may be padding."""

    def reads_all(self, tokens: int) -> bool:
        """Whether more tokens a row read all that stands before them, if they are in order."""
        return not self.real.shape[1] or (tokens == 1 and not self.padded)

    def keep(self, rows: torch.Tensor) -> None:
        """Go on with some of the rows only."""
        self.cache.batch_select_indices(rows)
        self.real, self.position = self.real[rows], self.position[rows]
