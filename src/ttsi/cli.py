"""The `ttsi` command. A command imports what it runs when it runs, so that `ttsi --help` answers at once."""

from pathlib import Path
from typing import Any

import click

from ttsi.records import InputError


class InputFailure(click.ClickException):
    """How the command line shows an `InputError`: one line on stderr, exit code 2."""

    exit_code = 2


class InputErrorGroup(click.Group):
    """Turns an `InputError` of any command into an `InputFailure`."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the chosen command.

        Raises:
            InputFailure: the command raised an `InputError`; click prints it as `Error: …`.
        """
        try:
            return super().invoke(ctx)
        except InputError as error:
            raise InputFailure(" ".join(str(error).split())) from error


@click.group(cls=InputErrorGroup)
@click.version_option(package_name="ttsi")
def main() -> None:
    """Test-time self-improvement of language-model agents, and the book that reproduces it."""


@main.command()
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


@main.command()
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


@main.group()
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


@main.group()
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


@main.command()
@click.option("--only", multiple=True, metavar="NN", help="Execute only this chapter (repeatable), e.g. 03.")
@click.option("-p", "--parameter", "assignments", multiple=True, metavar="NAME=VALUE", help="Set a chapter parameter.")
@click.option("--profile", type=click.Choice(["smoke", "tiny"]), help="Short for -p profile=…")
@click.option("--out", metavar="DIR", help="Build beside the published book, which stays untouched.")
@click.option("--force", is_flag=True, help="Execute chapters that did not change, too.")
def book(
    only: tuple[str, ...], assignments: tuple[str, ...], profile: str | None, out: str | None, force: bool
) -> None:
    """Execute the chapters that changed, then build the book."""
    from ttsi.book import BookError
    from ttsi.book.making import make_book
    from ttsi.book.parameters import parse_parameters

    if profile:
        assignments = (*assignments, f"profile={profile}")
    try:
        page = make_book(only=only, parameters=parse_parameters(assignments), out=out, force=force, say=click.echo)
    except BookError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"The book is at {page}")
