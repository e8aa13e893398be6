"""How a run is computed: one table of backends, each an agent and the adapter that trains on it.

A backend's answers are those of `peft`, the reference: `ttsi.agent.Agent` and `ttsi.adaptation.SequentialAdapter`.
Its two classes are named here and imported when a run asks for them, since importing Unsloth changes transformers.
"""

from dataclasses import dataclass
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

from ttsi.records import InputError

if TYPE_CHECKING:
    from ttsi.adaptation import SequentialAdapter
    from ttsi.agent import Agent
    from ttsi.backends.batched.adapter import BatchedAdapter
    from ttsi.settings import LoraSettings


@dataclass(frozen=True)
class Backend:
    """A way to compute: where its two classes are, as `module:name`, and what it can."""

    agent: str
    adapter: str
    at_once: bool = False
    """Whether many samples are computed at once."""
    prefixes: tuple[str, ...] = ("adapted",)
    """Values of the setting `prefix` that it knows."""

    def agent_class(self) -> "type[Agent]":
        """Return the class of its agents."""
        return resolve_name(self.agent)

    def adapter_class(self) -> Any:
        """Return the class of its adapters, made from an agent and LoRA settings."""
        return resolve_name(self.adapter)


BACKENDS: dict[str, Backend] = {
    "batched": Backend(
        "ttsi.backends.batched.agent:BatchedAgent",
        "ttsi.backends.batched.adapter:BatchedAdapter",
        at_once=True,
        prefixes=("adapted", "activated"),
    ),
    "peft": Backend("ttsi.agent:Agent", "ttsi.adaptation:SequentialAdapter"),
    "unsloth": Backend("ttsi.backends.unsloth:UnslothAgent", "ttsi.backends.unsloth:UnslothAdapter"),
}
"""By the name that the setting `backend` has. To add one, add its entry."""


def adapter_for(agent: "Agent", settings: "LoraSettings") -> "BatchedAdapter | SequentialAdapter":
    """Return the adapter of an agent's backend.

    Raises:
        InputError: the agent cannot be adapted after a prefix alone.
    """
    backend = BACKENDS[agent.backend]
    if settings.prefix not in backend.prefixes:
        raise InputError(f"prefix is {settings.prefix!r}, which {agent.backend} has not; expected --backend batched")
    return backend.adapter_class()(agent, settings)
