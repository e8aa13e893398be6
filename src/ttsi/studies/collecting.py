"""Gathers finished runs into what is published: one table a family of runs, and a line for each on what made it."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pandas as pd

from ttsi.data import make_folder, write_whole
from ttsi.records import InputError
from ttsi.runs.config import RunConfig
from ttsi.runs.provenance import Provenance
from ttsi.runs.results import TABLE, read_outcomes, read_provenance

Annotate = Callable[[pd.DataFrame, Provenance], pd.DataFrame]


def collect(runs: Path, out: Path, annotate: Annotate | None = None) -> dict[str, int]:
    """Gather the finished runs of a folder, one table and one list of what made them for each family.

    `annotate` adds columns to the rows of a run, from what made them (`ttsi.evaluation.annotation`), and leaves out
    what may not be passed on.

    Returns:
        The number of runs of each family.

    Raises:
        InputError: there is no finished run; a table that is there has runs that are not here; runs of NexusRaven are
            not annotated; and what `annotate` raises.
    """
    found = sorted(path.parent for path in runs.glob(f"*/*/*/{TABLE}"))
    if not found:
        raise InputError(f"{runs} holds no run; expected FAMILY/SPLIT/seed-N/ folders, as `ttsi study` writes them")
    make_folder(out)
    collected = {}
    for family in sorted({path.relative_to(runs).parts[0] for path in found}):
        members = [path for path in found if path.relative_to(runs).parts[0] == family]
        tables = [read_outcomes(path) for path in members]
        made = [read_provenance(path) for path in members]
        _check(out, family, made, annotate is not None)
        if annotate is not None:
            tables = [annotate(table, one) for table, one in zip(tables, made, strict=True)]
        for table, provenance in zip(tables, made, strict=True):
            table.insert(0, "split", provenance.config["split"])
            table.insert(0, "family", family)
        together = pd.concat(tables, ignore_index=True).drop(columns=["output", "correct"])
        lines = "".join(one.model_dump_json() + "\n" for one in made)
        write_whole(out / f"{family}.parquet", partial(together.to_parquet, index=False, compression="zstd"))
        write_whole(out / f"{family}.jsonl", lambda part, lines=lines: part.write_text(lines))
        collected[family] = len(made)
    return collected


def _check(out: Path, family: str, made: list[Provenance], annotated: bool) -> None:
    if not annotated and any(one.config["benchmark"] == "nexusraven" for one in made):
        raise InputError(f"{family} holds runs of nexusraven, whose texts may not be passed on; expected --data-dir")
    before = read_made(out, family) if (out / f"{family}.jsonl").exists() else []
    if lost := [name for name in map(_name, before) if name not in map(_name, made)]:
        raise InputError(
            f"{out / family}.parquet holds run {lost[0]}, which is not among the runs; expected it there, or the table "
            "taken away"
        )


def _name(made: Provenance) -> str:
    """Return what tells a run from the others of its family."""
    return "/".join(str(made.config.get(key)) for key in ("benchmark", "split", "subset", "seed"))


def read_made(folder: Path, family: str) -> list[Provenance]:
    """Return what made the runs of a published family.

    Settings that a run did not know yet are filled in as it ran: by PEFT, one sample at a time; or 64 at once.
    """
    lines = (folder / f"{family}.jsonl").read_text().splitlines()
    made = [Provenance.model_validate_json(line) for line in lines]
    configs = [RunConfig.model_validate({"backend": "peft", "batch": 64} | one.config) for one in made]
    pairs = zip(made, configs, strict=True)
    return [one.model_copy(update={"config": config.model_dump(mode="json")}) for one, config in pairs]
