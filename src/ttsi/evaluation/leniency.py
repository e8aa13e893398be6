"""Calls as tool-calling servers take them: how much of a wrong answer is only its form.

`ttsi.calls` defines the format, and every method is scored by it. This reading stands beside it in tables and nowhere
else. It takes a value as it is written or not at all: no JSON is repaired, and no call is dropped.
"""

import re
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from ttsi.calls import CLOSE, OPEN, MalformedCall, excerpt, first_value, parse_calls, read_call
from ttsi.records import Call
from ttsi.scoring import exact_match

_FENCE = "```"
_OPENING_FENCE = re.compile(rf"{_FENCE}(?:json)?\s*(?=[\[{{])")
_OPENING_TAG = re.compile(re.escape(OPEN))


def read_leniently(text: str) -> tuple[Call, ...]:
    r"""Read the calls of an agent's output, in order; what `ttsi.calls.parse_calls` reads gives the same calls.

    | form | example, or what is taken |
    |---|---|
    | words around blocks | `<tool_call>{…}</tool_call> I have booked it.` |
    | a closing tag left out at the end of the output | `<tool_call>{"name": "f", "arguments": {}}` |
    | a list in a block, or objects one after another | `<tool_call>[{…}, {…}]</tool_call>` |
    | fenced objects or lists without tags, and words around them | ```` ```json {…} ``` ```` |
    | bare objects or lists without tags, and nothing else | `{"name": "f", "arguments": {}}`, or one a line |
    | arguments as JSON text (sgl-project/sglang#7863) | `{"name": "f", "arguments": "{\"a\": 1}"}` |
    | `parameters` for `arguments` | `{"name": "f", "parameters": {"a": 1}}` |
    | OpenAI's wrapper, its `type` and its `id` | `{"id": "c1", "type": "function", "function": {…}}` |
    | a key that stands again with the same value | `{"name": "f", "arguments": {"a": 1, "a": 1}}` |

    Forms may be combined; an empty list holds no call.

    Raises:
        MalformedCall: the output has none of these forms, or one of its blocks or fenced objects cannot be read: its
            JSON is cut off, it holds a value that JSON does not have, or it is no call.
    """
    with suppress(MalformedCall):
        return parse_calls(text)
    if OPEN in text:
        found = _enclosed(text, _OPENING_TAG, CLOSE, or_end=" or the end of the output")
    elif _OPENING_FENCE.search(text):
        found = _enclosed(text, _OPENING_FENCE, _FENCE)
    else:
        found, rest = _read_values(text)
        if rest:
            raise MalformedCall(f"expected a JSON object or the end of the output, found {excerpt(rest)}")
    return tuple(_read_object(value) for value in found)


def _enclosed(text: str, opening: re.Pattern[str], closing: str, *, or_end: str = "") -> list[Any]:
    """Return the JSON values of all blocks; with `or_end` the last may lack its closing where the output ends."""
    found: list[Any] = []
    while start := opening.search(text):
        values, rest = _read_values(text[start.end() :])
        if not rest.startswith(closing) and (rest or not or_end):
            raise MalformedCall(f"expected {closing}{or_end}, found {excerpt(rest)}")
        found, text = found + values, rest.removeprefix(closing)
    return found


def _read_values(text: str) -> tuple[list[Any], str]:
    """Return the objects that a text starts with, one or more and those of lists in their places, and the rest."""
    found, rest = _read_value(text)
    while rest.startswith(("{", "[")):
        values, rest = _read_value(rest)
        found = found + values
    return found, rest


def _read_value(text: str) -> tuple[list[Any], str]:
    try:
        value, rest = first_value(text.lstrip(), repeats=True)
    except ValueError as error:
        raise MalformedCall(f"expected a JSON object or list, found {excerpt(text.lstrip())} ({error})") from error
    return value if isinstance(value, list) else [value], rest.lstrip()


def _read_object(value: Any) -> Call:
    """Return the call of an object in any of the forms, rewritten as an object of a name and arguments."""
    fields = _unwrapped(value)
    if "parameters" in fields and "arguments" not in fields:
        fields["arguments"] = fields.pop("parameters")
    if isinstance(fields.get("arguments"), str):
        fields["arguments"] = _parsed(fields["arguments"])
    return read_call(fields)


def _unwrapped(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise MalformedCall(f"expected an object, found {excerpt(repr(value))}")
    fields = {name: item for name, item in value.items() if name != "id" and (name, item) != ("type", "function")}
    inner = fields.get("function")
    return dict(inner) if len(fields) == 1 and isinstance(inner, dict) else fields


def _parsed(arguments: str) -> Any:
    """Return the value of arguments that are written as JSON text."""
    try:
        value, rest = first_value(arguments.strip(), repeats=True)
    except ValueError as error:
        raise MalformedCall(f"expected arguments as JSON text, found {excerpt(arguments)} ({error})") from error
    if rest:
        raise MalformedCall(f"expected arguments as one JSON text, found {excerpt(arguments)}")
    return value


def lenient_match(output: str, gold: Iterable[Call]) -> bool:
    """Whether an output is right when it is read as tool-calling servers would.

    What is right by `score` is right here too, and what is right only here is right but for its form. Tables show it
    beside the strict score; the loop never uses it.
    """
    try:
        return exact_match(read_leniently(output), gold)
    except MalformedCall:
        return False
