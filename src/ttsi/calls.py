"""The text of calls: Qwen's (Hermes) format, one `<tool_call>` block a call, written and read back.

    <tool_call>
    {"name": "book_table", "arguments": {"guests": 4}}
    </tool_call>

As in Qwen's chat template, words may stand before the first block; after it come only blocks.
"""

import json
import math
from collections.abc import Callable, Iterable
from typing import Any, Never

from pydantic import ValidationError

from ttsi.records import Call

OPEN, CLOSE = "<tool_call>", "</tool_call>"
FIELDS = {"name", "arguments"}

DEEPEST = 64
"""Levels of lists and objects in a value; every file of the benchmarks has far fewer."""

_BITS = 1024
"""Of an integer: a longer one is beyond the largest 64-bit float, about 1.8e308."""
_DIGITS = 309
"""Of the longest integer of so many bits."""
_TOO_LARGE = "a number is beyond the 64-bit floats that JSON readers take"


class MalformedCall(ValueError):  # noqa: N818 - it names what was found
    """An output that is not in the format of calls; the message says what was found."""


def render_calls(calls: Iterable[Call]) -> str:
    """Return calls as the text that an agent is trained to write; no call is the empty text."""
    return "\n".join(f"{OPEN}\n{json.dumps(call.model_dump(), ensure_ascii=False)}\n{CLOSE}" for call in calls)


def parse_calls(text: str) -> tuple[Call, ...]:
    """Read the calls of an agent's output, in order; an empty output holds none.

    Raises `MalformedCall` for words without a block or after one, a block that is not closed, and a block that
    is not one JSON object of exactly a name and arguments, or that holds a value which JSON does not have.
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
    """Return the call that a JSON value is, an object of exactly a name and arguments; else raises `MalformedCall`."""
    if not isinstance(value, dict) or set(value) != FIELDS:
        raise MalformedCall(f"expected an object of name and arguments, found {excerpt(json.dumps(value))}")
    try:
        return Call.model_validate(value)
    except ValidationError as error:
        raise MalformedCall(
            f"expected a text as name and an object as arguments, found {excerpt(json.dumps(value))}"
        ) from error


def excerpt(text: str, limit: int = 80, *, empty: str = "the end of the output") -> str:
    """Return the beginning of a text, at most `limit` characters, as an error message quotes it."""
    shown = text if len(text) <= limit else text[:limit] + "…"
    return repr(shown) if shown else empty


def first_line(error: BaseException) -> str:
    """Return the first line of what an error says, or else its name, as the message of another error gives it."""
    return (str(error) or type(error).__name__).splitlines()[0]


def _read_block(text: str) -> tuple[Call, str]:
    """Return the call of the block that `text` starts with, and the text after that block."""
    inside = _after(OPEN, text)
    try:
        value, rest = first_value(inside)  # which may hold a tag within a string
    except ValueError as error:
        raise MalformedCall(f"expected a JSON object after {OPEN}, found {excerpt(inside)} ({error})") from error
    return read_call(value), _after(CLOSE, rest.strip())


def _after(tag: str, text: str) -> str:
    if not text.startswith(tag):
        raise MalformedCall(f"expected {tag}, found {excerpt(text)}")
    return text.removeprefix(tag).strip()


# -- JSON values that every JSON reader takes, whatever Python's own reader takes beyond them ----------------------


def plain(value: Any, depth: int = 0) -> Any:
    """Return the value of a reader of JSON or of Python literals with tuples as lists.

    Raises:
        ValueError: the value, or one within it, cannot be written as JSON in UTF-8, or is nested too deeply. Half of a
            surrogate pair is a `UnicodeEncodeError`.
    """
    if depth > DEEPEST:
        raise ValueError("nested too deeply")
    match value:
        case None | bool():
            return value
        case str():
            value.encode()
            return value
        case int() | float():
            return _number(value)
        case list() | tuple():
            return [plain(item, depth + 1) for item in value]
        case dict() if all(isinstance(key, str) for key in value):
            return {plain(key): plain(item, depth + 1) for key, item in value.items()}
    raise ValueError(f"{type(value).__name__} is no JSON value")


def first_value(text: str, *, repeats: bool = False) -> tuple[Any, str]:
    """Return the JSON value that a text starts with, and the text after it.

    Args:
        text: what is read from its first character on.
        repeats: take an object in which a key stands again with the same value.

    Raises:
        ValueError: the text starts with no JSON value, with one in which a key stands twice in an object (with
            `repeats`: with two values), or with one that `plain` refuses, as `1e999` and half of a surrogate pair.
    """
    try:
        value, end = (_REPEATING if repeats else _UNIQUE).raw_decode(text)
        return plain(value), text[end:]
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except UnicodeEncodeError:
        raise ValueError("half of a surrogate pair is no text") from None


def refuse_constant(name: str) -> Never:
    """Refuse `NaN`, `Infinity` and `-Infinity`, as `parse_constant` of a JSON decoder."""
    raise ValueError(f"{name} is not JSON")


def _number(value: float) -> float:
    if value.bit_length() > _BITS if isinstance(value, int) else not math.isfinite(value):
        raise ValueError(_TOO_LARGE)
    return value


def _integer(digits: str) -> int:
    """Read an integer of a JSON text; Python's own reader stops at its limit of digits with an advice to raise it."""
    if len(digits.removeprefix("-")) > _DIGITS:
        raise ValueError(_TOO_LARGE)
    return int(digits)


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in an object")
    return found


def _agreeing_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return _unique_keys(list({(key, repr(value)): (key, value) for key, value in pairs}.values()))


def _decoder(keys: Callable[[list[tuple[str, Any]]], dict[str, Any]]) -> json.JSONDecoder:
    return json.JSONDecoder(parse_constant=refuse_constant, parse_int=_integer, object_pairs_hook=keys)


_UNIQUE, _REPEATING = _decoder(_unique_keys), _decoder(_agreeing_keys)
