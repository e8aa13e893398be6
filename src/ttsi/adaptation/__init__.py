"""T, self-improvement: train a LoRA adapter on practice examples, answer with it, forget it."""

from ttsi.adaptation.batched import BatchedAdapter
from ttsi.adaptation.lora import Lesson, LoraSettings
from ttsi.adaptation.sequential import SequentialAdapter
from ttsi.agent import Agent, BatchedAgent

__all__ = ["BatchedAdapter", "Lesson", "LoraSettings", "SequentialAdapter", "adapter_for"]


def adapter_for(agent: Agent, settings: LoraSettings) -> BatchedAdapter | SequentialAdapter:
    """Return the adapter that suits an agent: batched where it computes many samples at once."""
    return BatchedAdapter(agent, settings) if isinstance(agent, BatchedAgent) else SequentialAdapter(agent, settings)
