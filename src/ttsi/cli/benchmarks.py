"""`ttsi benchmarks`."""

import click


@click.group()
def benchmarks() -> None:
    """The paper's benchmarks: fetch and check them."""
