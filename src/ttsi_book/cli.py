"""`ttsi book`."""

import click


@click.command()
@click.option("--only", multiple=True, metavar="NN", help="Execute only this chapter (repeatable), e.g. 03.")
@click.option("-p", "--parameter", "assignments", multiple=True, metavar="NAME=VALUE", help="Set a chapter parameter.")
@click.option("--profile", type=click.Choice(["smoke", "tiny"]), help="Short for -p profile=…")
@click.option("--out", metavar="DIR", help="Build beside the published book, which stays untouched.")
@click.option("--force", is_flag=True, help="Execute chapters that did not change, too.")
def book(
    only: tuple[str, ...], assignments: tuple[str, ...], profile: str | None, out: str | None, force: bool
) -> None:
    """Execute the chapters that changed, then build the book."""
    from ttsi_book.making import BookError
    from ttsi_book.making.build import make_book
    from ttsi_book.making.parameters import parse_parameters

    if profile:
        assignments = (*assignments, f"profile={profile}")
    try:
        page = make_book(only=only, parameters=parse_parameters(assignments), out=out, force=force, say=click.echo)
    except BookError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"The book is at {page}")
