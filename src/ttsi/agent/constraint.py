"""Decoding limited to calls of the offered tools with arguments that their schemas name."""

import json
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from llguidance import LLMatcher, LLTokenizer
from llguidance.hf import from_tokenizer
from transformers import PreTrainedTokenizerFast

from ttsi.agent.agent import Agent
from ttsi.calls import CLOSE, OPEN
from ttsi.records import Tool


class OfferedCalls:
    """Allows one or more calls, each of an offered tool and with arguments of its schema; values stay free.

    Arguments come in the schema's order, and none is required. It limits one row, as `Row.allowed`, and follows it.

    Args:
        agent: whose tokens are limited.
        tools: the offered ones.
        then_text: free text follows the calls, as in a practice example.
    """

    def __init__(self, agent: Agent, tools: Sequence[Tool], *, then_text: bool = False) -> None:
        vocabulary = agent.tokenizer.get_vocab()
        tokenizer = _tokenizer(agent.tokenizer, agent.model.config.vocab_size)
        self._matcher = LLMatcher(tokenizer, _grammar(tools, OPEN in vocabulary, then_text))
        self._end, self._read = agent.tokenizer.eos_token_id, 0

    def __call__(self, written: Sequence[int]) -> Sequence[int]:
        """Return the ids that may come next; `written` has grown since the last call, or starts anew."""
        if self._end in written:
            return [self._end]
        if len(written) < self._read:
            self._matcher.reset()
            self._read = 0
        self._matcher.consume_tokens(list(written[self._read :]))
        self._read = len(written)
        mask = np.frombuffer(self._matcher.compute_bitmask(), dtype=np.uint8)
        return np.flatnonzero(np.unpackbits(mask, bitorder="little")).tolist()


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
