"""Which models lie in wheels of the package index, and what pins each (`data/wheels.toml`)."""

from pathlib import Path

from pydantic import Field

from ttsi.records import Record, read_table, read_toml

TEMPLATE = Path(__file__).with_name("chat_template.jinja")
"""The chat template of all of them."""


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
    """Return the models in wheels by name, none where there is no manifest; raises what `read_table` does."""
    tables = read_toml(manifest) if manifest.exists() else {}
    return {name: read_table(Wheel, tables, name, manifest) for name in tables}
