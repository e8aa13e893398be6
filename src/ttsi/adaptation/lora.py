"""Low-rank adaptation (LoRA): its settings, what it learns from, and which layers it adapts."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field
from torch import nn

from ttsi.agent import Agent
from ttsi.calls import render_calls
from ttsi.prompts import answer_chat
from ttsi.records import Count, PracticeExample, Settings, Tool

Ids = tuple[list[int], list[int]]
"""Token ids of a lesson's prompt, and of its answer."""

Lesson = tuple[PracticeExample, Sequence[Tool]]
"""A practice example and the tools that stand in its prompt."""


class LoraSettings(Settings):
    """y = W x + (alpha / r) B A x, with A (r x in), B (out x r) trained and W frozen (arXiv 2106.09685)."""

    rank: Count = 8
    alpha: Count = 16
    targets: str | tuple[str, ...] = "all-linear"
    prefix: Literal["adapted", "activated"] = "adapted"
    """Whether the adapter acts on the tool list, too, or only after it (activated LoRA, arXiv 2504.12397)."""
    learning_rate: float = Field(default=1e-4, gt=0)
    epochs: Count = 5
    """Passes over the practice examples, one optimizer step an example."""
    max_grad_norm: float | None = Field(default=None, gt=0)
    """The gradient of a step is scaled down to this norm; none: it is taken as it is."""
    stop_loss: float | None = Field(default=None, gt=0)
    """A sample stops training after the first step whose loss, in nats per token, is below this."""

    @property
    def scaling(self) -> float:
        """Return what B A x is multiplied by."""
        return self.alpha / self.rank


def adapted_layers(model: nn.Module, settings: LoraSettings) -> dict[str, nn.Linear]:
    """Return the projections that the targets name, as PEFT chooses them, in the model's order."""
    linear = {name: layer for name, layer in model.named_modules() if isinstance(layer, nn.Linear)}
    if settings.targets == "all-linear":
        return {name: layer for name, layer in linear.items() if name != "lm_head"}
    targets = (settings.targets,) if isinstance(settings.targets, str) else settings.targets
    return {name: layer for name, layer in linear.items() if name.rpartition(".")[2] in targets}


def lesson_ids(agent: Agent, lesson: Lesson) -> Ids:
    """Return the ids of a lesson's prompt, and of the answer, which alone is trained on."""
    example, tools = lesson
    return agent.prompt(answer_chat(example.messages), tools), agent.completion(render_calls(example.calls))
