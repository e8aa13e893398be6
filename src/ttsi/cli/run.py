"""`ttsi run`."""

from pathlib import Path
from typing import Any

import click


@click.command()
@click.option("--profile", default="tiny", show_default=True, help="Settings in data/profiles/.")
@click.option("--benchmark", default="toolworld", show_default=True)
@click.option("--split", default="single/unseen", show_default=True, help="kind/tools, e.g. typed/seen.")
@click.option("--subset", default="test", show_default=True, help="train, validation or test.")
@click.option("--method", default="tt-si", show_default=True, help="base, constrained or tt-si.")
@click.option("--constrained", is_flag=True, default=None, help="tt-si with tool names limited to the offered ones.")
@click.option("--estimator", help="rss-margin or call-probability.")
@click.option("--tau", type=float, help="A sample is uncertain if its margin is below tau, in [0, 1].")
@click.option("--k", type=int, help="Practice examples to train on, at most.")
@click.option("--draws", type=int, help="Practice examples to write.")
@click.option("--elicitation", help="free or hesitation.")
@click.option("--learning-rate", type=float, help="Of the test-time LoRA.")
@click.option("--epochs", type=int, help="Passes over the practice examples.")
@click.option("--agent", help="Model folder.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--limit", type=int, help="Number of samples.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder for the results.")
@click.option("--resume", is_flag=True, help="Go on with a run that was interrupted.")
def run(profile: str, out: Path, resume: bool, **settings: Any) -> None:
    """Run a method over a benchmark split; writes outcomes.parquet and provenance.json."""
    from ttsi.profiles import configure
    from ttsi.runs import run as run_benchmark

    config = configure(profile, **{name: value for name, value in settings.items() if value is not None})
    table = run_benchmark(config, out, resume=resume)
    before, after = table["base_correct"].mean(), table["correct"].mean()
    click.echo(f"{len(table)} samples, exact match {before:.1%} before and {after:.1%} after adaptation; rows in {out}")
