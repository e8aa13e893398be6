"""`ttsi toolworld`."""

import click


@click.group()
def toolworld() -> None:
    """The embedded benchmark."""


@toolworld.command()
@click.option("--split", default="single/unseen", show_default=True)
@click.option("--subset", default="test", show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("-n", "count", type=int, default=5, show_default=True, help="Number of samples.")
def sample(split: str, subset: str, seed: int, count: int) -> None:
    """Print samples as JSON, one a line."""
    from ttsi.benchmarks import load

    for drawn in load("toolworld", split, subset=subset, seed=seed, limit=count):  # pyright: ignore[reportArgumentType]
        click.echo(drawn.model_dump_json())
