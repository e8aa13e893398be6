"""The folder of a run: rows as they come, then one table, and what made them.

While a run goes on, its rows stand in `outcomes.jsonl`, one line a sample, each on disk before the next sample counts
as done. A finished run is `outcomes.parquet` and `provenance.json`.
"""

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import ValidationError

from ttsi.calls import first_line
from ttsi.data import PART, make_folder, write_whole
from ttsi.records import InputError, Outcome, refused
from ttsi.runs.provenance import Provenance, Resumption, now

JOURNAL, TABLE, PROVENANCE = "outcomes.jsonl", "outcomes.parquet", "provenance.json"


def read_outcomes(folder: Path) -> pd.DataFrame:
    """Return the outcomes of a finished run; a folder without readable ones is an `InputError`."""
    try:
        table = pd.read_parquet(folder / TABLE)
    except (OSError, ValueError) as error:
        raise InputError(f"{folder / TABLE} cannot be read as a run's outcomes: {error}") from error
    if missing := [name for name, field in Outcome.model_fields.items() if field.is_required() and name not in table]:
        raise InputError(f"{folder / TABLE} cannot be read as a run's outcomes: {missing[0]} is missing")
    return table


def read_provenance(folder: Path) -> Provenance:
    """Return what made the results of a folder; one where that cannot be read is an `InputError`."""
    path = folder / PROVENANCE
    try:
        return Provenance.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path} cannot be read as a run's provenance: {first_line(error)}") from error
    except ValidationError as error:
        raise InputError(f"{path} cannot be read as a run's provenance: {refused(error)}") from error


def as_table(rows: Iterable[Outcome]) -> pd.DataFrame:
    """Return outcomes as a table with the columns of `Outcome`."""
    return pd.DataFrame([row.model_dump() for row in rows], columns=list(Outcome.model_fields))


class ResultsFolder:
    """A folder that one run writes. Use `claim` to get one."""

    def __init__(self, path: Path, provenance: Provenance) -> None:
        self.path, self.provenance = path, provenance
        self.finished = (path / TABLE).exists() and not (path / JOURNAL).exists()

    @classmethod
    @contextmanager
    def claim(cls, path: Path, provenance: Provenance, *, resume: bool) -> Iterator["ResultsFolder"]:
        """Take a folder for a run, alone: an empty one, or with `resume` one that the same run left.

        One in which a run began and left no row counts as empty.

        Raises:
            InputError: the folder cannot be written, is in use, or holds something else.
        """
        make_folder(path)
        with _alone(path):
            present = sorted(found.name for found in path.iterdir() if found.suffix != PART)
            if present == [PROVENANCE] and not resume:
                read_provenance(path)  # which refuses what is no run's
            elif present and not resume:
                raise InputError(f"{path} holds {', '.join(present)}; expected an empty folder, or --resume")
            folder = cls(path, _continued(path, provenance) if present and resume else provenance)
            if not folder.finished:
                folder._describe(folder.provenance)
            yield folder

    def rows(self) -> list[Outcome]:
        """Return the rows on disk; a last line that was cut off is taken away."""
        journal = self.path / JOURNAL
        if not journal.exists():
            return []
        whole, newline, _ = journal.read_bytes().rpartition(b"\n")
        with journal.open("r+b") as file:
            file.truncate(len(whole + newline))
        return [self._row(number, line) for number, line in enumerate(whole.splitlines(), 1)]

    def _row(self, number: int, line: bytes) -> Outcome:
        try:
            return Outcome.model_validate_json(line)
        except ValidationError as error:
            raise InputError(f"{self.path / JOURNAL}, line {number}: {refused(error)}") from error

    def append(self, outcome: Outcome) -> None:
        """Put one row on disk."""
        with (self.path / JOURNAL).open("a", encoding="utf-8") as journal:
            journal.write(outcome.model_dump_json() + "\n")
            journal.flush()
            os.fsync(journal.fileno())

    def finish(self, table: pd.DataFrame, *, seconds_once: float = 0.0) -> None:
        """Write the table and the end of the run, then drop the journal."""
        ended = self.provenance.model_copy(update={"ended": now(), "seconds_once": seconds_once})
        write_whole(self.path / TABLE, lambda part: table.to_parquet(part, index=False))
        self._describe(ended)
        (self.path / JOURNAL).unlink()

    def _describe(self, provenance: Provenance) -> None:
        write_whole(self.path / PROVENANCE, lambda part: part.write_text(provenance.model_dump_json(indent=2)))


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    folder = os.open(path, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(f"{path} is being written by another run; expected to have it alone") from error
        yield
    finally:
        os.close(folder)


def _continued(path: Path, provenance: Provenance) -> Provenance:
    """Return the provenance that stands in a folder, resumed now, if it is of the same run."""
    before = read_provenance(path)
    found, expected = (flat(known.config) | known.hashes for known in (before, provenance))
    pairs = [(key, found.get(key), value) for key, value in expected.items()]
    if differing := [f"{key} {one!r} (expected {other!r})" for key, one, other in pairs if one != other]:
        raise InputError(f"{path} holds another run: found {', '.join(differing)}")
    this = provenance.model_dump(include={"commit", "dirty", "versions", "device"})
    return before.model_copy(update={"resumed": (*before.resumed, Resumption(at=now(), **this))})


def flat(config: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Name the settings of nested tables with dots."""
    named: dict[str, Any] = {}
    for key, value in config.items():
        named |= flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return named
