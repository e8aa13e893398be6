"""Decoding with a cache of keys and values: draws of a prompt read it once, and rows that are done leave the batch."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from ttsi.backends.batched.context import Context
from ttsi.backends.batched.steps import stepping
from ttsi.models.rows import Row
from ttsi.models.sampling import Draws, limited

if TYPE_CHECKING:
    from ttsi.backends.batched.agent import BatchedAgent


@torch.inference_mode()
def generate(agent: "BatchedAgent", rows: Sequence[Row], temperature: float) -> list[list[int]]:
    """Return the new ids of each row, up to and with the end of the turn; greedy at temperature 0."""
    written: list[list[int]] = [[] for _ in rows]
    at_work = list(range(len(rows)))
    draws = Draws(temperature, rows, agent.model.device) if temperature else None
    context, hidden = _read(agent, rows)
    step = stepping(agent, context, torch.tensor([row.index for row in rows]), tokens=agent.max_new_tokens)
    for _ in range(agent.max_new_tokens):
        scores = limited(agent.head(hidden).float(), [rows[row] for row in at_work], [written[row] for row in at_work])
        tokens = (draws(scores) if draws else scores).argmax(-1).tolist()
        for row, token in zip(at_work, tokens, strict=True):
            if not _done(written[row], agent):
                written[row].append(token)
        working = [place for place, row in enumerate(at_work) if not _done(written[row], agent)]
        if not working:
            break
        if len(working) <= step.leave * len(at_work):
            step = step.keep(torch.tensor(working))
            at_work, tokens = [at_work[place] for place in working], [tokens[place] for place in working]
            if draws:
                draws.keep(working)
        hidden = step(tokens)
    return written


def _read(agent: "BatchedAgent", rows: Sequence[Row]) -> tuple[Context, torch.Tensor]:
    """Return what the rows have read, each prompt once, and the hidden states after it: (rows, hidden size)."""
    keys = [(row.index, tuple(row.prompt)) for row in rows]
    different = dict(zip(keys, rows, strict=True))
    once = list(different.values())
    context, unread = agent.begin(once), agent.unread(once)
    asked = [[len(rest) - 1] for rest in unread]
    hidden = agent.advance(context, unread, [row.index for row in once], asked=asked)[:, 0]
    if len(once) < len(rows):
        numbers = {key: number for number, key in enumerate(different)}
        places = torch.tensor([numbers[key] for key in keys], device=hidden.device)
        context.keep(places)
        hidden = hidden[places]
    return context, hidden


def _done(written: Sequence[int], agent: "BatchedAgent") -> bool:
    return len(written) == agent.max_new_tokens or (bool(written) and written[-1] in agent.ends)
