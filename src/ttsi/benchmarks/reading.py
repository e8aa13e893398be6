"""JSON files read with errors that name the file, the record and the field, and never quote a value.

A value is not quoted since a file may hold somebody's key.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ttsi.calls import plain, refuse_constant
from ttsi.records import InputError

_KINDS = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}


def read_text(path: Path) -> str:
    """Return the text of a file.

    Raises:
        InputError: the file cannot be read, is not UTF-8, or is empty.
    """
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8: found byte {error.start} to be {error.reason}") from None
    if not text.strip():
        raise InputError(f"{path} is empty")
    return text


@dataclass(frozen=True, repr=False)
class Field:
    """A value of a JSON file and where it stands: `steps` are the indices and names that lead to it."""

    value: Any
    path: Path
    steps: tuple[str | int, ...] = ()

    def __getitem__(self, name: str) -> "Field":
        """Return a field of an object, which must have it."""
        if name not in self:
            raise InputError(f"{self.place} has no field {name!r}")
        return self._at(name)

    def __contains__(self, name: str) -> bool:
        return name in self._object()

    @property
    def place(self) -> str:
        """The file, the record and the field, in words."""
        record = f", record {self.steps[0]}" if self.steps else ""
        field = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.steps[1:]).lstrip(".")
        return f"{self.path}{record}{f', field {field}' if field else ''}"

    def fields(self) -> dict[str, "Field"]:
        """Return the fields of an object."""
        return {name: self._at(name) for name in self._object()}

    def items(self) -> list["Field"]:
        """Return the items of a list."""
        if not isinstance(self.value, list):
            raise self.wrong("a list")
        return [self._at(index) for index in range(len(self.value))]

    def tools(self) -> list["Field"]:
        """Return the items of a list of tools, which must not be empty."""
        if not self.items():
            raise InputError(f"{self.place} lists no tool; expected at least one")
        return self.items()

    def text(self) -> str:
        """Return a text."""
        if not isinstance(self.value, str):
            raise self.wrong("a text")
        return self.value

    def name(self) -> str:
        """Return a text that is not empty."""
        if not self.text():
            raise InputError(f"{self.place} is an empty text; expected a name")
        return self.text()

    def wrong(self, expected: str) -> InputError:
        """Return the error for a value that is not what was expected."""
        return InputError(f"{self.place} is {_KINDS.get(type(self.value), 'a number')}; expected {expected}")

    def unreadable(self, expected: str) -> InputError:
        """Return the error for a text that does not hold what was expected."""
        return InputError(f"{self.place} cannot be read; expected {expected}")

    def within(self, value: Any) -> "Field":
        """Return a value that is written in this text as a field at the same place."""
        return Field(value, self.path, self.steps)

    def _object(self) -> dict[str, Any]:
        if not isinstance(self.value, dict):
            raise self.wrong("an object")
        return self.value

    def _at(self, step: str | int) -> "Field":
        return Field(self.value[step], self.path, (*self.steps, step))


def read_records(path: Path) -> list[Field]:
    """Return the records of a file that is one JSON list.

    Raises:
        InputError: the file is not that, or has no records.
    """
    records = Field(_parsed(read_text(path), str(path)), path).items()
    if not records:
        raise InputError(f"{path} holds no records")
    return records


def read_lines(path: Path) -> list[Field]:
    """Return the records of a file that holds one JSON value a line; empty lines do not count.

    Raises:
        InputError: a line is not that, or the file has no records.
    """
    lines = [line for line in read_text(path).split("\n") if line.strip()]
    return [Field(_parsed(line, f"{path}, record {number}"), path, (number,)) for number, line in enumerate(lines)]


def parse_json(text: str) -> Any:
    """Return the JSON value of a text.

    Raises:
        ValueError: the text is no JSON value, or one that cannot be written back.
    """
    try:
        return plain(json.loads(text, parse_constant=refuse_constant))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _parsed(text: str, place: str) -> Any:
    try:
        return parse_json(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        raise InputError(f"{place} is not JSON: {error.msg} at {where}; the file may be cut off") from None
    except UnicodeEncodeError:
        raise InputError(f"{place} holds half of a surrogate pair; expected Unicode text") from None
    except ValueError as error:
        raise InputError(f"{place} is not JSON: {error}") from None
