"""JSON values that every JSON reader takes, whatever Python's own reader takes beyond them."""

import json
import math
from collections.abc import Callable
from typing import Any, Never

DEEPEST = 64
"""Levels of lists and objects in a value; every file of the benchmarks has far fewer."""

_BITS = 1024
"""Of an integer: a longer one is beyond the largest 64-bit float, about 1.8e308."""
_DIGITS = 309
"""Of the longest integer of so many bits."""
_TOO_LARGE = "a number is beyond the 64-bit floats that JSON readers take"


def plain(value: Any, depth: int = 0) -> Any:
    """Return a JSON value with tuples as lists.

    Args:
        value: what a JSON reader, or a reader of Python literals, returned.
        depth: levels of lists and objects that the value stands in.

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
