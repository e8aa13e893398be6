"""Test-time LoRA of many samples at once: B independent adapters over one frozen base.

Each adapter has its own examples, loss (the mean over its tokens), gradient norm, Adam state and number of steps. The
losses are summed, so that none reaches another's gradient. An adapter that has done its steps leaves the batch.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import torch
from torch import nn

from ttsi.adaptation import Ids, Lesson, lesson_ids
from ttsi.backends.batched.agent import BatchedAgent
from ttsi.backends.batched.stack import LoraStack, Weights
from ttsi.backends.memory import StepMemory
from ttsi.models.batches import free_memory, in_batches
from ttsi.models.rows import Row
from ttsi.settings import LoraSettings

ON_A_CPU = 2048
"""Tokens of a training step on a CPU, where larger steps gain nothing."""

SHARE = 0.6
"""Of a GPU's free memory, for a training step."""

A_SHARED_TOKEN = 1 / 16
"""Of the memory of a token that is computed, at most, for one of a shared prefix: its keys and values, twice."""


class BatchedAdapter:
    """One LoRA adapter a sample, on the model of a `BatchedAgent`; outside `adapted` all are off.

    Args:
        agent: the agent to adapt.
        settings: of every adapter.
        tokens_at_once: that a training step computes, padding included; the adapters are trained in groups that keep
            to it. Unless told, what suits a CPU, or a share of a GPU's free memory.
    """

    def __init__(self, agent: BatchedAgent, settings: LoraSettings, *, tokens_at_once: int | None = None) -> None:
        self.agent, self.settings, model = agent, settings, agent.model
        self._step = StepMemory.of(model, settings)
        self._on_cpu = model.device.type == "cpu"
        planned = ON_A_CPU if self._on_cpu else int(SHARE * free_memory(model.device) / self._step.token)
        self.tokens_at_once = tokens_at_once or planned
        self.stack = LoraStack(model, settings)
        self.weights: Weights = []

    @contextmanager
    def adapted(
        self, lessons: Sequence[Sequence[Lesson]], *, seeds: Sequence[int], indices: Sequence[int] | None = None
    ) -> Iterator[list[list[float]]]:
        """Train a fresh adapter on the lessons of each sample; inside the block the agent answers with them.

        Args:
            lessons: of each sample.
            seeds: of each adapter's initial weights.
            indices: number of each sample in the batch of the loop; from 0 on unless told.

        Yields:
            The loss of each step of each sample, in nats per answer token.
        """
        numbers = range(len(lessons)) if indices is None else indices
        losses = self.fit(lessons, seeds=seeds, indices=numbers)
        with self.enabled({index: adapter for adapter, index in enumerate(numbers)}):
            yield losses

    @contextmanager
    def enabled(self, adapter_of: Mapping[int, int]) -> Iterator[None]:
        """Inside the block each sample answers with its adapter, as it was last fitted."""
        with self.scope(), self.stack.acts(self.weights) as choose:
            chosen = self.agent.before_each_pass(lambda indices: choose([adapter_of[index] for index in indices]))
            with chosen:
                yield

    def scope(self) -> AbstractContextManager[None]:
        """Inside the block nothing is shared that the adapter would act on."""
        return self.agent.sharing(()) if self.settings.prefix == "adapted" else nullcontext()

    def fit(
        self, lessons: Sequence[Sequence[Lesson]], *, seeds: Sequence[int], indices: Sequence[int] | None = None
    ) -> list[list[float]]:
        """Train a fresh adapter on the lessons of each sample, and leave them off; return the loss of each step.

        Raises:
            OutOfMemory: one lesson alone does not fit into memory.
        """
        ids = [[lesson_ids(self.agent, lesson) for lesson in of_sample] for of_sample in lessons]
        return self.fit_ids(ids, seeds=seeds, indices=range(len(lessons)) if indices is None else indices)

    def fit_ids(
        self, ids: Sequence[Sequence[Ids]], *, seeds: Sequence[int], indices: Sequence[int]
    ) -> list[list[float]]:
        """Do as `fit` does, with lessons as token ids."""
        dtype = torch.promote_types(self.agent.model.dtype, torch.float32)
        self.weights = self.stack.initial(seeds, device=self.agent.model.device, dtype=dtype)
        costs = [self._cost(of_sample, index) for of_sample, index in zip(ids, indices, strict=True)]
        order = sorted(range(len(ids)), key=costs.__getitem__)

        def train(group: slice) -> list[list[float]]:
            numbers = order[group]
            return _Training(self, numbers, [ids[n] for n in numbers], [indices[n] for n in numbers]).run()

        longest = max(len(prompt) + len(answer) for of_sample in ids for prompt, answer in of_sample)
        losses = in_batches(train, len(ids), tokens=longest, at_once=max(1, int(self.tokens_at_once / max(costs))))
        return [of_sample for _, of_sample in sorted(zip(order, losses, strict=True))]

    def _cost(self, lessons: Sequence[Ids], index: int) -> float:
        """Return what a sample's longest lesson takes, in tokens that are computed."""
        rows = [Row(prompt + answer, index=index) for prompt, answer in lessons]
        with self.scope():
            pairs = zip(rows, self.agent.unread(rows), strict=True)
            tokens = max(len(rest) + A_SHARED_TOKEN * (len(row.prompt) - len(rest)) for row, rest in pairs)
        if self._on_cpu:
            return tokens
        scored = max(len(answer) for _, answer in lessons)
        return tokens + (scored * self._step.scored + self._step.adapter) / self._step.token

    def export(self, adapter: int, folder: Path) -> None:
        """Write one adapter in PEFT's format."""
        self.stack.export(self.weights, adapter, folder)


