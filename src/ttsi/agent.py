"""A causal language model with its tokenizer: it generates, and scores candidate continuations. It never trains."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from transformers import GenerationConfig, LogitsProcessorList

from ttsi.calls import render_calls
from ttsi.models.batches import in_batches
from ttsi.models.loading import read
from ttsi.models.rows import AllowedTokens, Row
from ttsi.models.sampling import Draws, limited
from ttsi.prompts import Chat, answer_chat
from ttsi.records import Call, Request, Tool


class Agent:
    """Any Hugging Face causal language model whose chat template takes tools."""

    backend: ClassVar[str] = "peft"
    """Its entry in `ttsi.backends.BACKENDS`."""
    adapter: Any = None
    """The `ttsi.adaptation.SequentialAdapter` on its model, if there is one."""

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
    ) -> Self:
        """Load a model folder (`ttsi.models.loading.fetch` gives that of a model of the hub).

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

    def answer(self, request: Request) -> list[int]:
        """Return the ids of the greedy answer to one request."""
        (answer,) = self.generate([self.prompt(answer_chat(request.messages), request.tools)])
        return answer

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
        return first[: common_length(first, *others)]

    # -- the model --------------------------------------------------------------------------------------------------

    def generate(
        self,
        prompts: Sequence[Sequence[int]],
        *,
        temperature: float = 0.0,
        seed: int = 0,
        allowed: Sequence[AllowedTokens] = (),
    ) -> list[list[int]]:
        """Continue each prompt until the end of the agent's turn; greedy at temperature 0.

        Args:
            prompts: token ids, one list a row.
            temperature: softmax temperature, 0 for greedy decoding.
            seed: each row draws by (seed, row number) alone; the global generator is left as it was.
            allowed: limits the next token, one for each row.

        Returns:
            The new ids of each row, up to and with the end of the turn.

        Raises:
            OutOfMemory: one row alone does not fit into memory.
        """
        limits = allowed or [None] * len(prompts)
        rows = [
            Row(prompt, (seed, number), limit)
            for number, (prompt, limit) in enumerate(zip(prompts, limits, strict=True))
        ]
        return self.continued(rows, temperature=temperature)

    @torch.inference_mode()
    def continued(self, rows: Sequence[Row], *, temperature: float = 0.0) -> list[list[int]]:
        """Continue rows of any samples, as `generate` does, left-padded into batches that fit into memory."""
        longest = max(len(row.prompt) for row in rows) + self.max_new_tokens
        return in_batches(lambda part: self._continued(rows[part], temperature), len(rows), tokens=longest)

    def _continued(self, rows: Sequence[Row], temperature: float) -> list[list[int]]:
        pad, device = self.tokenizer.pad_token_id, self.model.device
        width = max(len(row.prompt) for row in rows)
        ids = [[pad] * (width - len(row.prompt)) + list(row.prompt) for row in rows]
        mask = [[0] * (width - len(row.prompt)) + [1] * len(row.prompt) for row in rows]
        draws = Draws(temperature, rows, device) if temperature else None

        def chosen(so_far: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
            scores = limited(scores, rows, so_far[:, width:].tolist())
            return draws(scores) if draws else scores

        out = self.model.generate(
            input_ids=torch.tensor(ids, device=device),
            attention_mask=torch.tensor(mask, device=device),
            generation_config=self.model.generation_config,
            logits_processor=LogitsProcessorList([chosen]),
        )
        return [_until(row, self.ends) for row in out[:, width:].tolist()]

    def log_likelihoods(self, prompt: Sequence[int], candidates: Sequence[Sequence[int]]) -> torch.Tensor:
        """Return log P(candidate | prompt) in nats for each candidate.

        Returns:
            A float tensor of shape (candidates,), the sums over each candidate's tokens.

        Raises:
            OutOfMemory: one candidate alone does not fit into memory.
        """
        (scores,) = self.scored([Row(prompt)], [candidates])
        return scores

    @torch.inference_mode()
    def scored(self, rows: Sequence[Row], candidates: Sequence[Sequence[Sequence[int]]]) -> list[torch.Tensor]:
        """Return log P(candidate | prompt) for the candidates of each row: tensors of shape (candidates,), nats."""

        def score(prompt: Sequence[int], of_row: Sequence[Sequence[int]]) -> torch.Tensor:
            def batch(part: slice) -> list[torch.Tensor]:
                return list(self._log_likelihoods(prompt, of_row[part]))

            return torch.stack(in_batches(batch, len(of_row), tokens=len(prompt) + max(map(len, of_row))))

        return [score(row.prompt, of_row) for row, of_row in zip(rows, candidates, strict=True)]

    @contextmanager
    def sharing(self, tools: Sequence[Sequence[Tool]]) -> Iterator[None]:
        """Inside the block sample b is offered `tools[b]`; an agent may compute what that fixes of a prompt once."""
        yield

    def _log_likelihoods(self, prompt: Sequence[int], candidates: Sequence[Sequence[int]]) -> torch.Tensor:
        length = max(map(len, candidates))
        padded = [[*row, *[self.tokenizer.pad_token_id] * (length - len(row))] for row in candidates]
        ids = torch.tensor([[*prompt, *row] for row in padded], device=self.model.device)
        logits = self.model(input_ids=ids, logits_to_keep=length + 1, use_cache=False).logits[:, :-1]
        chosen = logits.float().log_softmax(-1).gather(-1, ids[:, len(prompt) :, None])[..., 0]
        real = torch.tensor([[i < len(row) for i in range(length)] for row in candidates], device=ids.device)
        return chosen.masked_fill(~real, 0.0).sum(-1)


def common_length(*lists: Sequence[int]) -> int:
    """Return how many ids all lists begin with alike."""
    return sum(1 for _ in takewhile(lambda ids: len(set(ids)) == 1, zip(*lists, strict=False)))


def _until(ids: list[int], ends: frozenset[int]) -> list[int]:
    return ids[: next((i for i, token in enumerate(ids) if token in ends), len(ids)) + 1]
