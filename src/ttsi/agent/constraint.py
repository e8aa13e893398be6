"""Decoding with tool names limited to the offered ones."""

from collections.abc import Sequence

import torch

from ttsi.agent.agent import Agent
from ttsi.calls import OPEN
from ttsi.records import Tool


class OfferedNames:
    """Allows, inside the opening of a call, only tokens that lead to an offered tool; elsewhere everything.

    Pass it to `Agent.generate` as `allowed`. The same prompt must stand in every row.
    """

    def __init__(self, agent: Agent, prompt: Sequence[int], tools: Sequence[Tool]) -> None:
        self._start = agent.encode(OPEN)
        self._openings = [agent.call_opening(tool.name) for tool in tools]
        self._prompt_length = len(prompt)
        self._everything = list(range(agent.model.config.vocab_size))

    def __call__(self, row: int, ids: torch.Tensor) -> list[int]:
        """Return the ids that may come next."""
        written = ids[self._prompt_length :].tolist()
        call = written[self._last_start(written) :]
        openings = [opening for opening in self._openings if opening[: len(call)] == call and len(opening) > len(call)]
        if not call or not openings:
            return self._everything
        return sorted({opening[len(call)] for opening in openings})

    def _last_start(self, written: list[int]) -> int:
        size = len(self._start)
        starts = (i for i in range(len(written) - size, -1, -1) if written[i : i + size] == self._start)
        return next(starts, len(written))
