"""Test-time LoRA through PEFT, one sample at a time: the reference that every faster way is proved against."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from peft.tuners.lora import LoraLayer
from pydantic import Field

from ttsi.agent import Agent
from ttsi.agent.rows import fitting
from ttsi.calls import render_calls
from ttsi.prompts import answer_chat
from ttsi.records import PracticeExample, Record, Tool

UNTRAINED = -100
"""Label of a token that the loss leaves out, as in `torch.nn.functional.cross_entropy`."""


Lesson = tuple[PracticeExample, Sequence[Tool]]
"""A practice example and the tools that stand in its prompt."""


class LoraSettings(Record):
    """y = W x + (alpha / r) B A x, with A (r x in), B (out x r) trained and W frozen (arXiv 2106.09685)."""

    rank: int = Field(default=8, ge=1)
    alpha: int = Field(default=16, ge=1)
    targets: str | tuple[str, ...] = "all-linear"
    learning_rate: float = Field(default=1e-4, gt=0)
    epochs: int = Field(default=5, ge=1)
    """Passes over the practice examples, one optimizer step an example."""


class SequentialAdapter:
    """One LoRA adapter on a frozen base model, wrapped once and reset in place for each sample.

    Outside `adapted` the adapter is off, and the model computes exactly what the base model does.
    """

    def __init__(self, agent: Agent, settings: LoraSettings) -> None:
        self.agent, self.settings = agent, settings
        targets = settings.targets if isinstance(settings.targets, str) else list(settings.targets)
        self._peft = self._wrapped(r=settings.rank, lora_alpha=settings.alpha, target_modules=targets, lora_dropout=0.0)
        self._layers = [module for module in self._peft.modules() if isinstance(module, LoraLayer)]
        self._parameters = [parameter for parameter in self._peft.parameters() if parameter.requires_grad]
        self._peft.base_model.disable_adapter_layers()

    @contextmanager
    def adapted(self, lessons: Sequence[Lesson], *, seed: int) -> Iterator[list[float]]:
        """Train on lessons from a fresh adapter; inside the block the agent answers with it.

        Yields:
            The loss of each step, in nats per answer token.
        """
        losses = self.fit(lessons, seed=seed)
        with self.enabled():
            yield losses

    @contextmanager
    def enabled(self) -> Iterator[None]:
        """Inside the block the agent answers with the adapter as it was last fitted."""
        self._peft.base_model.enable_adapter_layers()
        try:
            yield
        finally:
            self._peft.base_model.disable_adapter_layers()

    def fit(self, lessons: Sequence[Lesson], *, seed: int) -> list[float]:
        """Train a fresh adapter, its A drawn from `seed`, and leave it off; return the loss of each step."""
        self.reset(seed)
        with self.enabled():
            return self._train([self._tokens(example, tools) for example, tools in lessons])

    def reset(self, seed: int) -> None:
        """Give the adapter its initial weights, in place: A from `seed`, B zero."""
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            for layer in self._layers:
                layer.reset_lora_parameters("default", init_lora_weights=True)

    def _wrapped(self, **lora: Any) -> Any:
        """Return the agent's model with an adapter; `lora` are arguments of `LoraConfig`."""
        return get_peft_model(self.agent.model, LoraConfig(**lora))

    def close(self) -> None:
        """Take the adapter off the model for good."""
        self._peft.unload()

    def _tokens(self, example: PracticeExample, tools: Sequence[Tool]) -> tuple[torch.Tensor, torch.Tensor]:
        """Return ids and labels, each (1, length); only the answer is trained on."""
        prompt = self.agent.prompt(answer_chat(example.messages), tools)
        answer = self.agent.completion(render_calls(example.calls))
        device = self.agent.model.device
        labels = [UNTRAINED] * len(prompt) + answer
        return torch.tensor([prompt + answer], device=device), torch.tensor([labels], device=device)

    def _train(self, batches: Sequence[tuple[torch.Tensor, torch.Tensor]]) -> list[float]:
        optimizer = torch.optim.AdamW(self._parameters, lr=self.settings.learning_rate, weight_decay=0.0)
        losses = []
        with fitting(max(ids.shape[1] for ids, _ in batches)):
            for _ in range(self.settings.epochs):
                for ids, labels in batches:
                    loss = self._peft(input_ids=ids, labels=labels, use_cache=False).loss
                    loss.backward()
                    optimizer.step()
                    optimizer.zero_grad()
                    losses.append(loss.item())
        return losses
