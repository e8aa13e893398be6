"""A causal language model with its tokenizer: it generates, and scores candidate continuations. It never trains."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import GenerationConfig, LogitsProcessorList

from ttsi.agent.loading import read
from ttsi.agent.rows import Draws, in_batches
from ttsi.calls import render_calls
from ttsi.prompts import Chat
from ttsi.records import Call, Tool

AllowedTokens = Callable[[int, torch.Tensor], list[int]]
"""As `transformers` has it: (row, ids so far, 1-d) -> the ids that may come next."""


class Agent:
    """Any Hugging Face causal language model whose chat template takes tools."""

    def __init__(self, model: Any, tokenizer: Any, *, max_new_tokens: int = 200) -> None:
        self.model, self.tokenizer, self.max_new_tokens = model.eval(), tokenizer, max_new_tokens
        named = model.generation_config.eos_token_id
        self.ends: frozenset[int] = frozenset(
            [tokenizer.eos_token_id, *([named] if isinstance(named, int) else named or ())]
        )
        """Tokens that end a turn: the tokenizer's, and those that the model's folder names."""
        # All else that the folder advises (Qwen2.5: a repetition penalty, top-k and top-p) is left out; it would fill
        # in whatever a call leaves open.
        self.model.generation_config = GenerationConfig(
            do_sample=False,
            max_new_tokens=max_new_tokens,
            pad_token_id=tokenizer.pad_token_id,
            eos_token_id=sorted(self.ends),
        )

    @classmethod
    def load(
        cls, source: str | Path, *, device: str = "cpu", dtype: str = "float32", max_new_tokens: int = 200
    ) -> "Agent":
        """Load a model folder (`ttsi.agent.loading.fetch` gives that of a model of the hub).

        Raises:
            InputError: the folder or a part of it is missing or unreadable, the device is not there or its memory is
                too small, or the chat template takes no tools.
        """
        model, tokenizer = read(Path(source), device=device, dtype=dtype)
        return cls(model, tokenizer, max_new_tokens=max_new_tokens)

    # -- tokens -----------------------------------------------------------------------------------------------------

    def prompt(self, chat: Chat, tools: Sequence[Tool]) -> list[int]:
        """Return the ids of a chat with its tools, up to where the agent's turn begins."""
        functions = [tool.as_function() for tool in tools]
        text = self.tokenizer.apply_chat_template(chat, tools=functions, add_generation_prompt=True, tokenize=False)
        return self.encode(text)

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text, without special tokens of the tokenizer's own."""
        return self.tokenizer(text, add_special_tokens=False)["input_ids"]

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of generated ids, without end-of-turn and padding."""
        return self.tokenizer.decode(ids, skip_special_tokens=True).strip()

    def completion(self, text: str) -> list[int]:
        """Return the ids of an agent's whole turn."""
        return [*self.encode(text), self.tokenizer.eos_token_id]

    def call_opening(self, name: str) -> list[int]:
        """Return the ids of a call of tool `name` up to its arguments.

        Cut where the tokenizer would cut whatever the arguments are: a forced prefix that ends within a token
        puts the continuation off distribution.
        """
        endings: tuple[dict, ...] = ({}, {"a": 1}, {"0": ""})
        first, *others = (self.encode(render_calls([Call(name=name, arguments=ending)])) for ending in endings)
        length = min(_common_length(first, other) for other in others)
        return first[:length]

    # -- the model --------------------------------------------------------------------------------------------------

    @torch.inference_mode()
    def generate(
        self,
        prompts: Sequence[Sequence[int]],
        *,
        temperature: float = 0.0,
        seed: int = 0,
        allowed: AllowedTokens | None = None,
    ) -> list[list[int]]:
        """Continue each prompt until the end of the agent's turn; greedy at temperature 0.

        Args:
            prompts: token ids, one list a row; rows are left-padded into one batch, or smaller ones if memory is short.
            temperature: softmax temperature, 0 for greedy decoding.
            seed: each row draws by (seed, row number) alone; the global generator is left as it was.
            allowed: limits the next token, as in `transformers`.

        Returns:
            The new ids of each row, up to and with the end of the turn.

        Raises:
            OutOfMemory: one row alone does not fit into memory.
        """

        def batch(rows: range) -> list[list[int]]:
            draws = [Draws(temperature, seed=seed, rows=rows, device=self.model.device)] if temperature else []
            return self._continue([prompts[row] for row in rows], LogitsProcessorList(draws), _numbered(allowed, rows))

        return in_batches(batch, len(prompts), tokens=max(map(len, prompts)) + self.max_new_tokens)

    def _continue(
        self, prompts: Sequence[Sequence[int]], processors: LogitsProcessorList, allowed: AllowedTokens | None
    ) -> list[list[int]]:
        pad = self.tokenizer.pad_token_id
        width = max(map(len, prompts))
        ids = torch.tensor([[pad] * (width - len(row)) + list(row) for row in prompts], device=self.model.device)
        mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in prompts], device=self.model.device)
        out = self.model.generate(
            input_ids=ids,
            attention_mask=mask,
            generation_config=self.model.generation_config,
            logits_processor=processors,
            prefix_allowed_tokens_fn=allowed,
        )
        return [_until(row, self.ends) for row in out[:, width:].tolist()]

    @torch.inference_mode()
    def log_likelihoods(self, prompt: Sequence[int], candidates: Sequence[Sequence[int]]) -> torch.Tensor:
        """Return log P(candidate | prompt) in nats for each candidate, in one batch if it fits.

        Returns:
            A float tensor of shape (candidates,), the sums over each candidate's tokens.

        Raises:
            OutOfMemory: one candidate alone does not fit into memory.
        """

        def batch(rows: range) -> list[torch.Tensor]:
            return list(self._log_likelihoods(prompt, [candidates[row] for row in rows]))

        longest = len(prompt) + max(map(len, candidates))
        return torch.stack(in_batches(batch, len(candidates), tokens=longest))

    def _log_likelihoods(self, prompt: Sequence[int], candidates: Sequence[Sequence[int]]) -> torch.Tensor:
        length = max(map(len, candidates))
        padded = [[*row, *[self.tokenizer.pad_token_id] * (length - len(row))] for row in candidates]
        ids = torch.tensor([[*prompt, *row] for row in padded], device=self.model.device)
        logits = self.model(input_ids=ids, logits_to_keep=length + 1, use_cache=False).logits[:, :-1]
        chosen = logits.float().log_softmax(-1).gather(-1, ids[:, len(prompt) :, None])[..., 0]
        real = torch.tensor([[i < len(row) for i in range(length)] for row in candidates], device=ids.device)
        return chosen.masked_fill(~real, 0.0).sum(-1)


def _common_length(first: list[int], second: list[int]) -> int:
    pairs = zip(first, second, strict=False)
    return next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(first), len(second)))


def _numbered(allowed: AllowedTokens | None, rows: range) -> AllowedTokens | None:
    """Return the limit for a batch of these rows, in which they are counted from 0."""
    return None if allowed is None else lambda row, ids: allowed(rows[row], ids)


def _until(ids: list[int], ends: frozenset[int]) -> list[int]:
    return ids[: next((i for i, token in enumerate(ids) if token in ends), len(ids)) + 1]
