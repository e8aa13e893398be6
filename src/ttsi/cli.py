"""The `ttsi` command. A command imports what it runs when it runs, so that `ttsi --help` answers at once."""

from typing import Any

import click

from ttsi.records import InputError


class InputErrorGroup(click.Group):
    """Turns an `InputError` of any command into one line on stderr and exit code 2."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the chosen command.

        Raises:
            click.ClickException: the command raised an `InputError`; click prints it as `Error: …`.
        """
        try:
            return super().invoke(ctx)
        except InputError as error:
            failure = click.ClickException(" ".join(str(error).split()))
            failure.exit_code = 2
            raise failure from error


@click.group(cls=InputErrorGroup)
@click.version_option(package_name="ttsi")
def main() -> None:
    """Test-time self-improvement of language-model agents, and the book that reproduces it."""


@main.command()
@click.option("--only", multiple=True, metavar="NN", help="Execute only this chapter (repeatable), e.g. 03.")
@click.option("-p", "--parameter", "assignments", multiple=True, metavar="NAME=VALUE", help="Set a chapter parameter.")
@click.option("--profile", type=click.Choice(["smoke", "tiny"]), help="Short for -p profile=…")
@click.option("--out", metavar="DIR", help="Build beside the published book, which stays untouched.")
@click.option("--force", is_flag=True, help="Execute chapters that did not change, too.")
def book(only: tuple[str, ...], assignments: tuple[str, ...], profile: str | None, out: str | None, force: bool) -> None:
    """Execute the chapters that changed, then build the book."""
    from ttsi.book.make import BookError, make_book
    from ttsi.book.parameters import parse_parameters

    if profile:
        assignments = (*assignments, f"profile={profile}")
    try:
        page = make_book(only=only, parameters=parse_parameters(assignments), out=out, force=force, say=click.echo)
    except BookError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"The book is at {page}")
