"""`ttsi agent`."""

from pathlib import Path

import click

from ttsi.cli.options import PATH

CONFIG = click.option("--config", type=PATH, help="TOML file of settings that differ from the default.")


@click.group()
def agent() -> None:
    """Agents: fetch one, or train the tiny one."""


@agent.command()
@click.option("--out", required=True, type=PATH, help="Model folder; a cut-off run in it goes on.")
@CONFIG
def train(out: Path, config: Path | None) -> None:
    """Train the tiny agent from nothing, score it, and write its model card."""
    from ttsi.tiny.card import write_card
    from ttsi.tiny.training import TrainingConfig
    from ttsi.tiny.training import train as train_agent

    train_agent(TrainingConfig.read(config), out)
    click.echo(write_card(out))


@agent.command()
@click.argument("name")
def fetch(name: str) -> None:
    """Fetch a model (a name of data/wheels.toml or data/models.toml) or merge an adapter; print its folder.

    --model does the same where a model is named.
    """
    from ttsi.data import data_root
    from ttsi.models import fetching, folders

    folder = folders.find(name, data_root(), say=lambda text: click.echo(text, err=True))
    if folder is None and "/" in name:
        from ttsi.models import loading

        folder = loading.fetch(name, data_root() / "models.toml")
    click.echo(folder or fetching.fetch(name))


@agent.command()
@click.option("--out", required=True, type=PATH, help="Folder of the adapter; a cut-off run goes on.")
@CONFIG
@click.option("--device", help="cpu or cuda; unless told, a GPU if there is one.")
@click.option("--data-dir", type=PATH, help="Where the benchmarks' files lie, bfcl's among them.")
def tune(out: Path, config: Path | None, device: str | None, data_dir: Path | None) -> None:
    """Tune a pretrained model to call tools, and write its adapter and its model card."""
    import torch

    from ttsi.tuning.card import write_card
    from ttsi.tuning.run import TuningConfig
    from ttsi.tuning.run import tune as tune_agent

    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    tune_agent(TuningConfig.read(config), out, device=device, data_dir=data_dir)
    click.echo(write_card(out, data_dir=data_dir, device=device))
