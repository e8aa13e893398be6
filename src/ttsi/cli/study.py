"""`ttsi study`."""

from pathlib import Path

import click

from ttsi.records import InputError


@click.group()
def study() -> None:
    """The runs behind the book."""


@study.command()
@click.argument("name", type=click.Choice(["selection", "results", "sweeps", "timing"]))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of all its runs.")
@click.option("--shard", default="0/1", show_default=True, metavar="I/N", help="Every N-th run from number I on.")
def run(name: str, out: Path, shard: str) -> None:
    """Run what the book publishes, its sweeps, or what its settings were chosen on; goes on where it stopped."""
    from ttsi.study import STUDIES, run_study

    first, slash, count = shard.partition("/")
    if not (slash and first.isdigit() and count.isdigit() and int(first) < int(count)):
        raise InputError(f"shard is {shard!r}; expected I/N with 0 <= I < N, e.g. 0/2")
    run_study(STUDIES[name](), out, shard=(int(first), int(count)))


@study.command()
@click.argument("runs", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of the tables.")
def collect(runs: Path, out: Path) -> None:
    """Gather finished runs into one table and one list of provenance for each family."""
    from ttsi.published import collect as collect_runs

    collect_runs(runs, out)
