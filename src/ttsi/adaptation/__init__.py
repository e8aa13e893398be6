"""T, self-improvement: train a LoRA adapter on practice examples, answer with it, forget it."""

from ttsi.adaptation.batched import BatchedAdapter
from ttsi.adaptation.lora import Lesson, LoraSettings
from ttsi.adaptation.sequential import SequentialAdapter
from ttsi.adaptation.unsloth import UnslothAdapter
from ttsi.agent import Agent, BatchedAgent
from ttsi.agent.unsloth import UnslothAgent
from ttsi.records import InputError

__all__ = ["BatchedAdapter", "Lesson", "LoraSettings", "SequentialAdapter", "adapter_for"]


def adapter_for(agent: Agent, settings: LoraSettings) -> BatchedAdapter | SequentialAdapter:
    """Return the adapter that suits an agent.

    Raises:
        InputError: the agent cannot be adapted after a prefix alone.
    """
    if isinstance(agent, BatchedAgent):
        return BatchedAdapter(agent, settings)
    if settings.prefix == "activated":
        raise InputError("prefix is 'activated', which one sample at a time has not; expected --backend batched")
    return (UnslothAdapter if isinstance(agent, UnslothAgent) else SequentialAdapter)(agent, settings)
