"""`ttsi bench`."""

from pathlib import Path

import click

from ttsi.records import MOST


@click.command()
@click.argument("plan", type=click.Choice(["cpu", "gpu", "unsloth"]))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Parquet file of what is measured.")
@click.option("--repeats", type=click.IntRange(1, MOST), default=5, show_default=True)
def bench(plan: str, out: Path, repeats: int) -> None:
    """Measure the ways to compute an adaptation: seconds by stage, and memory."""
    if plan == "unsloth":
        from ttsi.backends.unsloth_import import require

        require()
    from functools import partial

    from ttsi.models.loading import check_device
    from ttsi.speed.cases import PLANS
    from ttsi.speed.measuring import measure

    device = "cpu" if plan == "cpu" else "cuda"
    check_device(device)
    measure(PLANS[plan], out, device=device, repeats=repeats, announce=partial(click.echo, err=True))
    click.echo(f"measured {len(PLANS[plan])} cases; rows in {out}")
