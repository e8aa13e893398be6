"""What made the rows of a family, in words: its settings as recorded, beside those of the paper."""

from collections.abc import Iterable
from typing import Any

from ttsi.profiles import METHODS
from ttsi.studies.real import PAPER
from ttsi_book.explore.sets import Runs

PAPER_TAU = 0.95
AUTHORS = {
    "nobody": "nobody",
    "self": "the agent itself",
    "teacher": "a teacher",
    "training set": "the benchmark's training set",
}
NAMES = {
    "estimator": "margin",
    "elicitation": "how practice is asked for",
    "k": "K, examples used at most",
    "draws": "examples written",
    "learning_rate": "learning rate",
    "epochs": "epochs",
    "prefix": "adapter on the tool list",
    "tau": "tau",
}
"""What the page calls the settings in which a family may differ from the paper."""


def settings_table(runs: Runs) -> list[tuple[str, str]]:
    """Return what a reader needs to know of how the rows were made: name and value, in order.

    A setting in which the runs differ shows every value.
    """
    configs = [one.config for one in runs.made]
    loops = [config["loop"] for config in configs]
    author = METHODS[runs.method]["author"]  # pyright: ignore[reportArgumentType]
    lines = [("agent", _values(config["model"] for config in configs)), ("practice written by", _author(runs))]
    if author in ("self", "teacher"):
        lines += [(NAMES[name], _values(values)) for name, values in _against_paper(runs).items()]
    decoding = _values("constrained" if loop["constrained"] else "free" for loop in loops)
    seconds = {(config["backend"], config["threads"], one.device) for config, one in zip(configs, runs.made)}
    computed = [f"{backend}, {threads} threads, {device}" for backend, threads, device in sorted(seconds)]
    return [
        *lines,
        ("decoding", decoding),
        ("seeds", _values(sorted({config["seed"] for config in configs}))),
        ("computed by", "; ".join(computed)),
        ("commit", _values(_commit(one.commit, one.dirty) for one in runs.made)),
    ]


def paper_verdict(runs: Runs) -> str:
    """Say whether a family that practises is in the paper's setting, as far as that is known, and where it differs."""
    if METHODS[runs.method]["author"] not in ("self", "teacher"):  # pyright: ignore[reportArgumentType]
        return ""
    paper = PAPER | {"tau": PAPER_TAU}
    differing = [
        f"{NAMES[name]}: {_values(values)} (paper: {paper[name]:g})"
        if isinstance(paper[name], int | float)
        else f"{NAMES[name]}: {_values(values)} (paper: {paper[name]})"
        for name, values in _against_paper(runs).items()
        if set(values) != {paper[name]}
    ]
    if not differing:
        return "This is the paper's setting, as far as it is known."
    return f"This is our setting, not the paper's. What differs: {'; '.join(differing)}."


def _against_paper(runs: Runs) -> dict[str, list[Any]]:
    """Return the settings that the paper's are compared with, those that the method looks at; a value for each run."""
    loops = [one.config["loop"] for one in runs.made]
    flat = [loop["lora"] | loop for loop in loops]
    unused = {"elicitation"} if METHODS[runs.method]["author"] == "teacher" else set()  # pyright: ignore[reportArgumentType]
    if loops[0]["in_context"]:
        unused |= {"learning_rate", "epochs", "prefix"}
    return {name: [one[name] for one in flat] for name in NAMES if name not in unused}


def _author(runs: Runs) -> str:
    config = runs.made[0].config
    if config["loop"]["author"] != "teacher":
        return AUTHORS[config["loop"]["author"]]
    return "an oracle that knows the benchmark" if config["teacher"] == "oracle" else f"{config['teacher_model']}"


def _commit(commit: str | None, dirty: bool | None) -> str:
    return f"{commit[:8]}{' with changes' if dirty else ''}" if commit else "unknown"


def _values(values: Iterable[Any]) -> str:
    return ", ".join(dict.fromkeys(f"{one:g}" if isinstance(one, float) else str(one) for one in values))
