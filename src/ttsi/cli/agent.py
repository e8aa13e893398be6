"""`ttsi agent`."""

from pathlib import Path

import click


@click.group()
def agent() -> None:
    """The tiny agent."""


@agent.command()
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="Model folder; a cut-off run in it goes on."
)
@click.option("--config", type=click.Path(path_type=Path), help="TOML file of settings that differ from the default.")
def train(out: Path, config: Path | None) -> None:
    """Train the tiny agent from nothing, score it, and write its model card."""
    from ttsi.agent.training import load_config
    from ttsi.agent.training import train as train_agent
    from ttsi.model_card import write_card

    train_agent(load_config(config), out)
    click.echo(write_card(out))
