"""`ttsi bench`."""

import math
from pathlib import Path

import click

from ttsi.cli.options import PATH
from ttsi.records import MOST, InputError
from ttsi.speed.cases import PLANS, REPEATS


@click.command()
@click.argument("plan", type=click.Choice([*PLANS, "default"]))
@click.option("--out", required=True, type=PATH, help="Parquet file of what is measured.")
@click.option("--repeats", type=click.IntRange(1, MOST), default=REPEATS, show_default=True)
@click.option("--minutes", type=click.FloatRange(0, MOST), help="Begin nothing after so many; a next call goes on.")
def bench(plan: str, out: Path, repeats: int, minutes: float | None) -> None:
    """Measure the ways to compute an adaptation, most important first: seconds by stage, and memory.

    `default` measures whole runs of the profile tiny instead, as they are and with --backend peft.
    """
    if minutes is not None and math.isnan(minutes):
        raise InputError("minutes is nan; expected a number")
    if plan == "unsloth":
        from ttsi.backends.unsloth_import import require

        require()
    from functools import partial

    from ttsi.models.loading import check_device
    from ttsi.speed.measuring import measure

    announce = partial(click.echo, err=True)
    if plan == "default":
        from ttsi.speed.default import measure_default

        measure_default(out, repeats=repeats, minutes=minutes, announce=announce)
        return
    device = "cpu" if plan == "cpu" else "cuda"
    check_device(device)
    rows = measure(PLANS[plan], out, device=device, repeats=repeats, minutes=minutes, announce=announce)
    click.echo(f"measured {len(rows)} repetitions of {len(PLANS[plan])} cases; they are in {out}")
