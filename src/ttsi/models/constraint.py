"""Decoding limited to calls of the offered tools with arguments that their schemas name."""

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from llguidance import LLMatcher, LLTokenizer
from llguidance.hf import from_tokenizer
from transformers import PreTrainedTokenizerFast

from ttsi.calls import CLOSE, OPEN
from ttsi.records import Tool

if TYPE_CHECKING:
    from ttsi.agent import Agent


class OfferedCalls:
    """Allows one or more calls, each of an offered tool and with arguments of its schema; values stay free.

    Arguments come in the schema's order, and none is required. It limits one row, as `Row.allowed`, and follows it;
    with `then_text` free text follows the calls, as in a practice example.
    """

    def __init__(self, agent: "Agent", tools: Sequence[Tool], *, then_text: bool = False) -> None:
        vocabulary = agent.tokenizer.get_vocab()
        self._vocabulary = agent.model.config.vocab_size
        tokenizer = _tokenizer(agent.tokenizer, self._vocabulary)
        self._matcher = LLMatcher(tokenizer, _grammar(tools, OPEN in vocabulary, then_text))
        self._end, self._read = agent.tokenizer.eos_token_id, 0

    def __call__(self, written: Sequence[int]) -> np.ndarray:
        """Return whether each id may come next, (vocabulary,); `written` has grown since the last call, or is new."""
        if self._end in written:
            return np.arange(self._vocabulary) == self._end
        if len(written) < self._read:
            self._matcher.reset()
            self._read = 0
        self._matcher.consume_tokens(list(written[self._read :]))
        self._read = len(written)
        mask = np.frombuffer(self._matcher.compute_bitmask(), dtype=np.uint8)
        return np.unpackbits(mask, count=self._vocabulary, bitorder="little").view(bool)


@lru_cache(maxsize=1)
def _tokenizer(tokenizer: PreTrainedTokenizerFast, vocabulary: int) -> LLTokenizer:
    return from_tokenizer(tokenizer, n_vocab=vocabulary)


def _grammar(tools: Sequence[Tool], tags_are_tokens: bool, then_text: bool) -> str:
    """Return the grammar of the calls in `llguidance`'s dialect of Lark, with a JSON schema for each tool."""
    opening, closing = (OPEN, CLOSE) if tags_are_tokens else (json.dumps(OPEN), json.dumps(CLOSE))
    tool_rules = [f"tool{number}: %json {json.dumps(_schema(tool))}" for number, tool in enumerate(tools)]
    names = " | ".join(f"tool{number}" for number in range(len(tools)))
    block = f'block: {opening} "\\n" ({names}) "\\n" {closing}'
    text = r' "\n" /(.|\n)+/' if then_text else ""
    return "\n".join(['start: block ("\\n" block)*' + text, block, *tool_rules])


def _schema(tool: Tool) -> dict:
    """Return the schema of a call as `ttsi.calls.render_calls` writes it."""
    names = tool.parameters.get("properties", {})
    arguments = {"type": "object", "properties": {name: {} for name in names}, "additionalProperties": False}
    return {
        "type": "object",
        "properties": {"name": {"const": tool.name}, "arguments": arguments},
        "required": ["name", "arguments"],
        "additionalProperties": False,
        "x-guidance": {"item_separator": ", ", "key_separator": ": ", "whitespace_flexible": False},
    }
