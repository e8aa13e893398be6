"""`ttsi run`."""

from functools import partial
from pathlib import Path
from typing import Any

import click

from ttsi.cli.options import PATH, SettingsCommand
from ttsi.records import MOST


@click.command(cls=SettingsCommand)
@click.option("--profile", default="tiny", show_default=True, help="Settings in data/profiles/.")
@click.option("--data-dir", type=PATH, help="Where the paper's benchmarks lie.")
@click.option(
    "--teacher-requests",
    type=click.IntRange(1, MOST),
    default=1,
    show_default=True,
    help="Sent to the teacher at once, at most.",
)
@click.option("--workers", type=click.IntRange(1, MOST), help="Of a pool of Ray's; none: this process computes.")
@click.option("--out", required=True, type=PATH, help="Folder for the results.")
@click.option("--resume", is_flag=True, help="Go on with a run that was interrupted.")
def run(
    profile: str,
    data_dir: Path | None,
    teacher_requests: int,
    workers: int | None,
    out: Path,
    resume: bool,
    **settings: Any,
) -> None:
    """Run a method over a benchmark split; writes outcomes.parquet and provenance.json.

    The options from --model on are the settings; those that are not given are the profile's.
    """
    if settings["backend"] == "unsloth":
        from ttsi.backends.unsloth_import import require

        require()
    from ttsi.runs.config import configure
    from ttsi.runs.run import run as run_benchmark

    config = configure(profile, **{name: value for name, value in settings.items() if value is not None})
    try:
        table = run_benchmark(
            config,
            out,
            resume=resume,
            data_dir=data_dir,
            teacher_requests=teacher_requests,
            announce=partial(click.echo, err=True),
            workers=workers,
        )
    except KeyboardInterrupt:
        click.echo(f"\ninterrupted; --resume goes on with what {out} holds", err=True)
        raise
    before, after = table["base_correct"].mean(), table["correct"].mean()
    click.echo(f"{len(table)} samples, exact match {before:.1%} before and {after:.1%} after adaptation; rows in {out}")
