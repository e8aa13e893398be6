"""The numbers that the paper reports, read from `data/paper.toml`: never computed here, never mixed with ours."""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from ttsi.data import data_root
from ttsi.records import InputError, Record, read_toml

FILE = "paper.toml"

Sureness = Literal["sure", "likely", "one source"]
Unit = Literal["%", "points", "samples", "times", "seconds", "runs", "epochs", ""]


class Reported(Record):
    """One number of the paper."""

    what: str = Field(min_length=1)
    value: float = Field(allow_inf_nan=False)
    unit: Unit
    """`%` is an accuracy, `points` a difference of accuracies, empty a pure number."""
    where: str = Field(min_length=1)
    """Part of the paper, as far as it is known."""
    sure: Sureness
    """How well it is known that the paper says so."""


class Unknown(Record):
    """What the paper does not state."""

    what: str = Field(min_length=1)
    setting: str | None = None
    """The setting in which a run must choose all the same, dotted, as `RunConfig` names it."""
    ours: str | None = None
    """What is done here, where no setting says so."""


class Source(Record):
    """Where the numbers come from, and what they were measured on."""

    title: str
    identifier: str
    conference: str
    model: str
    device: str


class Paper(Record):
    """What is known of the paper: numbers by group and name, and what it leaves open."""

    source: Source
    numbers: dict[str, dict[str, Reported]]
    unknown: tuple[Unknown, ...]

    def __getitem__(self, name: str) -> Reported:
        """Return a number by its dotted name, `group.name`.

        Raises:
            InputError: there is no such number.
        """
        group, _, key = name.partition(".")
        try:
            return self.numbers[group][key]
        except KeyError:
            known = ", ".join(f"{group}.{key}" for group, members in self.numbers.items() for key in members)
            raise InputError(f"{FILE} has no number {name!r}; expected one of {known}") from None


def read_paper(path: Path | None = None) -> Paper:
    """Return the paper's numbers, from `paper.toml` of the data folder or another file.

    Raises:
        InputError: the file cannot be read, or an entry is not what it should be; names the entry.
    """
    path = path or data_root() / FILE
    try:
        return Paper.model_validate(read_toml(path))
    except ValidationError as error:
        raise InputError(f"{path}: {_first(error.errors()[0])}") from error


def _first(error: Any) -> str:
    name = ".".join(map(str, error["loc"]))
    found = "nothing" if error["type"] == "missing" else repr(error["input"])
    return f"found {found} at {name}; expected: {error['msg']}"