class _Training:
    """The training of a group of adapters that fit into one batch."""

    def __init__(
        self, adapter: BatchedAdapter, numbers: list[int], ids: Sequence[Sequence[Ids]], indices: Sequence[int]
    ) -> None:
        self.adapter, self.agent, self.settings = adapter, adapter.agent, adapter.settings
        self.numbers, self.ids, self.indices = numbers, ids, indices
        self.losses: list[list[float]] = [[] for _ in ids]
        self.at_work = list(range(len(ids)))
        self.weights = [weights[numbers].requires_grad_() for weights in adapter.weights]
        self.optimizer = self._adam()

    def run(self) -> list[list[float]]:
        """Train until every adapter has done its steps; their weights are then the adapter's."""
        with self.adapter.scope():
            while self.at_work:
                self._step()
                self._leave()
        return self.losses

    def _step(self) -> None:
        lessons = [self.ids[n][len(self.losses[n]) % len(self.ids[n])] for n in self.at_work]
        with self.adapter.stack.acts(self.weights):
            losses = self._losses(lessons)
            losses.sum().backward()
        self._clip()
        self.optimizer.step()
        self.optimizer.zero_grad()
        for n, loss in zip(self.at_work, losses.tolist(), strict=True):
            self.losses[n].append(loss)

    def _losses(self, lessons: Sequence[Ids]) -> torch.Tensor:
        """Return the mean loss over the answer of each lesson, (adapters,), nats per token."""
        indices = [self.indices[n] for n in self.at_work]
        rows = [Row(prompt + answer[:-1], index=n) for (prompt, answer), n in zip(lessons, indices, strict=True)]
        unread, lengths = self.agent.unread(rows), [len(answer) for _, answer in lessons]
        asked = [range(len(rest) - length, len(rest)) for rest, length in zip(unread, lengths, strict=True)]
        hidden = self.agent.advance(self.agent.begin(rows), unread, indices, asked=asked)
        before = [(row, place) for row, length in enumerate(lengths) for place in range(length)]
        row_of, place = torch.tensor(before, device=hidden.device).T
        targets = torch.tensor([token for _, answer in lessons for token in answer], device=hidden.device)
        logits = self.agent.head(hidden[row_of, place])
        each = nn.functional.cross_entropy(logits.to(self.weights[0].dtype), targets, reduction="none")
        sums = torch.zeros(len(lessons), device=each.device, dtype=each.dtype).index_add(0, row_of, each)
        return sums / torch.tensor(lengths, device=each.device)

    @torch.no_grad()
    def _clip(self) -> None:
        """Scale each adapter's gradient down to the largest norm, as `clip_grad_norm_` of torch does for one."""
        if self.settings.max_grad_norm is None:
            return
        gradients = [weights.grad for weights in self.weights if weights.grad is not None]
        norms = torch.stack([gradient.flatten(1).norm(dim=1) for gradient in gradients]).norm(dim=0)
        scale = (self.settings.max_grad_norm / (norms + 1e-6)).clamp(max=1.0)
        for gradient in gradients:
            gradient.mul_(scale[:, None, None])

    @torch.no_grad()
    def _leave(self) -> None:
        """Hand over the weights of the adapters that are done, and go on with the others."""
        done = [self._is_done(n) for n in self.at_work]
        if not any(done):
            return
        leaving = [row for row, is_done in enumerate(done) if is_done]
        staying = [row for row, is_done in enumerate(done) if not is_done]
        out = [self.numbers[self.at_work[row]] for row in leaving]
        for kept, weights in zip(self.adapter.weights, self.weights, strict=True):
            kept[out] = weights[leaving]
        self.at_work = [self.at_work[row] for row in staying]
        self._keep(staying)

    def _keep(self, rows: list[int]) -> None:
        """Go on with some of the adapters: their weights, Adam's moments, and the number of steps taken."""
        before, old_weights = self.optimizer.state, self.weights
        self.weights = [weights[rows].requires_grad_() for weights in old_weights]
        self.optimizer = self._adam()
        for old, new in zip(old_weights, self.weights, strict=True):
            moments = {name: before[old][name][rows] for name in ("exp_avg", "exp_avg_sq")}
            self.optimizer.state[new] = {"step": before[old]["step"], **moments}

    def _adam(self) -> torch.optim.AdamW:
        return torch.optim.AdamW(self.weights, lr=self.settings.learning_rate, weight_decay=0.0, fused=True)

    def _is_done(self, n: int) -> bool:
        losses, stop = self.losses[n], self.settings.stop_loss
        enough = len(losses) == self.settings.epochs * len(self.ids[n])
        return enough or (stop is not None and losses[-1] < stop)
