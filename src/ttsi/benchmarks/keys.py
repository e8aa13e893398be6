"""Keys in golden answers: found by the names of their arguments, and hidden wherever they stand."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

NO_KEY = "<KEY>"
SECRET_LENGTH = 6
"""From this many characters on, a key is hidden in the whole file; a shorter one, maybe a word, in its sample."""

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_KEY_WORDS = {"key", "apikey", "accesskey", "token", "authtoken", "accesstoken", "secret", "appid", "authorization"}


def is_key_name(name: str) -> bool:
    """Whether an argument of this name holds a key: `api_key`, `accessToken`, `appid`, but not `keywords`."""
    words = [word.lower() for word in _WORDS.findall(name)]
    return bool(words) and (words[-1] in _KEY_WORDS or "".join(words[-2:]) in _KEY_WORDS)


def keys_of(value: Any, held: bool = False) -> Iterator[str]:
    """Yield the keys in a JSON value as text; `${…}` stands for a value and is none."""
    match value:
        case dict():
            for name, item in value.items():
                yield from keys_of(item, held or is_key_name(name))
        case list():
            for item in value:
                yield from keys_of(item, held)
        case _ if held and _is_key(value):
            yield str(value)


def hide(value: Any, keys: Iterable[str], held: bool = False) -> Any:
    """Return a JSON value with keys hidden: in arguments named as keys, and in any text that holds one of `keys`."""
    match value:
        case dict():
            return {hide(name, keys): hide(item, keys, held or is_key_name(name)) for name, item in value.items()}
        case list():
            return [hide(item, keys, held) for item in value]
        case _ if held and _is_key(value):
            return NO_KEY
        case str():
            return _hide_in_text(value, keys)
    return value


def _is_key(value: Any) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool) and str(value)[:2] not in ("", "${")


def _hide_in_text(text: str, keys: Iterable[str]) -> str:
    pattern = "|".join(map(re.escape, sorted(keys, key=len, reverse=True)))
    return re.sub(rf"(?<!\w)(?:{pattern})(?!\w)", NO_KEY, text) if pattern else text
