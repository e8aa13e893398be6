"""T, self-improvement: train a LoRA adapter on practice examples, answer with it, forget it.

Here through PEFT, one sample at a time: the reference that every faster way (`ttsi.backends`) is proved against.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from peft.tuners.lora import LoraLayer
from torch import nn

from ttsi.agent import Agent
from ttsi.calls import render_calls
from ttsi.models.batches import fitting
from ttsi.prompts import answer_chat
from ttsi.records import InputError, PracticeExample, Tool
from ttsi.settings import LoraSettings

Ids = tuple[list[int], list[int]]
"""Token ids of a lesson's prompt, and of its answer."""

Lesson = tuple[PracticeExample, Sequence[Tool]]
"""A practice example and the tools that stand in its prompt."""

UNTRAINED = -100
"""Label of a token that the loss leaves out, as in `torch.nn.functional.cross_entropy`."""


class SequentialAdapter:
    """One LoRA adapter on a frozen base model, wrapped once and reset in place for each sample.

    Outside `adapted` the adapter is off, and the model computes exactly what the base model does. It takes the place
    of the adapter that is on the model, which can be used no more.

    Raises:
        InputError: a target is no linear layer of the model.
    """

    def __init__(self, agent: Agent, settings: LoraSettings) -> None:
        self.agent, self.settings = agent, settings
        if agent.adapter is not None:
            agent.adapter.close()
        adapted_layers(agent.model, settings)  # which says what cannot be adapted
        targets = settings.targets if isinstance(settings.targets, str) else list(settings.targets)
        self._peft = self._wrapped(r=settings.rank, lora_alpha=settings.alpha, target_modules=targets, lora_dropout=0.0)
        self._layers = [module for module in self._peft.modules() if isinstance(module, LoraLayer)]
        self._parameters = [parameter for parameter in self._peft.parameters() if parameter.requires_grad]
        self._peft.base_model.disable_adapter_layers()
        agent.adapter = self

    @contextmanager
    def adapted(
        self, lessons: Sequence[Sequence[Lesson]], *, seeds: Sequence[int], indices: Sequence[int] = (0,)
    ) -> Iterator[list[list[float]]]:
        """Train a fresh adapter on the lessons of one sample; inside the block the agent answers with it.

        Args:
            lessons: of each sample, which is one.
            seeds: of the adapter's initial weights, one.
            indices: number of the sample in its batch, which does not matter here.

        Yields:
            The loss of each step of the sample, in nats per answer token.
        """
        losses = self.fit(lessons, seeds=seeds)
        with self.enabled(dict.fromkeys(indices, 0)):
            yield losses

    @contextmanager
    def enabled(self, adapter_of: Mapping[int, int]) -> Iterator[None]:
        """Inside the block the agent answers with the adapter as it was last fitted, for every sample.

        Raises:
            InputError: the adapter was closed, or another one took its place.
        """
        if self.agent.adapter is not self:
            raise InputError("the adapter is no longer on its agent's model; expected the last one that was made")
        self._peft.base_model.enable_adapter_layers()
        try:
            yield
        finally:
            self._peft.base_model.disable_adapter_layers()

    def fit(self, lessons: Sequence[Sequence[Lesson]], *, seeds: Sequence[int]) -> list[list[float]]:
        """Train a fresh adapter, its A drawn from the seed, and leave it off; return the loss of each step."""
        ids = [[lesson_ids(self.agent, lesson) for lesson in of_sample] for of_sample in lessons]
        return self.fit_ids(ids, seeds=seeds)

    def fit_ids(
        self, ids: Sequence[Sequence[Ids]], *, seeds: Sequence[int], indices: Sequence[int] = (0,)
    ) -> list[list[float]]:
        """Do as `fit` does, with lessons as token ids."""
        (of_sample,), (seed,) = ids, seeds
        self.reset(seed)
        with self.enabled({}):
            return [self._train([self._tensors(*lesson) for lesson in of_sample])]

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
        self.agent.adapter = None

    def _tensors(self, prompt: list[int], answer: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
        """Return ids and labels, each (1, length); only the answer is trained on."""
        device = self.agent.model.device
        labels = [UNTRAINED] * len(prompt) + answer
        return torch.tensor([prompt + answer], device=device), torch.tensor([labels], device=device)

    def _train(self, batches: Sequence[tuple[torch.Tensor, torch.Tensor]]) -> list[float]:
        settings = self.settings
        optimizer = torch.optim.AdamW(self._parameters, lr=settings.learning_rate, weight_decay=0.0)
        losses: list[float] = []
        with fitting(max(ids.shape[1] for ids, _ in batches)):
            for ids, labels in settings.epochs * list(batches):
                loss = self._peft(input_ids=ids, labels=labels, use_cache=False).loss
                loss.backward()
                if settings.max_grad_norm is not None:
                    torch.nn.utils.clip_grad_norm_(self._parameters, settings.max_grad_norm)
                optimizer.step()
                optimizer.zero_grad()
                losses.append(loss.item())
                if settings.stop_loss is not None and losses[-1] < settings.stop_loss:
                    break
        return losses


@contextmanager
def learned(adapter: Any, lessons: Sequence[Lesson], *, seed: int) -> Iterator[list[float]]:
    """Inside the block the agent of an adapter has learned from the lessons of one request.

    Args:
        adapter: as `ttsi.backends.adapter_for` gives it.
        lessons: practice examples, each with the tools that stand in its prompt.
        seed: of the adapter's initial weights.

    Yields:
        The loss of each step, in nats per answer token.
    """
    with adapter.adapted([lessons], seeds=[seed]) as (losses,):
        yield losses


def adapted_layers(model: nn.Module, settings: LoraSettings) -> dict[str, nn.Linear]:
    """Return the projections that the targets name, as PEFT chooses them, in the model's order; never the head.

    Raises:
        InputError: a target names none.
    """
    found = [(name, layer) for name, layer in model.named_modules() if isinstance(layer, nn.Linear)]
    linear = {name: layer for name, layer in found if name != "lm_head"}
    if settings.targets == "all-linear":
        return linear
    names = dict.fromkeys(name.rpartition(".")[2] for name in linear)
    if unknown := [target for target in settings.targets if target not in names]:
        raise InputError(f"targets holds {unknown[0]!r}; expected some of {', '.join(names)}")
    return {name: layer for name, layer in linear.items() if name.rpartition(".")[2] in settings.targets}


def lesson_ids(agent: Agent, lesson: Lesson) -> Ids:
    """Return the ids of a lesson's prompt, and of the answer, which alone is trained on."""
    example, tools = lesson
    return agent.prompt(answer_chat(example.messages), tools), agent.completion(render_calls(example.calls))
