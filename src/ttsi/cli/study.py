"""`ttsi study`."""

from functools import partial
from pathlib import Path

import click

from ttsi.records import InputError


@click.group()
def study() -> None:
    """The runs behind the book."""


@study.command()
@click.argument("name", type=click.Choice(["selection", "results", "sweeps", "timing", "paper"]))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of all its runs.")
@click.option("--shard", default="0/1", show_default=True, metavar="I/N", help="Every N-th run from number I on.")
@click.option("--data-dir", type=click.Path(path_type=Path), help="Where the paper's benchmarks lie; of paper.")
@click.option("--teacher-url", help="Base URL of the teacher's server; of paper. Without one, TT-D is left out.")
@click.option("--teacher-model", help="The teacher's name there.")
def run(name: str, out: Path, shard: str, data_dir: Path | None, **teacher: str | None) -> None:
    """Run what the book publishes, its sweeps, or what its settings were chosen on; goes on where it stopped."""
    from ttsi.study import STUDIES, paper_runs, run_study

    first, slash, count = shard.partition("/")
    if not (slash and first.isdigit() and count.isdigit() and int(first) < int(count)):
        raise InputError(f"shard is {shard!r}; expected I/N with 0 <= I < N, e.g. 0/2")
    runs = paper_runs(**teacher) if name == "paper" else STUDIES[name]()
    run_study(runs, out, shard=(int(first), int(count)), data_dir=data_dir, announce=partial(click.echo, err=True))


@study.command()
@click.argument("runs", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of the tables.")
def collect(runs: Path, out: Path) -> None:
    """Gather finished runs into one table and one list of provenance for each family."""
    from ttsi.published import collect as collect_runs

    collect_runs(runs, out)
