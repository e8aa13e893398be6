"""Which models lie in wheels of the package index, and what pins each (`data/wheels.toml`)."""

import tomllib
from pathlib import Path

from pydantic import Field, ValidationError

from ttsi.records import InputError, Record


class PinnedFile(Record):
    """What pins a file's bytes."""

    bytes: int = Field(ge=1)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class Member(PinnedFile):
    """The one file of a wheel that is used."""

    path: str = Field(pattern=r"\.gguf$")


class SpecialTokens(Record):
    """The tokens that begin a turn, end it, and fill a batch."""

    bos: str
    eos: str
    pad: str


class Wheel(PinnedFile):
    """A model in a wheel."""

    distribution: str = Field(pattern="^[A-Za-z0-9._-]+$")
    version: str = Field(pattern="^[A-Za-z0-9._!+-]+$")
    licence: str
    member: Member
    tokens: SpecialTokens


def load_wheels(manifest: Path) -> dict[str, Wheel]:
    """Return the models in wheels by name; none where there is no manifest.

    Raises:
        InputError: the manifest cannot be read, or a field of it is missing or malformed.
    """
    try:
        tables = tomllib.loads(manifest.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise InputError(f"{manifest} cannot be read as TOML: {error}") from error
    name = ""
    try:
        found = {}
        for name, table in tables.items():
            found[name] = Wheel.model_validate(table)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise InputError(f"{manifest}: {where} of {name} is {first['input']!r}; expected: {first['msg']}") from error
    return found
