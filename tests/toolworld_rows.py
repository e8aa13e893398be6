"""Samples as the rows that the batched backend computes."""

from ttsi.agent import Agent
from ttsi.models.rows import Row
from ttsi.prompts import answer_chat


def prompts_of(agent: Agent, samples) -> list[list[int]]:
    return [agent.prompt(answer_chat(s.request.messages), s.request.tools) for s in samples]


def rows_of(agent: Agent, samples, *, draws: int = 1) -> list[Row]:
    prompts = prompts_of(agent, samples)
    return [Row(p, (n, draw), index=n) for n, p in enumerate(prompts) for draw in range(draws)]
