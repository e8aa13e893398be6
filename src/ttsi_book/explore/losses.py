"""The training loss of each sample: `python -m ttsi_book.explore.losses FAMILY...` writes `data/losses/FAMILY.parquet`.

The published rows hold the practice examples but no losses. So each sample trains again on its own examples, from its
own seed, many at once: the losses are those of the published run up to the rounding of floats. Only toolworld's samples
can be drawn again without files from elsewhere, so only its families have losses.
"""

import json
from pathlib import Path

import click
import pandas as pd

from ttsi.adaptation import Lesson
from ttsi.agent import Agent
from ttsi.augmentation import judge
from ttsi.backends import adapter_for
from ttsi.data import data_root
from ttsi.records import InputError, Request, seed_for
from ttsi.runs.config import RunConfig
from ttsi.runs.run import load_agent, load_samples
from ttsi.studies.collecting import read_made
from ttsi.studies.published import read_study

DIGITS = 3


def read_losses(data: Path, family: str) -> dict[str, list[float]]:
    """Return the loss of each step, in nats per answer token, by the sample's id; nothing of families without it."""
    path = data / "losses" / f"{family}.parquet"
    if not path.is_file():
        return {}
    table = pd.read_parquet(path)
    return {name: list(losses) for name, losses in zip(table["sample_id"], table["losses"], strict=True)}


def lessons_of(examples: str, request: Request, k: int) -> list[Lesson]:
    """Return what a sample trained on: the first `k` valid ones of its published practice examples."""
    written = judge([one["text"] for one in json.loads(examples)], request)
    valid = [one.example for one in written if one.example]
    return [(example, request.tools) for example in valid[:k]]


def losses_of(rows: pd.DataFrame, config: RunConfig, agent: Agent) -> dict[str, list[float]]:
    """Return the losses of the adapted samples of a run on toolworld.

    Args:
        rows: published rows, those of the run among them.
        config: of the run.
        agent: of the run.
    """
    ran = rows["adapted"] & rows["split"].eq(config.split) & rows["seed"].eq(config.seed)
    examples = dict(zip(rows.loc[ran, "sample_id"], rows.loc[ran, "examples"], strict=True))
    requests = {sample.request.id: sample.request for sample in load_samples(config)}
    lessons = [lessons_of(text, requests[name], config.loop.k) for name, text in examples.items()]
    seeds = [seed_for(config.seed, name) for name in examples]
    with adapter_for(agent, config.loop.lora).adapted(lessons, seeds=seeds) as losses:
        pairs = zip(examples, losses, strict=True)
        return {name: [float(f"{one:.{DIGITS}g}") for one in of_sample] for name, of_sample in pairs}


def trained_again(data: Path, family: str) -> pd.DataFrame:
    """Return `sample_id` and `losses` of each adapted sample of a published family of toolworld.

    Raises:
        InputError: the family is not there, or does not train for each sample.
    """
    rows, found = read_study(data / "results", family), {}
    configs = [
        RunConfig.model_validate(one.config | {"backend": "batched"}) for one in read_made(data / "results", family)
    ]
    if configs[0].loop.author not in ("self", "teacher") or configs[0].loop.in_context:
        raise InputError(f"{family} does not train for each sample; expected a family such as tt-si or tt-d")
    agent = load_agent(configs[0])
    for config in configs:
        found |= losses_of(rows, config, agent)
    return pd.DataFrame({"sample_id": list(found), "losses": list(found.values())})


@click.command()
@click.argument("families", nargs=-1, required=True)
def main(families: tuple[str, ...]) -> None:
    """Write the losses of published FAMILIES of toolworld."""
    folder = data_root() / "losses"
    folder.mkdir(exist_ok=True)
    for family in families:
        table = trained_again(data_root(), family)
        table.to_parquet(folder / f"{family}.parquet", index=False, compression="zstd")
        click.echo(f"{family}: {len(table)} samples trained again")


if __name__ == "__main__":
    main()
