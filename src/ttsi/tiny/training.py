"""Training the tiny agent from nothing: toolworld lessons, packed into rows, one AdamW run that can be resumed."""

import json
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from pydantic import Field, ValidationInfo, field_validator
from torch import Tensor
from tqdm.auto import tqdm
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM
from transformers.utils import logging

from ttsi.benchmarks import toolworld
from ttsi.calls import render_calls
from ttsi.data import data_root
from ttsi.models.loading import missing_part
from ttsi.prompts import answer_chat, practice_chat, render_practice
from ttsi.records import MOST, Count, InputError, PracticeExample, Sample, Seed, Settings
from ttsi.runs.provenance import machine, versions
from ttsi.tiny.checkpoint import Checkpoint
from ttsi.tiny.growth import grow
from ttsi.tiny.packing import IGNORED, pack, within_documents
from ttsi.tiny.tokenizer import END, PAD, train_tokenizer


class TrainingConfig(Settings):
    """Everything that decides what the trained agent is."""

    seed: Seed = 0
    """Seeds the weights and the lessons."""
    vocabulary: int = Field(default=1024, ge=300, le=MOST)
    """Tokens of the BPE vocabulary, before the two call tags."""
    tokenizer_lessons: Count = 3000
    """Lessons whose text the tokenizer is trained on."""
    hidden_size: Count = 192
    layers: Count = 4
    heads: Count = Field(default=6, validate_default=True)
    feed_forward: Count = 576
    practice_share: float = Field(default=0.3, ge=0, le=1)
    """Share of the lessons that ask for a practice example rather than for an answer."""
    seen_share: float = Field(default=0.35, ge=0, le=1)
    """Share of the lessons with real words; the others have made-up ones."""
    reserved_share: float = Field(default=0.0, ge=0, le=1)
    """Share of the lessons with the words of the unseen splits: 0 for a student, which may never meet them."""
    grown_from: str | None = None
    """Agent folder, below the data folder, whose tokenizer and layers it starts from; None: from nothing."""
    prompt_weight: float = Field(default=0.1, ge=0)
    """Weight of the prompt's tokens in the loss; the answer's have weight 1."""
    rows: Count = 16
    row_tokens: Count = 384
    lessons_per_step: Count = 40
    learning_rate: float = Field(default=2.5e-3, gt=0)
    """The highest rate."""
    schedule: tuple[tuple[int, float], ...] = (
        (0, 0.0),
        (200, 1.0),
        (2241, 1.0),
        (2751, 0.46875),
        (3500, 0.46875),
        (4400, 0.0),
    )
    """Corners (step, share of the learning rate), linear in between; the last one is where training ends."""
    weight_decay: float = Field(default=0.05, ge=0)
    clip_norm: float = Field(default=1.0, gt=0)
    bfloat16: bool = True
    """Compute in bfloat16 (the weights that are trained stay in float32)."""
    compile: bool = True
    """Use `torch.compile`: about half a minute at the start, then several times faster."""
    checkpoint_steps: Count = 250

    @field_validator("heads")
    @classmethod
    def _heads_fit(cls, heads: int, info: ValidationInfo) -> int:
        hidden_size = info.data.get("hidden_size", 0)
        if hidden_size % (2 * heads):  # half of a head's numbers are rotated into the other half
            raise ValueError(f"heads of an even size, in which hidden_size {hidden_size} can be divided")
        return heads

    @field_validator("schedule")
    @classmethod
    def _schedule_ends(cls, schedule: tuple[tuple[int, float], ...]) -> tuple[tuple[int, float], ...]:
        steps = [step for step, _ in schedule]
        if not steps or not 1 <= steps[-1] <= MOST or sorted(set(steps)) != steps or min(steps) < 0:
            raise ValueError(f"steps from 0 on, each above the one before, the last from 1 to {MOST}")
        if min(share for _, share in schedule) < 0:
            raise ValueError("shares of the learning rate from 0 on")
        return schedule


def learning_rate(config: TrainingConfig, step: int) -> float:
    """Return the rate of a step, counted from 0."""
    steps, shares = zip(*config.schedule, strict=True)
    return config.learning_rate * float(np.interp(step + 1, steps, shares))


# -- from lessons to rows -------------------------------------------------------------------------------------------


def _lessons(config: TrainingConfig, start: int = 0) -> Iterator[tuple[Sample, PracticeExample]]:
    shares = {"seen_share": config.seen_share, "reserved_share": config.reserved_share}
    return toolworld.lessons(seed=config.seed, start=start, **shares)


def _prompt_and_answer(
    tokenizer: PreTrainedTokenizerFast, lesson: tuple[Sample, PracticeExample], *, practice: bool
) -> tuple:
    sample, example = lesson
    request = sample.request
    chat = practice_chat(request) if practice else answer_chat(request.messages)
    answer = render_practice(example) if practice else render_calls(sample.gold)
    tools: list[Any] = [tool.as_function() for tool in request.tools]
    prompt = tokenizer.apply_chat_template(chat, tools=tools, add_generation_prompt=True, tokenize=False)
    return prompt, answer + str(tokenizer.eos_token)


def _documents(config: TrainingConfig, tokenizer: PreTrainedTokenizerFast, step: int) -> Iterator[tuple]:
    """Yield the token ids and loss weights of each lesson of a step; a step's lessons depend on its number alone."""
    start = step * config.lessons_per_step
    for index, lesson in enumerate(islice(_lessons(config, start), config.lessons_per_step)):
        practice = (index + 0.5) / config.lessons_per_step < config.practice_share
        texts = _prompt_and_answer(tokenizer, lesson, practice=practice)
        prompt, answer = (tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts)
        yield prompt + answer, [config.prompt_weight] * len(prompt) + [1.0] * len(answer)


