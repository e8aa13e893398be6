"""What the profiles `tiny` and `real` change of the paper's settings, and why."""

import tomllib
from pathlib import Path
from typing import Any

import pandas as pd

from ttsi.runs.config import configure
from ttsi.runs.results import flat

TUNED = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
"""The settings of TT-SI that are not the paper's in one profile or the other: what each is, why, and its chapter."""


def changed_settings() -> pd.DataFrame:
    """Return a row for each setting of TT-SI that ours changes: the paper's value, those of our profiles, and why.

    Columns are `what`, `paper`, `tiny`, `real`, `why` and `chapter`, the name of the one that shows it; the index is
    the setting, dotted.
    """
    profiles = {name: flat(configure(name).model_dump()) for name in ("paper", "tiny", "real")}
    rows = {
        setting: {"what": reason["what"]}
        | {name: _text(setting, values[setting]) for name, values in profiles.items()}
        | {"why": reason["why"], "chapter": reason["chapter"]}
        for setting, reason in TUNED.items()
        if len({values[setting] for values in profiles.values()}) > 1
    }
    return pd.DataFrame(rows).T


def as_markdown(table: pd.DataFrame) -> str:
    """Return `changed_settings` as a table for the front page, each row with a link to its chapter."""
    lines = ["| setting | the paper | ours, embedded agent | ours, real model | why | shown in |", "|---" * 6 + "|"]
    for row in table.to_dict("records"):
        link = f"[chapter {int(row['chapter'][:2])}](/notebooks/{row['chapter']}.ipynb)"
        cells = [*(row[name] for name in ("what", "paper", "tiny", "real", "why")), link]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


WORDS = {
    "rss-margin": "gap between the two likeliest tools (RSS)",
    "call-probability": "probability of the whole answer",
    "free": "whole example, freely",
    "hesitation": "tool drawn from its doubts",
    "constrained": "calls held to a grammar",
    "adapted": "on the whole prompt",
    "activated": "only after the tool list",
}
"""What values of settings are in words."""


def _text(setting: str, value: Any) -> str:
    if setting == "loop.practice_instruction":
        return "not published" if value == configure("paper").loop.practice_instruction else "ours, short"
    return f"{value:g}" if isinstance(value, float) else WORDS.get(value, str(value))
