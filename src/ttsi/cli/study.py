"""`ttsi study`."""

from pathlib import Path

import click

from ttsi.records import InputError


@click.command()
@click.argument("name", type=click.Choice(["results", "selection"]))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of all its runs.")
@click.option("--shard", default="0/1", show_default=True, metavar="I/N", help="Every N-th run from number I on.")
def study(name: str, out: Path, shard: str) -> None:
    """Run all runs that the book publishes, or those that its settings were chosen on; goes on where it stopped."""
    from ttsi.study import STUDIES, run_study

    first, slash, count = shard.partition("/")
    if not (slash and first.isdigit() and count.isdigit() and int(first) < int(count)):
        raise InputError(f"shard is {shard!r}; expected I/N with 0 <= I < N, e.g. 0/2")
    run_study(STUDIES[name](), out, shard=(int(first), int(count)))
