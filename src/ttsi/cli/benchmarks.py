"""`ttsi benchmarks`."""

from pathlib import Path
from typing import get_args

import click

from ttsi.benchmarks import BENCHMARKS
from ttsi.cli.options import PATH
from ttsi.records import Subset

FILES = [name for name, benchmark in BENCHMARKS.items() if not benchmark.generated]
EVALUATED = [name for name in FILES if BENCHMARKS[name].evaluated]
DATA_DIR = click.option("--data-dir", type=PATH, help="Where the files lie: DIR/<benchmark>/<path as upstream>.")


@click.group()
def benchmarks() -> None:
    """The paper's benchmarks: fetch and check them; bfcl is what the real model is tuned on."""


@benchmarks.command()
@click.argument("name", type=click.Choice(EVALUATED))
@DATA_DIR
@click.option("--split", help="Only this one; otherwise each split that evaluation uses.")
def check(name: str, data_dir: Path | None, split: str | None) -> None:
    """Count the samples of a split, and what is unusual about them; one line of JSON a split."""
    from ttsi.benchmarks.checking import check as check_split

    for one in [split] if split is not None else BENCHMARKS[name].evaluated:
        click.echo(check_split(name, one, data_dir).model_dump_json())


@benchmarks.command()
@click.argument("name", type=click.Choice([*FILES, "all"]))
@DATA_DIR
@click.option("--subset", type=click.Choice(get_args(Subset)), help="test; of bfcl, train.")
@click.option("--mirror", metavar="URL", help="Download from here; a file lies at URL/OWNER/NAME/COMMIT/PATH.")
def fetch(name: str, data_dir: Path | None, subset: Subset | None, mirror: str | None) -> None:
    """Download a benchmark's files at the pinned commit and verify their checksums (data/benchmarks.toml).

    all: those of every benchmark that evaluation uses.
    """
    from ttsi.benchmarks.fetching import fetch as fetch_files
    from ttsi.benchmarks.sources import load_manifest

    manifest = load_manifest()
    if mirror is not None:
        manifest = manifest.model_copy(update={"address": mirror})
    for one in EVALUATED if name == "all" else [name]:
        click.echo(f"{one}: {manifest.source(one).licence}", err=True)
        wanted: Subset = subset or ("test" if one in EVALUATED else "train")
        fetch_files(one, data_dir, subset=wanted, manifest=manifest, say=lambda line: click.echo(line, err=True))
