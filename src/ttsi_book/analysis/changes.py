"""What the profiles `tiny` and `real` change of the paper's settings, and why."""

from typing import Any, NamedTuple

import pandas as pd

from ttsi.runs.config import configure


class Reason(NamedTuple):
    """Why a setting is ours, and the chapter that shows what it does."""

    what: str
    why: str
    chapter: str


TUNED: dict[str, Reason] = {
    "loop.estimator": Reason(
        "margin that the gate looks at",
        "the paper's compares the tools on offer; the mistakes are often names that are not on offer, or arguments",
        "03_self_awareness",
    ),
    "loop.tau": Reason(
        "threshold tau", "belongs to its estimator; chosen on a few validation samples", "14_a_real_model"
    ),
    "loop.elicitation": Reason(
        "how practice is asked for",
        "a small model that is asked freely writes less that is valid",
        "04_self_augmentation",
    ),
    "loop.practice_instruction": Reason(
        "the request for practice", "the paper's text is not published", "04_self_augmentation"
    ),
    "loop.k": Reason("practice examples, K", "chosen on a few validation samples", "08_how_much_training"),
    "loop.draws": Reason("attempts at them", "so that K of them are valid more often", "04_self_augmentation"),
    "loop.lora.learning_rate": Reason(
        "learning rate of the LoRA",
        "at the paper's, five steps hardly change an answer of so small a model",
        "08_how_much_training",
    ),
    "loop.lora.prefix": Reason(
        "where the LoRA acts", "behind the tool list, which is then read once: speed", "13_how_fast"
    ),
}
"""The settings of TT-SI that are not the paper's in one profile or the other."""

CIRCUMSTANCES = frozenset(
    "profile model benchmark split limit max_new_tokens device dtype threads loop.sft_examples "
    "loop.sft_learning_rate".split()
)
"""What differs because the model, the machine or the benchmark is another one, or is not about TT-SI."""


def changed_settings() -> pd.DataFrame:
    """Return a row for each setting of TT-SI that ours changes: the paper's value, those of our profiles, and why.

    Columns are `what`, `paper`, `tiny`, `real`, `why` and `chapter`, the name of the one that shows it; the index is
    the setting, dotted.
    """
    profiles = {name: _flat(configure(name).model_dump()) for name in ("paper", "tiny", "real")}
    rows = {
        setting: {"what": reason.what}
        | {name: _text(setting, values[setting]) for name, values in profiles.items()}
        | {"why": reason.why, "chapter": reason.chapter}
        for setting, reason in TUNED.items()
        if len({values[setting] for values in profiles.values()}) > 1
    }
    return pd.DataFrame(rows).T


def unexplained() -> set[str]:
    """Return the settings that differ between the profiles and are neither explained nor circumstances."""
    paper, *ours = (_flat(configure(name).model_dump()) for name in ("paper", "tiny", "real"))
    return {name for name in paper if any(one[name] != paper[name] for one in ours)} - set(TUNED) - CIRCUMSTANCES


def as_markdown(table: pd.DataFrame) -> str:
    """Return `changed_settings` as a table for the front page, each row with a link to its chapter."""
    lines = ["| setting | the paper | ours, embedded agent | ours, real model | why | shown in |", "|---" * 6 + "|"]
    for row in table.to_dict("records"):
        link = f"[chapter {int(row['chapter'][:2])}](/notebooks/{row['chapter']}.ipynb)"
        cells = [*(row[name] for name in ("what", "paper", "tiny", "real", "why")), link]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _text(setting: str, value: Any) -> str:
    if setting == "loop.practice_instruction":
        return "ours, for a large model" if value == configure("paper").loop.practice_instruction else "ours, short"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _flat(values: dict[str, Any], before: str = "") -> dict[str, Any]:
    flat = {}
    for name, value in values.items():
        flat |= _flat(value, f"{before}{name}.") if isinstance(value, dict) else {before + name: value}
    return flat
