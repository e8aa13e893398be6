"""The training loss of each published sample; `python -m ttsi_book.explore.losses` writes `data/explore/losses.parquet`.

The published rows hold the practice examples but no losses. So each sample trains again on its own examples, from its
own seed, many at once: the losses are those of the published run up to the rounding of floats. Only toolworld's samples
can be drawn again without files from elsewhere, so only its families have losses.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import click
import pandas as pd

from ttsi.adaptation import Lesson, adapter_for
from ttsi.agent import Agent
from ttsi.augmentation import judge
from ttsi.data import data_root
from ttsi.profiles import RunConfig
from ttsi.published import read_made, read_study
from ttsi.records import Request
from ttsi.runs import load_agent, load_samples
from ttsi.seeds import seed_for

TABLE = Path("explore", "losses.parquet")
DIGITS = 3


def read_losses(data: Path, family: str) -> dict[str, list[float]]:
    """Return the loss of each step, in nats per answer token, by the sample's id; nothing of families without it."""
    path = data / TABLE
    if not path.is_file():
        return {}
    table = pd.read_parquet(path, filters=[("family", "==", family)])
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


def trained_again(data: Path, family: str) -> Iterator[tuple[str, list[float]]]:
    """Yield id and losses of each adapted sample of a published family of toolworld that trains for each sample."""
    rows, agents = read_study(data / "results", family), {}
    for made in read_made(data / "results", family):
        config = RunConfig.model_validate(made.config | {"backend": "batched"})
        if config.loop.author not in ("self", "teacher") or config.loop.in_context:
            return
        agent = agents[config.model] = agents.get(config.model) or load_agent(config)
        yield from losses_of(rows, config, agent).items()


def main() -> None:
    """Write the losses of every published family of toolworld."""
    data, tables = data_root(), []
    for family in sorted(path.stem for path in (data / "results").glob("*.parquet")):
        found = list(trained_again(data, family))
        click.echo(f"{family}: {len(found)} samples trained again")
        tables += [(family, name, losses) for name, losses in found]
    (data / TABLE).parent.mkdir(exist_ok=True)
    table = pd.DataFrame(tables, columns=["family", "sample_id", "losses"])
    table.to_parquet(data / TABLE, index=False, compression="zstd")


if __name__ == "__main__":
    main()
