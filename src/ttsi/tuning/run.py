"""Tuning an agent: one LoRA on a frozen pretrained model, by AdamW over a stream of lessons; it can be interrupted."""

import json
import math
import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from peft import LoraConfig, get_peft_model
from pydantic import Field
from safetensors.torch import save_file
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, Dataset
from tqdm.auto import tqdm

from ttsi.adaptation import UNTRAINED, Ids
from ttsi.agent import Agent
from ttsi.benchmarks import bfcl, load
from ttsi.models.folders import hash_files, model_files
from ttsi.models.loading import check_device, model_folder
from ttsi.records import MOST, Count, InputError, Seed, Settings
from ttsi.runs.provenance import hash_records, machine, source_state, versions
from ttsi.tiny.checkpoint import Checkpoint
from ttsi.tuning.lessons import Lessons, PromptCompletion, stream

WRITERS = 6
"""Processes that write lessons while a GPU learns from them."""


class TuningConfig(Settings):
    """Everything that decides what the tuned agent is."""

    base: str = "smollm2"
    """The model, as `--model` names one."""
    seed: Seed = 0
    """Seeds the adapter and the lessons."""
    rank: Count = 32
    alpha: Count = 64
    learning_rate: float = Field(default=1e-3, gt=0)
    """The highest rate: reached after `warmup_steps`, then falling to 0 as a cosine does."""
    warmup_steps: Count = 20
    steps: Count = 400
    lessons_per_step: Count = 64
    longest: int = Field(default=2048, ge=64, le=MOST)
    """Tokens of a lesson, at most; a longer one is left out."""
    clip_norm: float = Field(default=1.0, gt=0)
    checkpoint_steps: Count = 50


def learning_rate(config: TuningConfig, step: int) -> float:
    """Return the rate of a step, counted from 0."""
    if step < config.warmup_steps:
        return config.learning_rate * (step + 1) / config.warmup_steps
    left = (config.steps - step) / max(1, config.steps - config.warmup_steps)
    return config.learning_rate * (1 - math.cos(math.pi * left)) / 2


