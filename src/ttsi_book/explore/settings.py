"""What made the rows of a family, in words: its settings as recorded, beside those of the paper."""

from collections.abc import Iterable
from typing import Any

from ttsi.studies.real import PAPER_SETTING
from ttsi_book.explore.sets import Runs

AUTHORS = {
    "nobody": "nobody",
    "self": "the agent itself",
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
    computed = {f"{one.config['backend']}, threads: {one.threads}, {one.device}" for one in runs.made}
    return [
        ("agent", _values(config["model"] for config in configs)),
        ("practice written by", _author(runs)),
        *((NAMES[name], _values(values)) for name, values in _of_practice(runs).items()),
        ("decoding", _values("constrained" if config["loop"]["constrained"] else "free" for config in configs)),
        ("seeds", _values(sorted({config["seed"] for config in configs}))),
        ("computed by", "; ".join(sorted(computed))),
        ("commit", _values(one.sources() for one in runs.made)),
    ]


def unlike_the_paper(runs: Runs) -> list[tuple[str, str, str]]:
    """Return each setting of the practice in which a family is not as the paper is, as far as that is known.

    Returns:
        Name, value here, value in the paper; nothing for a method that does not practise.
    """
    settings = _of_practice(runs)
    differing = [name for name, values in settings.items() if set(values) != {PAPER_SETTING[name]}]
    return [(NAMES[name], _values(settings[name]), _values([PAPER_SETTING[name]])) for name in differing]


def _of_practice(runs: Runs) -> dict[str, list[Any]]:
    """Return the settings of the gate, of the practice and of its training, those that count: a value for each run."""
    if not runs.is_gated:
        return {}
    loops = [one.config["loop"] for one in runs.made]
    unused = {"elicitation"} if loops[0]["author"] == "teacher" else set()
    unused |= {"learning_rate", "epochs", "prefix"} if loops[0]["in_context"] else set()
    return {name: [(loop["lora"] | loop)[name] for loop in loops] for name in NAMES if name not in unused}


def _author(runs: Runs) -> str:
    config = runs.made[0].config
    teacher = "an oracle that knows the benchmark" if config["teacher"] == "oracle" else f"{config['teacher_model']}"
    return AUTHORS.get(config["loop"]["author"], teacher)


def _values(values: Iterable[Any]) -> str:
    return ", ".join(dict.fromkeys(f"{one:g}" if isinstance(one, float) else str(one) for one in values))
