"""Where each benchmark comes from (`data/benchmarks.toml`) and where its files lie: DATA_DIR/<benchmark>/<path>."""

import os
from pathlib import Path
from typing import Self
from urllib.parse import quote

from pydantic import Field, model_validator

from ttsi.data import data_root
from ttsi.records import InputError, Record, Settings, Subset


class SourceFile(Record):
    """One file of a benchmark, and what pins its bytes: a SHA-256, or a git blob id where that is not known."""

    path: str = Field(min_length=1)
    bytes: int | None = Field(default=None, ge=1)
    sha256: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")
    blob: str | None = Field(default=None, pattern="^[0-9a-f]{40}$")
    subset: Subset = "test"

    @model_validator(mode="after")
    def _is_pinned(self) -> Self:
        if self.sha256 is None and self.blob is None:
            raise ValueError(f"{self.path} has neither sha256 nor blob")
        return self


class MissingFileError(InputError):
    """A benchmark's file has not been fetched."""


class Source(Record):
    """A benchmark's repository at one commit."""

    repository: str
    commit: str = Field(pattern="^[0-9a-f]{40}$")
    licence: str
    files: tuple[SourceFile, ...] = Field(min_length=1)


class Manifest(Settings):
    """Every benchmark's source; `address` is what comes before `/owner/name/commit/path`."""

    address: str
    sources: dict[str, Source]

    def source(self, benchmark: str) -> Source:
        """Return where a benchmark comes from; one that the manifest does not have is an `InputError`."""
        if benchmark not in self.sources:
            raise InputError(f"{benchmark} is not in data/benchmarks.toml; expected one of {', '.join(self.sources)}")
        return self.sources[benchmark]

    def url(self, benchmark: str, file: SourceFile) -> str:
        """Return where a file is downloaded from."""
        source = self.source(benchmark)
        return f"{self.address.rstrip('/')}/{source.repository}/{source.commit}/{quote(file.path)}"


def load_manifest() -> Manifest:
    """Return the manifest of the data folder.

    Raises:
        InputError: there is none, or it is malformed.
    """
    return Manifest.read(data_root() / "benchmarks.toml")


def data_folder(data_dir: Path | None) -> Path:
    """Return the folder of the benchmarks: the one given, else `$TTSI_BENCHMARKS`, else `benchmarks/` of the data."""
    named = data_dir or os.environ.get("TTSI_BENCHMARKS")
    return Path(named) if named else data_root() / "benchmarks"


def find_file(benchmark: str, path: str, data_dir: Path | None, subset: Subset = "test") -> Path:
    """Return where a benchmark's file lies.

    Raises:
        MissingFileError: it is not there; the message says how to fetch it.
    """
    folder = data_folder(data_dir)
    found = folder / benchmark / path
    if not found.is_file():
        options = f"{f' --data-dir {data_dir}' if data_dir else ''}{f' --subset {subset}' if subset != 'test' else ''}"
        raise MissingFileError(f"{found} is not there; run: ttsi benchmarks fetch {benchmark}{options}")
    return found