# -- the run --------------------------------------------------------------------------------------------------------


def build_tokenizer(config: TrainingConfig) -> PreTrainedTokenizerFast:
    """Train the tokenizer on rendered lessons of toolworld's training subset, or take that of the smaller agent."""
    if config.grown_from:
        if missing := missing_part(data_root() / config.grown_from):
            raise InputError(f"grown_from is {config.grown_from!r}, which lacks {missing}; expected an agent's folder")
        return PreTrainedTokenizerFast.from_pretrained(data_root() / config.grown_from)
    plain = train_tokenizer([], vocabulary=300)
    stream = islice(_lessons(config), config.tokenizer_lessons)
    texts = (
        "".join(_prompt_and_answer(plain, lesson, practice=practice)) for lesson in stream for practice in (False, True)
    )
    return train_tokenizer(texts, vocabulary=config.vocabulary)


def build_model(config: TrainingConfig, tokenizer: PreTrainedTokenizerFast) -> Qwen3ForCausalLM:
    """Make the model as training finds it (Qwen3 architecture, tied embeddings): seeded weights, or grown ones."""
    torch.manual_seed(config.seed)
    shape = Qwen3Config(
        vocab_size=len(tokenizer),
        hidden_size=config.hidden_size,
        num_hidden_layers=config.layers,
        num_attention_heads=config.heads,
        num_key_value_heads=config.heads,
        head_dim=config.hidden_size // config.heads,
        intermediate_size=config.feed_forward,
        tie_word_embeddings=True,
        max_position_embeddings=2048,
        bos_token_id=None,
        eos_token_id=tokenizer.get_vocab()[END],
        pad_token_id=tokenizer.get_vocab()[PAD],
    )
    model = Qwen3ForCausalLM(shape)
    if config.grown_from:
        logging.disable_progress_bar()
        smaller = Qwen3ForCausalLM.from_pretrained(data_root() / config.grown_from, dtype=torch.float32)
        times = config.layers // smaller.config.num_hidden_layers
        try:
            model.load_state_dict(grow(smaller.state_dict(), times=max(times, 1)))
        except RuntimeError as error:
            raise InputError(
                f"grown_from is {config.grown_from!r}, whose weights do not fit; expected an agent of the same "
                f"hidden_size, heads and feed_forward, and layers a multiple of its {smaller.config.num_hidden_layers}"
            ) from error
    return model


def _loss_function(model: Qwen3ForCausalLM, config: TrainingConfig) -> Callable[..., Tensor]:
    def loss(ids: Tensor, positions: Tensor, documents: Tensor, weights: Tensor) -> Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=config.bfloat16):
            mask = within_documents(documents)
            logits = model(input_ids=ids, position_ids=positions, attention_mask=mask, use_cache=False).logits
        losses = torch.nn.functional.cross_entropy(
            logits[:, :-1].float().flatten(0, 1), ids[:, 1:].flatten(), reduction="none"
        )
        return (losses * weights[:, 1:].flatten()).sum() / weights[:, 1:].sum()

    return torch.compile(loss) if config.compile else loss


def train(config: TrainingConfig, folder: Path, *, progress: bool = True) -> list[dict]:
    """Train an agent and save it to `folder` (weights in bfloat16, tokenizer, `training.json`, `training.parquet`).

    Goes on by itself from a checkpoint that an interrupted training left there.

    Returns:
        One row a step: `step`, `loss` (nats per weighted token), `tokens` (of this step), `seconds`.

    Raises:
        InputError: the folder cannot be written, holds something else, or a checkpoint of another configuration; the
            smaller agent cannot be grown to this one; or no lesson of a step fits into a row.
    """
    checkpoint = Checkpoint(folder, config)
    tokenizer = build_tokenizer(config)
    model = build_model(config, tokenizer)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=config.learning_rate, betas=(0.9, 0.95), weight_decay=config.weight_decay
    )
    log = checkpoint.restore(model, optimizer)
    steps = config.schedule[-1][0]
    loss_function = _loss_function(model, config)
    for step in tqdm(range(len(log), steps), initial=len(log), total=steps, disable=not progress):
        started = time.perf_counter()
        documents = _documents(config, tokenizer, step)
        batch = pack(documents, rows=config.rows, row_tokens=config.row_tokens, pad=tokenizer.get_vocab()[PAD])
        if not batch["weights"].any():
            raise InputError(f"row_tokens is {config.row_tokens}; expected room for a lesson of step {step}")
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(config, step)
        loss = loss_function(**batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), config.clip_norm)
        optimizer.step()
        optimizer.zero_grad()
        tokens = int((batch["documents"] != IGNORED).sum())
        log.append({"step": step, "loss": loss.item(), "tokens": tokens, "seconds": time.perf_counter() - started})
        if (step + 1) % config.checkpoint_steps == 0 and step + 1 < steps:
            checkpoint.save(model, optimizer, log)
    _save(model, tokenizer, config, log, folder)
    checkpoint.path.unlink(missing_ok=True)
    return log


def _save(
    model: Qwen3ForCausalLM, tokenizer: PreTrainedTokenizerFast, config: TrainingConfig, log: list[dict], folder: Path
) -> None:
    model.bfloat16().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    record = {"config": config.model_dump(mode="json"), "machine": machine("cpu"), "versions": versions()}
    (folder / "training.json").write_text(json.dumps(record, indent=2))
    pd.DataFrame(log).to_parquet(folder / "training.parquet", index=False)
