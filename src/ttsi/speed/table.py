"""The benchmark's table, a row for each repetition of a way, written as it grows."""

from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import ValidationError

from ttsi.calls import first_line
from ttsi.data import data_root, make_folder, write_whole
from ttsi.models.folders import hash_files, model_files
from ttsi.records import InputError
from ttsi.runs.provenance import Provenance, machine, now, source_state, versions


def made_here(config: dict[str, Any], *, device: str, threads: int) -> Provenance:
    """Return what makes a table now: a plan, on a device of this machine, with the shipped agent."""
    commit, dirty = source_state()
    return Provenance(
        config=config,
        commit=commit,
        dirty=dirty,
        versions=versions(),
        device=machine(device),
        threads=threads,
        hashes={"agent": hash_files(model_files(data_root() / "agents" / "tiny"))},
        started=now(),
    )


class Measured:
    """What is measured so far, in a Parquet file, with what made it in JSON beside it.

    What the file holds of another plan, device or commit, or of code that no commit holds, is left behind.

    Raises:
        InputError: the file's folder cannot be written, or the file is no such table.
    """

    def __init__(self, out: Path, made: Provenance) -> None:
        make_folder(out.parent)
        if out.suffix != ".parquet":
            raise InputError(f"{out} has the suffix {out.suffix!r}; expected .parquet")
        self._out, self._note = out, out.with_suffix(".json")
        earlier = self._earlier(made)
        self._made = earlier or made
        self._rows: list[dict[str, Any]] = self._kept() if earlier else []

    def _earlier(self, made: Provenance) -> Provenance | None:
        """Return what made the file, if that is what makes it now, too."""
        if not self._out.exists():
            return None
        try:
            found = Provenance.model_validate_json(self._note.read_text(encoding="utf-8"))
        except (OSError, ValidationError) as error:
            raise InputError(f"{self._out} is there, and {self._note} does not say what made it") from error
        same = all(getattr(found, what) == getattr(made, what) for what in ("config", "device", "commit"))
        return found if same and not (found.dirty or made.dirty) else None

    def _kept(self) -> list[dict[str, Any]]:
        try:
            return pd.read_parquet(self._out).to_dict("records")  # pyright: ignore[reportReturnType]
        except (OSError, ValueError) as error:
            raise InputError(f"{self._out} cannot be read as a table: {first_line(error)}") from error

    def __contains__(self, turn: tuple[int, int, str]) -> bool:
        """Whether a case's repetition of a way is measured: (case, repetition, way)."""
        return any((row["case"], row["repeat"], row["way"]) == turn for row in self._rows)

    def append(self, row: dict[str, Any]) -> None:
        """Add a repetition, and write."""
        self._rows.append(row)
        write_whole(self._out, lambda part: self.read().to_parquet(part, index=False))
        made = self._made.model_copy(update={"ended": now()})
        write_whole(self._note, lambda part: part.write_text(made.model_dump_json(indent=1) + "\n", encoding="utf-8"))

    def read(self) -> pd.DataFrame:
        """Return the table."""
        return pd.DataFrame(self._rows)
