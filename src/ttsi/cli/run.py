"""`ttsi run`."""

from functools import partial
from pathlib import Path
from typing import Any

import click

from ttsi.records import MOST


@click.command()
@click.option("--profile", default="tiny", show_default=True, help="Settings in data/profiles/.")
@click.option("--benchmark", help="toolworld, nexusraven, sealtool, apibank or toolalpaca.")
@click.option("--split", help="Of toolworld: kind/tools, e.g. typed/seen.")
@click.option("--subset", help="train, validation or test.")
@click.option("--tool-order", help="shuffled or upstream; of the paper's benchmarks.")
@click.option("--data-dir", type=click.Path(path_type=Path), help="Where the paper's benchmarks lie.")
@click.option("--method", help="base, constrained, tt-si, tt-d, tt-icl, icl or sft; tt-si where none is named.")
@click.option("--constrained", is_flag=True, default=None, help="Limit answers to calls of the offered tools.")
@click.option("--decoding", help="direct, majority-vote or pass@5.")
@click.option("--adapt", help="uncertain, all, certain or random.")
@click.option("--share", type=float, help="Chance of a sample to be adapted with --adapt random.")
@click.option("--estimator", help="What the gate looks at: rss-margin, call-probability, entropy, ...")
@click.option("--tau", type=float, help="A sample is uncertain if its margin is below tau, in [0, 1].")
@click.option("--k", type=int, help="Practice examples to use, at most.")
@click.option("--draws", type=int, help="Practice examples to write.")
@click.option("--elicitation", help="Of practice examples: free, hesitation or constrained.")
@click.option("--teacher", help="endpoint or oracle (toolworld's own grammar: an upper bound); of tt-d.")
@click.option("--teacher-url", help="Base URL of an OpenAI-compatible server; the key comes from OPENAI_API_KEY.")
@click.option("--teacher-model", help="Its model; without a URL a model folder, served on loopback.")
@click.option(
    "--teacher-requests", type=click.IntRange(1, MOST), default=1, show_default=True, help="At once, at most."
)
@click.option("--rank", type=int, help="Of the test-time LoRA.")
@click.option("--learning-rate", type=float, help="Of the test-time LoRA.")
@click.option("--epochs", type=int, help="Passes over the practice examples.")
@click.option("--sft-examples", type=int, help="Training examples for sft, and for icl to choose from.")
@click.option("--model", help="Model folder, or a name on the hub that data/models.toml pins.")
@click.option("--device", help="cpu or cuda.")
@click.option("--dtype", help="float32, bfloat16 or float16.")
@click.option("--backend", help="batched (many samples at once), peft (one by one), or unsloth (on a GPU).")
@click.option("--batch", type=int, help="Samples at once, at most, of the batched backend.")
@click.option("--prefix", help="adapted or activated: whether the adapter acts on the tool list, too.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--limit", type=int, help="Number of samples.")
@click.option("--engine", type=click.Choice(["local", "ray"]), default="local", show_default=True)
@click.option("--workers", type=click.IntRange(1, MOST), default=2, show_default=True, help="Of the engine ray.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder for the results.")
@click.option("--resume", is_flag=True, help="Go on with a run that was interrupted.")
def run(
    profile: str,
    data_dir: Path | None,
    teacher_requests: int,
    engine: str,
    workers: int,
    out: Path,
    resume: bool,
    **settings: Any,
) -> None:
    """Run a method over a benchmark split; writes outcomes.parquet and provenance.json."""
    if settings["backend"] == "unsloth":
        from ttsi.backends.unsloth_import import require

        require()
    from ttsi.runs.config import configure
    from ttsi.runs.run import run as run_benchmark

    config = configure(profile, **{name: value for name, value in settings.items() if value is not None})
    table = run_benchmark(
        config,
        out,
        resume=resume,
        data_dir=data_dir,
        teacher_requests=teacher_requests,
        announce=partial(click.echo, err=True),
        workers=workers if engine == "ray" else None,
    )
    before, after = table["base_correct"].mean(), table["correct"].mean()
    click.echo(f"{len(table)} samples, exact match {before:.1%} before and {after:.1%} after adaptation; rows in {out}")
