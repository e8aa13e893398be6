"""The text of calls: Qwen's (Hermes) format, one `<tool_call>` block a call, written and read back.

    <tool_call>
    {"name": "book_table", "arguments": {"guests": 4}}
    </tool_call>

As in Qwen's chat template, words may stand before the first block; after it come only blocks.
"""

import json
from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from ttsi.json_values import first_value
from ttsi.records import Call

OPEN, CLOSE = "<tool_call>", "</tool_call>"
FIELDS = {"name", "arguments"}


class MalformedCall(ValueError):  # noqa: N818 - it names what was found
    """An output that is not in the format of calls; the message says what was found."""


def render_calls(calls: Iterable[Call]) -> str:
    """Return calls as the text that an agent is trained to write; no call is the empty text."""
    return "\n".join(f"{OPEN}\n{json.dumps(call.model_dump(), ensure_ascii=False)}\n{CLOSE}" for call in calls)


def parse_calls(text: str) -> tuple[Call, ...]:
    """Read the calls of an agent's output, in order; an empty output holds none.

    Raises `MalformedCall` for words without a block or after one, a block that is not closed, and a block that
    is not one JSON object of exactly a name and arguments, or that holds a value which JSON does not have
    (`ttsi.json_values`).
    """
    if not text.strip():
        return ()
    if OPEN not in text:
        raise MalformedCall(f"expected {OPEN}, found {excerpt(text)}")
    calls, rest = [], text[text.index(OPEN) :]
    while rest:
        call, rest = _read_block(rest)
        calls.append(call)
    return tuple(calls)


def read_call(value: Any) -> Call:
    """Return the call that a JSON value is: an object of exactly a name and arguments.

    Raises:
        MalformedCall: the value is not that.
    """
    if not isinstance(value, dict) or set(value) != FIELDS:
        raise MalformedCall(f"expected an object of name and arguments, found {excerpt(json.dumps(value))}")
    try:
        return Call.model_validate(value)
    except ValidationError as error:
        raise MalformedCall(
            f"expected a text as name and an object as arguments, found {excerpt(json.dumps(value))}"
        ) from error


def excerpt(text: str, limit: int = 80) -> str:
    """Return the beginning of a text, at most `limit` characters, as an error message quotes it."""
    shown = text if len(text) <= limit else text[:limit] + "…"
    return repr(shown) if shown else "the end of the output"


def _read_block(text: str) -> tuple[Call, str]:
    """Return the call of the block that `text` starts with, and the text after that block."""
    value, rest = _read_json(_after(OPEN, text))
    return read_call(value), _after(CLOSE, rest)


def _after(tag: str, text: str) -> str:
    if not text.startswith(tag):
        raise MalformedCall(f"expected {tag}, found {excerpt(text)}")
    return text.removeprefix(tag).strip()


def _read_json(text: str) -> tuple[Any, str]:
    """Return the JSON value that `text` starts with, and the rest; a value may hold a tag within a string."""
    try:
        value, rest = first_value(text)
    except ValueError as error:
        raise MalformedCall(f"expected a JSON object after {OPEN}, found {excerpt(text)} ({error})") from error
    return value, rest.strip()