def tune(
    config: TuningConfig,
    folder: Path,
    *,
    device: str = "cpu",
    data_dir: Path | None = None,
    tokens_at_once: int | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Tune an agent and write its adapter in PEFT's format, with `tuning.json` and `tuning.parquet`.

    Goes on by itself from a checkpoint that an interrupted tuning left in the folder. On a GPU products are computed
    in bfloat16; what is trained stays in float32. A step adds up the gradients of passes of `tokens_at_once`, padding
    included. The files of the Berkeley Function-Calling Leaderboard lie in `data_dir`.

    Returns:
        One row a step: `step`, `loss` (nats per answer token), `tokens` (all that are read), `seconds`.

    Raises:
        InputError: a file of the lessons is missing, the device is not there, the folder cannot be written, or its
            checkpoint is of another configuration, or all lessons of a step are too long.
    """
    check_device(device)
    samples = load(bfcl.NAME, "all", subset="train", limit=None, data_dir=data_dir)
    agent = Agent.load(model_folder(config.base), device=device)
    training = _Training(config, agent, Lessons(samples, seed=config.seed), tokens_at_once)
    checkpoint = Checkpoint(folder, config)
    log = checkpoint.restore(training.trained, training.optimizer)
    steps = tqdm(training.lessons(len(log)), initial=len(log), total=config.steps, disable=not progress)
    for step, ids in enumerate(steps, start=len(log)):
        log.append({"step": step, **training.step(step, ids)})
        steps.set_postfix_str(f"{log[-1]['loss']:.3f} nats")
        if (step + 1) % config.checkpoint_steps == 0 and step + 1 < config.steps:
            checkpoint.save(training.trained, training.optimizer, log)
    training.save(folder)
    table = pd.DataFrame(log)
    table.to_parquet(folder / "tuning.parquet", index=False)
    _record(config, folder, device, hash_records(samples))
    checkpoint.path.unlink(missing_ok=True)
    return table


class _Training:
    """The adapter and its optimizer."""

    def __init__(self, config: TuningConfig, agent: Agent, lessons: Lessons, tokens_at_once: int | None) -> None:
        self.config, self.agent, self._lessons = config, agent, lessons
        self.device: torch.device = agent.model.device
        self.tokens_at_once = tokens_at_once or (65_536 if self.device.type == "cuda" else 4_096)
        torch.manual_seed(config.seed)
        shape = {"r": config.rank, "lora_alpha": config.alpha, "lora_dropout": 0.0, "target_modules": "all-linear"}
        self.model: Any = get_peft_model(agent.model, LoraConfig(task_type="CAUSAL_LM", **shape)).train()
        named = {name: weights for name, weights in self.model.named_parameters() if weights.requires_grad}
        self.trained = nn.ParameterDict({name.replace(".", "/"): weights for name, weights in named.items()})
        self.optimizer = torch.optim.AdamW(self.trained.values(), lr=config.learning_rate, weight_decay=0.0)

    def lessons(self, start: int) -> Iterator[list[Ids]]:
        """Yield the lessons of each step from number `start` on; on a GPU other processes write them in advance."""
        of_step = _Steps(self.config, self.agent, self._lessons)
        workers = WRITERS if self.device.type == "cuda" else 0
        order = range(start, self.config.steps)
        yield from DataLoader(of_step, batch_size=None, sampler=order, num_workers=workers)  # pyright: ignore[reportArgumentType]

    def step(self, step: int, ids: Sequence[Ids]) -> dict[str, float]:
        """Take one optimizer step on its lessons, and return what the log says of it."""
        if not ids:
            raise InputError(f"longest is {self.config.longest}; expected more: step {step} has no lesson so short")
        started = time.perf_counter()
        answers = sum(len(answer) for _, answer in ids)
        loss = sum(self._pass(batch, answers) for batch in _batches(ids, self.tokens_at_once))
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.config, step)
        nn.utils.clip_grad_norm_(self.trained.values(), self.config.clip_norm)
        self.optimizer.step()
        self.optimizer.zero_grad()
        return {"loss": float(loss), "tokens": sum(map(_length, ids)), "seconds": time.perf_counter() - started}

    def _pass(self, batch: Sequence[Ids], answers: int) -> torch.Tensor:
        """Add the gradients of a batch; return its share of the step's mean loss."""
        ids = [torch.tensor(prompt + answer) for prompt, answer in batch]
        labels = [torch.tensor([UNTRAINED] * len(prompt) + answer) for prompt, answer in batch]
        tokens = pad_sequence(ids, True, self.agent.tokenizer.pad_token_id).to(self.device)
        targets = pad_sequence(labels, True, UNTRAINED).to(self.device)
        on_gpu = self.device.type == "cuda"
        with torch.autocast("cuda", dtype=torch.bfloat16) if on_gpu else nullcontext():
            # Padded on the right under a causal mask: no token of a lesson sees the padding.
            hidden = self.model.get_base_model().model(input_ids=tokens, use_cache=False).last_hidden_state
            answered = targets[:, 1:] != UNTRAINED
            logits = self.model.get_base_model().lm_head(hidden[:, :-1][answered])
        loss = nn.functional.cross_entropy(logits.float(), targets[:, 1:][answered], reduction="sum") / answers
        loss.backward()
        return loss.detach()

    def save(self, folder: Path) -> None:
        """Write the adapter as PEFT does, with weights in bfloat16."""
        lora = self.model.peft_config["default"]
        lora.base_model_name_or_path = self.config.base  # PEFT takes the folder that the base was read from
        lora.save_pretrained(str(folder))
        named = {name.replace("/", ".").replace(".default", ""): weights for name, weights in self.trained.items()}
        tensors = {name: weights.detach().to("cpu", torch.bfloat16).contiguous() for name, weights in named.items()}
        save_file(tensors, folder / "adapter_model.safetensors", metadata={"format": "pt"})


class _Steps(Dataset[list[Ids]]):
    """The lessons of each step as token ids, from the shortest on; those that are too long are left out."""

    def __init__(self, config: TuningConfig, agent: Agent, lessons: Lessons) -> None:
        self.config, self.agent, self.lessons = config, agent, lessons

    def __getitem__(self, step: int) -> list[Ids]:
        count = self.config.lessons_per_step
        ids = sorted((self._ids(lesson) for lesson in stream(self.lessons, step * count, count)), key=_length)
        return [one for one in ids if _length(one) <= self.config.longest]

    def _ids(self, lesson: PromptCompletion) -> Ids:
        chat = [message.model_dump() for message in lesson.chat]
        return self.agent.prompt(chat, lesson.tools), self.agent.completion(lesson.answer)


def _length(ids: Ids) -> int:
    return len(ids[0]) + len(ids[1])


def _batches(ids: Sequence[Ids], tokens_at_once: int) -> Iterator[list[Ids]]:
    """Yield lessons in order of length, as many as fit with their padding."""
    batch: list[Ids] = []
    for one in ids:
        if batch and _length(one) * (len(batch) + 1) > tokens_at_once:
            yield batch
            batch = []
        batch.append(one)
    if batch:
        yield batch


def _record(config: TuningConfig, folder: Path, device: str, lessons: str) -> None:
    hashes = {"base": hash_files(model_files(model_folder(config.base))), "bfcl": lessons}
    hashes["adapter"] = hash_files([folder / "adapter_model.safetensors"])
    record = {
        "config": config.model_dump(mode="json"),
        "commit": source_state()[0],
        "machine": machine(device),
        "versions": versions(),
        "hashes": hashes,
    }
    (folder / "tuning.json").write_text(json.dumps(record, indent=2) + "\n")
