"""What the benchmark computes: for each sample prompts, candidates and lessons as token ids, so that any model can."""

from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

from ttsi import benchmarks
from ttsi.adaptation import Ids, lesson_ids
from ttsi.agent import Agent, common_length
from ttsi.prompts import answer_chat, practice_chat
from ttsi.records import PracticeExample

ANSWER_TOKENS, PRACTICE_TOKENS, REQUEST_TOKENS = 60, 120, 40
TOOLS, TOOL_TOKENS = 5, 8
"""Of the samples of random tokens, beside their prefix."""

SHAPES: dict[str, dict[str, Any]] = {
    "30M": {"hidden_size": 512, "num_hidden_layers": 10, "num_attention_heads": 8, "intermediate_size": 1536},
    "135M": {
        "hidden_size": 576,
        "num_hidden_layers": 30,
        "num_attention_heads": 9,
        "num_key_value_heads": 3,
        "intermediate_size": 1536,
        "vocab_size": 49152,
    },
}
"""Models of Qwen2's kind with random weights: one between the tiny agent and the real ones, and SmolLM2's shape."""


@dataclass(frozen=True)
class Work:
    """One sample to adapt to."""

    prefix: list[int]
    """What all its prompts begin with."""
    prompt: list[int]
    candidates: list[list[int]]
    """The tools' openings, which H scores."""
    practice: list[int]
    """The prompt of G."""
    lessons: list[Ids]
    """What T trains on, whatever G wrote: the same for every way to compute it."""


def toolworld(agent: Agent, samples: int, *, k: int) -> list[Work]:
    """Return samples of toolworld; each is trained on `k` answered requests of other samples, with its own tools."""
    drawn = benchmarks.load("toolworld", "single/unseen", subset="validation", seed=1, limit=samples + k)
    work = []
    for number, sample in enumerate(drawn[:samples]):
        request = sample.request
        prompt = agent.prompt(answer_chat(request.messages), request.tools)
        practice = agent.prompt(practice_chat(request), request.tools)
        others = [drawn[number + step] for step in range(1, k + 1)]
        examples = [PracticeExample(messages=other.request.messages, calls=other.gold) for other in others]
        lessons = [lesson_ids(agent, (example, request.tools)) for example in examples]
        prefix = prompt[: common_length(prompt, practice, *(ids for ids, _ in lessons))]
        candidates = [agent.call_opening(tool.name) for tool in request.tools]
        work.append(Work(prefix, prompt, candidates, practice, lessons))
    return work


def random_tokens(samples: int, *, prefix: int, k: int, vocabulary: int = 1000) -> list[Work]:
    """Return samples of random tokens with a prefix of so many; what a step takes does not depend on which they are."""
    rng = Random(0)

    def tokens(count: int) -> list[int]:
        return [rng.randrange(10, vocabulary) for _ in range(count)]

    work = []
    for _ in range(samples):
        first = tokens(prefix)
        lessons = [(first + tokens(REQUEST_TOKENS), tokens(ANSWER_TOKENS)) for _ in range(k)]
        candidates = [tokens(TOOL_TOKENS) for _ in range(TOOLS)]
        work.append(Work(first, first + tokens(REQUEST_TOKENS), candidates, first + tokens(REQUEST_TOKENS), lessons))
    return work


def random_model(shape: dict[str, Any], folder: Path, *, tokenizer: Path, dtype: str, device: str = "cpu") -> Path:
    """Write a model of a shape with random weights, and a tokenizer; how long it takes depends on neither's values."""
    settings = {"model_type": "qwen2", "vocab_size": 1026, "tie_word_embeddings": True, **shape}
    settings.setdefault("num_key_value_heads", settings["num_attention_heads"])
    torch.manual_seed(0)
    config = AutoConfig.for_model(**settings, max_position_embeddings=4096)
    with torch.device(device):
        AutoModelForCausalLM.from_config(config, dtype=getattr(torch, dtype)).save_pretrained(folder)
    AutoTokenizer.from_pretrained(tokenizer).save_pretrained(folder)
    return folder
