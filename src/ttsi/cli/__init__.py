"""The `ttsi` command, a module for each group of commands.

A command imports what it runs when it runs, so that `ttsi --help` answers at once.
"""

from importlib import import_module
from typing import Any

import click

from ttsi.records import InputError


class InputFailure(click.ClickException):
    """How the command line shows an `InputError`: one line on stderr, `Error: …`, and exit code 2."""

    exit_code = 2


class InputErrorGroup(click.Group):
    """Turns an `InputError` of any command into an `InputFailure`."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the chosen command."""
        try:
            return super().invoke(ctx)
        except InputError as error:
            raise InputFailure(" ".join(str(error).split())) from error


@click.group(cls=InputErrorGroup)
@click.version_option(package_name="ttsi")
def main() -> None:
    """Test-time self-improvement of language-model agents, and the book that reproduces it."""


for name in ("run", "study", "benchmarks", "bench", "toolworld", "agent"):
    main.add_command(getattr(import_module(f"ttsi.cli.{name}"), name))
main.add_command(import_module("ttsi_book.cli").book)  # by name, since the library does not depend on the book
