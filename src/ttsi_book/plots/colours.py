"""One colour for one thing, through the whole book, and what it becomes on a dark page.

The colours are told apart by readers with protanopia and deuteranopia, and each has a contrast of 4.5 to 1 or more
with a white page, for text in it or on it. `book/_static/book.css` has their counterparts for a dark one.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import cycle

COLOURS = {
    "ink": "#1f2328",
    "paper": "#ffffff",
    "grid": "#dfe3e8",
    "grey": "#6b7280",
    "blue": "#0072b2",
    "orange": "#a33000",
    "green": "#00845f",
    "purple": "#8e2a7e",
    "ochre": "#967000",
    "brown": "#4f2a12",
    "red": "#c22a48",
    "cyan": "#087f9b",
    "indigo": "#2b2f96",
}
"""What figures are drawn in. A page replaces ink by its own text colour, the rest by a variable `--plot-NAME`."""

INK, PAPER, GRID, GREY = (COLOURS[name] for name in ("ink", "paper", "grid", "grey"))
RIGHT, WRONG = COLOURS["blue"], COLOURS["orange"]
"""Of answers and examples; also what adaptation fixed, and what it broke."""

MEANINGS = {
    "base": "grey",
    "the book's agent": "grey",
    "none": "grey",
    "no practice": "grey",
    "constrained": "grey",
    "TT-SI": "green",
    "the agent": "green",
    "TT-D": "purple",
    "the teacher": "purple",
    "the oracle": "indigo",
    "TT-ICL": "ochre",
    "ICL": "brown",
    "SFT": "red",
    "majority vote of five": "purple",
    "any of five": "orange",
    "rss-margin": "brown",
    "entropy": "cyan",
    "call-probability": "indigo",
    "answer": "grey",
    "uncertainty": "cyan",
    "augmentation": "ochre",
    "adaptation": "green",
    "draws": "indigo",
    "unseen": "ink",
    "seen": "grey",
    "naive": "grey",
    "sequential": "red",
    "batched": "cyan",
    "activated": "green",
    "right": "blue",
    "valid": "blue",
    "within reach": "blue",
    "reproduced": "blue",
    "wrong": "orange",
    "valid, wrong": "orange",
    "counterpart on toolworld": "cyan",
    "open": "grey",
    "out of reach": "orange",
}
"""The colour of what is drawn, by its name or the part before a comma, a plus sign or a bracket.

A stage of the loop has the colour of the method that ends with it. Names that never meet in a figure may share one.
"""

CYCLE = ("cyan", "ochre", "purple", "brown", "indigo", "red", "green", "grey", "orange", "blue")
"""For names that mean nothing outside of their figure, in this order, those that the figure already has left out."""

MARKERS, DASHES = "oDv^P", ("-", "--", ":", "-.")


@dataclass(frozen=True)
class Look:
    """How one series is drawn: a colour, and a marker and a dash that tell apart what shares it."""

    colour: str
    marker: str
    dash: str


def looks(names: Iterable[str]) -> dict[str, Look]:
    """Return the look of each series of a figure; constrained decoding is square, whatever the method."""
    known = {name: _known(name) for name in dict.fromkeys(map(str, names))}
    free = cycle([colour for colour in CYCLE if colour not in known.values()] or CYCLE)
    taken: Counter[str] = Counter()
    found = {}
    for name, meant in known.items():
        colour = meant or next(free)
        marker = "s" if "constrained" in name else MARKERS[taken[colour] % len(MARKERS)]
        found[name] = Look(COLOURS[colour], marker, DASHES[taken[colour] % len(DASHES)])
        taken[colour] += 1
    return found


def colour_of(name: str) -> str:
    """Return the colour of one thing that has a meaning throughout the book, grey for any other."""
    return COLOURS[_known(name) or "grey"]


def _known(name: str) -> str | None:
    return MEANINGS.get(name) or MEANINGS.get(re.split(r" \(| \+|,", name)[0])
