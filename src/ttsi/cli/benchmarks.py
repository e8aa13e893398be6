"""`ttsi benchmarks`."""

from pathlib import Path

import click

PAPER_BENCHMARKS = click.Choice(["nexusraven", "sealtool", "apibank", "toolalpaca"])
FETCHED = click.Choice([*PAPER_BENCHMARKS.choices, "bfcl"])
DATA_DIR = click.option(
    "--data-dir", type=click.Path(path_type=Path), help="Where the files lie: DIR/<benchmark>/<path as upstream>."
)


@click.group()
def benchmarks() -> None:
    """The paper's benchmarks: fetch and check them; bfcl is what the real model is tuned on."""


@benchmarks.command()
@click.argument("name", type=PAPER_BENCHMARKS)
@DATA_DIR
@click.option("--split", help="Only this one; otherwise each split that evaluation uses.")
def check(name: str, data_dir: Path | None, split: str | None) -> None:
    """Count the samples of a split, and what is unusual about them; one line of JSON a split."""
    from ttsi.benchmarks import DEFAULT_SPLITS
    from ttsi.benchmarks.checking import check as check_split

    for one in [split] if split is not None else DEFAULT_SPLITS[name]:
        click.echo(check_split(name, one, data_dir).model_dump_json())


@benchmarks.command()
@click.argument("name", type=FETCHED)
@DATA_DIR
@click.option("--subset", type=click.Choice(["test", "validation", "train"]), help="test; of bfcl, train.")
@click.option("--mirror", metavar="URL", help="Download from here; a file lies at URL/OWNER/NAME/COMMIT/PATH.")
def fetch(name: str, data_dir: Path | None, subset: str | None, mirror: str | None) -> None:
    """Download a benchmark's files at the pinned commit and verify their checksums (data/benchmarks.toml)."""
    from ttsi.benchmarks.fetching import fetch as fetch_files
    from ttsi.benchmarks.sources import load_manifest

    manifest = load_manifest()
    if mirror is not None:
        manifest = manifest.model_copy(update={"address": mirror})
    subset = subset or ("train" if name == "bfcl" else "test")
    click.echo(f"{name}: {manifest.sources[name].licence}", err=True)
    fetch_files(name, data_dir, subset=subset, manifest=manifest, say=lambda line: click.echo(line, err=True))  # pyright: ignore[reportArgumentType]
