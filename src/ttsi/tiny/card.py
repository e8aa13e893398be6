"""The model card of a trained tiny agent, student or teacher, with its scores measured."""

import json
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from safetensors import safe_open

from ttsi.agent import Agent
from ttsi.benchmarks.toolworld import SPLITS
from ttsi.evaluation.statistics import proportion_interval
from ttsi.evaluation.texts import interval_text
from ttsi.prompts import answer_chat
from ttsi.records import Sample
from ttsi.runs.config import configure
from ttsi.runs.run import load_agent, load_samples
from ttsi.scoring import score

TEMPLATE = Path(__file__).with_name("card.md")
CARD_SEED = 1000
"""Seed of the test samples that cards are scored on; no choice is made and no result is reported on them."""


def write_card(folder: Path, *, limit: int = 100) -> Path:
    """Score the agent of a folder on `limit` test samples of each split and write its `README.md`.

    Raises:
        InputError: the folder holds no readable agent.
    """
    rows = []
    for split in SPLITS:
        config = configure("tiny", method="base", split=split, seed=CARD_SEED, limit=limit, model=str(folder.resolve()))
        rows.append(f"| {split} | {exact_match_text(load_agent(config), load_samples(config))} |")
    card = folder / "README.md"
    card.write_text(
        TEMPLATE.read_text(encoding="utf-8").format(
            scores="\n".join(rows), limit=limit, card_seed=CARD_SEED, **_training(folder)
        )
    )
    return card


def exact_match_text(agent: Agent, samples: Sequence[Sample]) -> str:
    """Return the share of samples that an agent answers rightly, greedily, as a card writes it."""
    prompts = [agent.prompt(answer_chat(sample.request.messages), sample.request.tools) for sample in samples]
    outputs = [agent.decode(ids) for ids in agent.generate(prompts)]
    correct = [score(output, sample.gold).exact_match for output, sample in zip(outputs, samples, strict=True)]
    return interval_text(proportion_interval(sum(correct), len(correct)))


def _training(folder: Path) -> dict[str, str]:
    record = json.loads((folder / "training.json").read_text())
    log = pd.read_parquet(folder / "training.parquet")
    config = record["config"]
    return {
        "parameters": f"{_parameters(folder) / 1e6:.2f}",
        "steps": f"{len(log):,}",
        "tokens": f"{log['tokens'].sum() / 1e6:.1f}",
        "minutes": f"{log['seconds'].sum() / 60:.0f}",
        "machine": record["machine"],
        "torch": record["versions"]["torch"],
        "data_seed": str(config["seed"]),
        "config": json.dumps(config, indent=2),
        **(_TEACHER if config.get("grown_from") else _STUDENT),
    }


def _parameters(folder: Path) -> int:
    with safe_open(folder / "model.safetensors", "pt") as weights:
        return sum(weights.get_tensor(name).numel() for name in weights.keys())  # noqa: SIM118


_STUDENT = {
    "title": "The tiny agent",
    "role": "for itself. It is the embedded\n"
    "default of the book on test-time self-improvement: small enough for a laptop's CPU, good enough on tools that it\n"
    "knows, weak enough on tools that it has never seen to have something to gain.",
    "origin": "From nothing",
    "unseen": "`unseen` means that no noun, no tool and no made-up word of the sample occurs in training.",
}
_TEACHER = {
    "title": "The tiny teacher",
    "role": "for the tiny agent. It is\n"
    "the book's offline stand-in for a stronger model behind an API: larger than its student, and trained on more\n"
    "tools.",
    "origin": "Grown from the tiny agent (each layer followed by a copy that adds nothing yet, arXiv 2401.02415)",
    "unseen": "The words of the `unseen` splits are unseen by the tiny agent, not by this teacher; the conversations\n"
    "of all splits are unseen by both.",
}
