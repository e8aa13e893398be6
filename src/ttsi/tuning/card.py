"""The model card of a tuned agent: what it was made of, how, and how good it is on validation samples."""

import json
from pathlib import Path

import pandas as pd

from ttsi.augmentation import augment
from ttsi.benchmarks import bfcl, load
from ttsi.evaluation.statistics import proportion_interval
from ttsi.evaluation.texts import interval_text
from ttsi.runs.config import RunConfig, configure
from ttsi.runs.run import load_agent, load_samples
from ttsi.tiny.card import exact_match_text
from ttsi.tuning.lessons import PRACTICE, TOOLWORLD, Lessons, stream
from ttsi.tuning.overlap import Overlap, overlaps
from ttsi.tuning.run import TuningConfig

TEMPLATE = Path(__file__).with_name("card.md")
SCORED = 64
"""Samples of Seal-Tools' dev set that a card is scored on."""


def write_card(folder: Path, *, data_dir: Path | None = None, device: str = "cpu") -> Path:
    """Score a tuned agent on Seal-Tools' dev set, look for test samples among its lessons, and write its `README.md`.

    Raises:
        InputError: the folder holds no tuned agent, or the files of Seal-Tools' dev set or of bfcl are not at hand.
    """
    record = json.loads((folder / "tuning.json").read_text(encoding="utf-8"))
    config, log = TuningConfig.model_validate(record["config"]), pd.read_parquet(folder / "tuning.parquet")
    lessons = Lessons(load(bfcl.NAME, "all", subset="train", limit=None, data_dir=data_dir), seed=config.seed)
    seen = overlaps(stream(lessons, 0, config.steps * config.lessons_per_step), data_dir)
    answers, practice, n = _scores(folder, data_dir, device)
    card = folder / "README.md"
    card.write_text(
        TEMPLATE.read_text(encoding="utf-8").format(
            **record["config"],
            lessons=f"{config.steps * config.lessons_per_step:,}",
            tokens=f"{log['tokens'].sum() / 1e6:.1f}",
            minutes=f"{log['seconds'].sum() / 60:.1f}",
            first=f"{log['loss'].head(10).mean():.2f}",
            last=f"{log['loss'].tail(10).mean():.2f}",
            machine=record["machine"],
            commit=(record["commit"] or "unknown")[:8],
            torch=record["versions"]["torch"],
            answering=1 - PRACTICE,
            toolworld=TOOLWORLD,
            answers=answers,
            practice=practice,
            n=n,
            overlaps="\n".join(map(_overlap_row, seen)),
            hashes="\n".join(f"- {name}: `{digest}`" for name, digest in record["hashes"].items()),
        ),
        encoding="utf-8",
    )
    return card


def _scores(folder: Path, data_dir: Path | None, device: str) -> tuple[str, str, int]:
    """Return the share of right answers and of valid practice examples, as text, and the number of samples."""
    changes = {"model": str(folder.resolve()), "device": device, "subset": "validation", "benchmark": "sealtool"}
    config: RunConfig = configure("real", method="base", limit=SCORED, **changes)
    agent, samples = load_agent(config), load_samples(config, data_dir)
    requests = [sample.request for sample in samples]
    written = augment(
        agent,
        requests,
        [()] * len(requests),
        elicitation="free",
        draws=1,
        temperature=config.loop.temperature,
        seeds=range(len(requests)),
        instruction=config.loop.practice_instruction,
    )
    valid = [attempt.example is not None for (attempt,) in written]
    practice = interval_text(proportion_interval(sum(valid), len(valid)))
    return exact_match_text(agent, samples), practice, len(samples)


def _overlap_row(one: Overlap) -> str:
    names = ", ".join(f"`{name}`" for name in one.tools) or "none"
    return f"| {one.benchmark} | {one.samples} | {one.requests} | {len(one.tools)}: {names} |"
