"""`ttsi study`."""

from functools import partial
from pathlib import Path
from typing import Any

import click

from ttsi.cli.options import PATH, SettingsCommand
from ttsi.records import MOST, InputError
from ttsi.studies import STUDIES


@click.group()
def study() -> None:
    """The runs behind the book."""


@study.command(cls=SettingsCommand, settings=("device", "dtype", "batch"))
@click.argument("name", type=click.Choice(list(STUDIES)))
@click.option("--out", required=True, type=PATH, help="Folder of all its runs.")
@click.option("--shard", default="0/1", show_default=True, metavar="I/N", help="Every N-th run from number I on.")
@click.option("--only", multiple=True, metavar="FAMILY", help="Run this family alone (repeatable).")
@click.option("--data-dir", type=PATH, help="Where the paper's benchmarks lie.")
@click.option("--teacher-url", help="Base URL of the teacher's server; of paper. Without one, TT-D is left out.")
@click.option("--teacher-model", help="The teacher's name there.")
def run(
    name: str,
    out: Path,
    shard: str,
    only: tuple[str, ...],
    data_dir: Path | None,
    teacher_url: str | None,
    teacher_model: str | None,
    **settings: Any,
) -> None:
    """Run what the book publishes, its sweeps, or what its settings were chosen on; goes on where it stopped.

    --device, --dtype and --batch are those of each run's profile, unless told.
    """
    from ttsi.runs.config import changed
    from ttsi.studies.running import run_study
    from ttsi.studies.study import study_of

    first, slash, count = shard.partition("/")
    if not (slash and first.isdecimal() and count.isdecimal() and int(first) < int(count) <= MOST):
        raise InputError(f"shard is {shard!r}; expected I/N with 0 <= I < N <= {MOST}, e.g. 0/2")
    if (teacher_url is None) != (teacher_model is None):
        raise InputError("found one of --teacher-url and --teacher-model; expected both, or none")
    runs = list(study_of(name).runs(data_dir, teacher_url=teacher_url, teacher_model=teacher_model))
    families = {path.split("/")[0] for path, _ in runs}
    if unknown := sorted({*only} - families):
        raise InputError(f"only is {unknown[0]!r}; expected families of {name}: {', '.join(sorted(families))}")
    changes = {name: value for name, value in settings.items() if value is not None}
    chosen = [(path, changed(config, **changes)) for path, config in runs if not only or path.split("/")[0] in only]
    run_study(chosen, out, shard=(int(first), int(count)), data_dir=data_dir, announce=partial(click.echo, err=True))


@study.command()
@click.argument("runs", type=PATH)
@click.option("--out", required=True, type=PATH, help="Folder of the tables.")
@click.option("--data-dir", type=PATH, help="Of the paper's benchmarks: adds kinds of errors.")
def collect(runs: Path, out: Path, data_dir: Path | None) -> None:
    """Gather finished runs into one table and one list of provenance for each family."""
    from ttsi.evaluation.annotation import annotated
    from ttsi.studies.collecting import collect as collect_runs

    collected = collect_runs(runs, out, partial(annotated, data_dir=data_dir) if data_dir else None)
    click.echo(f"in {out}: {', '.join(f'{count} runs of {family}' for family, count in collected.items())}")
