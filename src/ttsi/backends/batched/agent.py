"""An agent that computes many samples at once, the beginning that a sample's prompts share only once.

Batches are padded on the right. Where nothing stands before it a pass is causal and needs no mask: a padded position
comes after all real ones. Nor does a single token that reads all that stands before it. Elsewhere a mask leaves the
padding out.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch

from ttsi.agent import Agent, common_length
from ttsi.backends.batched.attention import GROUPED, additive, within
from ttsi.backends.batched.cache import growing
from ttsi.backends.batched.context import Context
from ttsi.backends.batched.generation import generate
from ttsi.backends.batched.last_layer import LastLayer, at
from ttsi.models.batches import fitting, in_batches, rows_at_once
from ttsi.models.rows import Row
from ttsi.records import InputError, Tool

MODEL_TYPES = ("llama", "qwen2", "qwen3")
"""Model types whose modules are as this agent expects: a decoder below a head, and full attention in every layer."""


class BatchedAgent(Agent):
    """An agent of the Llama, Qwen2 or Qwen3 family; answers, scores and practice are those of `Agent`."""

    backend = "batched"

    def __init__(self, model: Any, tokenizer: Any, *, max_new_tokens: int = 200) -> None:
        found = model.config.model_type
        if found not in MODEL_TYPES or getattr(model.config, "use_sliding_window", False):
            raise InputError(
                f"the batched backend has found a model of type {found!r}; expected {' or '.join(MODEL_TYPES)} with "
                "full attention, or --backend peft"
            )
        super().__init__(model.requires_grad_(False), tokenizer, max_new_tokens=max_new_tokens)
        model.set_attn_implementation(GROUPED)
        self.decoder, self.head = model.get_decoder(), model.get_output_embeddings()
        self._last = LastLayer(self.decoder.layers[-1])
        self._before: Callable[[Sequence[int]], None] | None = None
        self._prefixes: list[list[int]] = []
        self._shared: list[tuple[torch.Tensor, torch.Tensor]] = []

    @contextmanager
    def before_each_pass(self, callback: Callable[[Sequence[int]], None]) -> Iterator[None]:
        """Inside the block `callback` is called before each pass with the index of each row."""
        earlier, self._before = self._before, callback
        try:
            yield
        finally:
            self._before = earlier

    def announce(self, indices: Sequence[int]) -> None:
        """Tell who asked `before_each_pass` whose rows come next: the index of each row's sample."""
        if self._before:
            self._before(indices)

    # -- what is shared ---------------------------------------------------------------------------------------------

    @contextmanager
    def sharing(self, tools: Sequence[Sequence[Tool]]) -> Iterator[None]:
        """Inside the block a prompt with the tools of its sample is computed from where the first message begins.

        The keys and values before that are computed here, by the model as it is now, and without gradients.
        """
        with self.sharing_prefixes([self.shared_prefix(of_sample) for of_sample in tools]):
            yield

    @contextmanager
    def sharing_prefixes(self, prefixes: Sequence[list[int]]) -> Iterator[None]:
        """Inside the block a prompt of sample b that begins with `prefixes[b]` is computed from there on."""
        before = self._prefixes, self._shared
        self._prefixes, self._shared = [], []
        if prefixes:
            self._read(list(prefixes))
        try:
            yield
        finally:
            self._prefixes, self._shared = before

    def shared_prefix(self, tools: Sequence[Tool]) -> list[int]:
        """Return the ids that every prompt with these tools begins with."""
        chats = ([{"role": "user", "content": content}] for content in "a0")
        first, second = (self.prompt(chat, tools) for chat in chats)
        return first[: common_length(first, second)]

    @torch.no_grad()
    def _read(self, prefixes: list[list[int]]) -> None:
        indices = range(len(prefixes))
        context = self.begin([Row(prefix, index=index) for index, prefix in zip(indices, prefixes, strict=True)])
        with fitting(max(map(len, prefixes))):
            self.advance(context, prefixes, indices, asked=[[0]] * len(prefixes))
        layers: Any = context.cache.layers
        self._prefixes, self._shared = prefixes, [(layer.keys, layer.values) for layer in layers]

    def unread(self, rows: Sequence[Row]) -> list[Sequence[int]]:
        """Return what of each prompt is not shared."""
        return [row.prompt[self._cut(row) :] for row in rows]

    def _cut(self, row: Row) -> int:
        prefix = self._prefixes[row.index] if self._prefixes else []
        begins = len(row.prompt) > len(prefix) and list(row.prompt[: len(prefix)]) == prefix
        return len(prefix) if begins else 0

    def begin(self, rows: Sequence[Row]) -> Context:
        """Return the context of rows of which only the shared prefixes are read."""
        device = self.model.device
        lengths = [self._cut(row) for row in rows]
        cuts, width = torch.tensor(lengths, device=device), max(lengths)
        if not width:
            return Context(growing(), torch.ones(len(rows), 0, dtype=torch.bool, device=device), cuts)
        indices = torch.tensor([row.index for row in rows], device=device)
        shared = [(keys[indices, :, :width], values[indices, :, :width]) for keys, values in self._shared]
        real = torch.arange(width, device=device) < cuts[:, None]
        return Context(growing(shared), real, cuts, padded=min(lengths) < width)

    # -- passes -----------------------------------------------------------------------------------------------------

    def advance(
        self,
        context: Context,
        ids: Sequence[Sequence[int]],
        indices: Sequence[int],
        *,
        segments: Sequence[Sequence[int]] | None = None,
        asked: Sequence[Sequence[int]] | None = None,
    ) -> torch.Tensor:
        """Read more tokens of each row; the context grows by them.

        Args:
            context: what was read before.
            ids: token ids, a list a row; padded on the right.
            indices: of the sample of each row, in its batch.
            segments: number of the segment of each token: 0 is read by all that follow, any other by itself alone, and
                its positions go on from where segment 0 ends. Everything is in segment 0 unless told.
            asked: places in `ids` of the tokens, in each row, whose hidden states are wanted; all unless told.

        Returns:
            Hidden states of the last layer: (rows, longest, hidden size), where `asked` is told (rows, most asked,
            hidden size), padded on the right.
        """
        device, lengths = self.model.device, [len(row) for row in ids]
        width = max(lengths)
        tokens = _padded(ids, self.tokenizer.pad_token_id, width, device)
        order = torch.arange(width, device=device)
        real = order < torch.tensor(lengths, device=device)[:, None]
        segment = None if segments is None else _padded(segments, -1, width, device)
        reads, places = within(order, segment)
        mask = None if segment is None and context.reads_all(width) else self._mask(context, reads)
        self.announce(indices)
        with self._asked(asked, context, reads):
            hidden = self.decoder(
                input_ids=tokens,  # (rows, width)
                attention_mask=mask,  # (rows, 1, width, keys), or none
                position_ids=context.position[:, None] + places,  # (rows, width)
                past_key_values=context.cache,  # a layer's keys: (rows, key heads, keys, head size)
                use_cache=True,
            ).last_hidden_state  # (rows, width or most asked, hidden size)
        context.real = torch.cat([context.real, real], 1)
        context.position = context.position + real.sum(1)
        context.padded |= min(lengths) < width
        return hidden

    def _asked(
        self, asked: Sequence[Sequence[int]] | None, context: Context, reads: torch.Tensor
    ) -> AbstractContextManager[None]:
        if asked is None:
            return nullcontext()
        places = _padded(asked, 0, max(map(len, asked)), self.model.device)
        return self._last.asked(places, self._mask(context, at(reads.expand(len(asked), -1, -1), places)))

    def _mask(self, context: Context, reads: torch.Tensor) -> torch.Tensor:
        before = context.real[:, None].expand(-1, reads.shape[1], -1)
        reads = torch.cat([before, reads.expand(len(before), -1, -1)], -1)
        config = self.model.config
        return additive(reads, config.num_attention_heads // config.num_key_value_heads, self.model.dtype)

    def continued(self, rows: Sequence[Row], *, temperature: float = 0.0) -> list[list[int]]:
        """Continue rows of any samples, as `generate` does; a row that is done leaves the batch."""
        longest = max(len(row.prompt) for row in rows) + self.max_new_tokens
        at_once = rows_at_once(self.model, held=longest, computed=max(map(len, self.unread(rows))))
        return in_batches(
            lambda part: generate(self, rows[part], temperature), len(rows), tokens=longest, at_once=at_once
        )

    def scored(self, rows: Sequence[Row], candidates: Sequence[Sequence[Sequence[int]]]) -> list[torch.Tensor]:
        """Return log P(candidate | prompt) for the candidates of each row, all of a row in one pass over its prompt."""
        asked = [sum(map(len, of_row)) for of_row in candidates]
        longest = max(len(row.prompt) + tokens for row, tokens in zip(rows, asked, strict=True))
        computed = max(len(rest) + tokens for rest, tokens in zip(self.unread(rows), asked, strict=True))
        at_once = rows_at_once(self.model, held=longest, computed=computed, scored=max(asked))
        return in_batches(
            lambda part: self._scored(rows[part], candidates[part]), len(rows), tokens=longest, at_once=at_once
        )

    @torch.inference_mode()
    def _scored(self, rows: Sequence[Row], candidates: Sequence[Sequence[Sequence[int]]]) -> list[torch.Tensor]:
        unread = self.unread(rows)
        ids = [[*rest, *(token for one in of for token in one)] for rest, of in zip(unread, candidates, strict=True)]
        segments = [
            [0] * len(rest) + [number for number, one in enumerate(of, 1) for _ in one]
            for rest, of in zip(unread, candidates, strict=True)
        ]
        asked = [range(len(rest) - 1, len(row)) for rest, row in zip(unread, ids, strict=True)]
        indices = [row.index for row in rows]
        hidden = self.advance(self.begin(rows), ids, indices, segments=segments, asked=asked)
        before, targets, owners = _predictions(candidates)
        device = hidden.device
        row_of, place = torch.tensor(before, device=device).T
        logits = self.head(hidden[row_of, place]).float()  # (tokens of all candidates, vocabulary)
        chosen = logits.log_softmax(-1).gather(-1, torch.tensor(targets, device=device)[:, None])[:, 0]  # (tokens,)
        counts = [len(of) for of in candidates]
        sums = torch.zeros(sum(counts), device=device).index_add_(0, torch.tensor(owners, device=device), chosen)
        return list(sums.split(counts))


def _padded(ids: Sequence[Sequence[int]], pad: int, width: int, device: torch.device) -> torch.Tensor:
    return torch.tensor([[*row, *[pad] * (width - len(row))] for row in ids], device=device)


def _predictions(
    candidates: Sequence[Sequence[Sequence[int]]],
) -> tuple[list[tuple[int, int]], list[int], list[int]]:
    """Return, for each token of each candidate, (row, place) of the token before it, its id, and its candidate.

    Place 0 is the last of the prompt, and the candidates follow.
    """
    before, targets, owners, number = [], [], [], 0
    for row, of_row in enumerate(candidates):
        start = 1
        for candidate in of_row:
            before += [(row, place) for place in (0, *range(start, start + len(candidate) - 1))]
            targets += candidate
            owners += [number] * len(candidate)
            start, number = start + len(candidate), number + 1
    return before, targets, owners
