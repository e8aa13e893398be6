"""Decoding with a cache of keys and values: rows that are done leave the batch."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from ttsi.models.rows import Row
from ttsi.models.sampling import Draws, limited

if TYPE_CHECKING:
    from ttsi.backends.batched.agent import BatchedAgent

LEAVE = 0.75
"""Rows leave when no more than this share of the batch is at work: moving the others costs about a step."""


@torch.inference_mode()
def generate(agent: "BatchedAgent", rows: Sequence[Row], temperature: float) -> list[list[int]]:
    """Return the new ids of each row, up to and with the end of the turn; greedy at temperature 0."""
    written: list[list[int]] = [[] for _ in rows]
    at_work = list(range(len(rows)))
    draws = Draws(temperature, rows, agent.model.device) if temperature else None
    context, unread = agent.begin(rows), agent.unread(rows)
    hidden = agent.advance(context, unread, [row.index for row in rows])
    last = torch.tensor([len(rest) - 1 for rest in unread], device=hidden.device)
    hidden = hidden[torch.arange(len(rows), device=hidden.device), last]
    for _ in range(agent.max_new_tokens):
        scores = limited(agent.head(hidden).float(), [rows[row] for row in at_work], [written[row] for row in at_work])
        tokens = (draws(scores) if draws else scores).argmax(-1).tolist()
        for row, token in zip(at_work, tokens, strict=True):
            if not _done(written[row], agent):
                written[row].append(token)
        working = [place for place, row in enumerate(at_work) if not _done(written[row], agent)]
        if not working:
            break
        if len(working) <= LEAVE * len(at_work):
            context.keep(torch.tensor(working, device=hidden.device))
            at_work, tokens = [at_work[place] for place in working], [tokens[place] for place in working]
            if draws:
                draws.keep(working)
        hidden = agent.advance(context, [[token] for token in tokens], [rows[row].index for row in at_work])[:, 0]
    return written


def _done(written: Sequence[int], agent: "BatchedAgent") -> bool:
    return len(written) == agent.max_new_tokens or (bool(written) and written[-1] in agent.ends)
