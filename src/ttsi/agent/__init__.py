"""The agent: a causal language model with its tokenizer, and the training of the tiny one that ships with the book."""

from ttsi.agent.agent import Agent
from ttsi.agent.batched import BatchedAgent
from ttsi.agent.constraint import OfferedCalls

__all__ = ["Agent", "BatchedAgent", "OfferedCalls"]
