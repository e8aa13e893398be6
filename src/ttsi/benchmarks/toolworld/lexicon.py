"""The words of toolworld: real ones, and made-up ones split into those for training and those reserved for testing.

A small model that only ever meets real nouns memorises them; made-up words teach it to copy a name from the tool list.
"""

import zlib
from random import Random

KINDS = ("single", "typed", "dialogue", "parallel")

VERBS: dict[str, tuple[str, ...]] = {
    "find": ("find", "look up", "search for", "locate"),
    "book": ("book", "reserve", "take out"),
    "cancel": ("cancel", "call off", "drop"),
    "update": ("update", "change", "adjust"),
    "send": ("send", "deliver", "ship"),
    "delete": ("delete", "remove", "erase"),
    "create": ("create", "set up", "make"),
    "track": ("track", "follow", "keep an eye on"),
    "rate": ("rate", "score", "grade"),
    "share": ("share", "pass on", "forward"),
    "renew": ("renew", "extend", "prolong"),
    "check": ("check", "inspect", "go over"),
}
AMBIGUOUS: dict[str, tuple[str, ...]] = {
    "get rid of": ("cancel", "delete"),
    "sort out": ("book", "create", "update"),
    "hand over": ("send", "share"),
    "look into": ("find", "check", "track"),
}
"""Phrases that mean one of several verbs: where both are offered, nobody can know which."""

_NOUNS = """
hotel flight parcel invoice meeting recipe ticket song table doctor taxi movie course loan garden camera printer
museum contract podcast bicycle concert insurance apartment passport salary playlist battery warranty reminder
library bakery ferry tournament subscription survey mortgage vaccine antenna festival donation translator locker
elevator telescope aquarium visa campsite
""".split()
_HELD_OUT_NOUNS = """
harbor lantern orchard violin glacier compass tractor sandwich blanket fountain mirror turbine pavilion dentist
skateboard cathedral magazine helmet perfume trumpet vineyard sculpture umbrella dictionary
""".split()
NOUNS = {kind: tuple(_NOUNS[i :: len(KINDS)]) for i, kind in enumerate(KINDS)}
HELD_OUT_NOUNS = {kind: tuple(_HELD_OUT_NOUNS[i :: len(KINDS)]) for i, kind in enumerate(KINDS)}

CITIES = """
Paris Lima Oslo Cairo Quito Delhi Rome Tokyo Accra Porto Seoul Turin Hanoi Minsk Perth Dakar Bogota Leipzig
Toronto Nairobi
""".split()
NAMES = """
Anna Omar Ling Pedro Fatima Jonas Priya Carlos Ingrid Kofi Yuki Marta Tariq Elena Bruno Aisha Viktor Nadia
Samuel Chloe
""".split()
TITLES = """
Sunrise Falcon Meadow Silver Harvest Echo Pioneer Velvet Summit Marble Cobalt Willow Anchor Ember Prism Canyon
Horizon Saffron Thunder Crystal
""".split()
FIELDS = ("title", "team", "topic", "street", "brand", "code")
SIZES = ("small", "medium", "large", "tiny", "huge")
COLOURS = ("red", "blue", "green", "black", "white", "yellow")
MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
NUMBER_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")

_ONSETS = "b d f g h j k l m n p r s t v z br dr gr kr pl st tr".split()
_VOWELS = "a e i o u".split()
_CODAS = ("", "", "", "n", "r", "l", "s", "x")
_FOREIGN_ONSETS = "ch sh th wh qu w y c cl fl gl sk sp sw thr sch b d m n p t".split()
_FOREIGN_VOWELS = "ai ea ee ie oa oo ou ow y ei".split()
_FOREIGN_CODAS = ("ck", "mp", "nd", "ft", "rth", "lk", "sh", "gh", "")
_RESERVED_SHARE = 4
FOREIGN_SHARE = 0.05
"""Share of the reserved words that are spelled unlike any word of training."""


def is_reserved(word: str) -> bool:
    """Tell whether a word of the training's spelling belongs to tests alone (one in four does, by its checksum)."""
    return zlib.crc32(word.lower().encode()) % _RESERVED_SHARE == 0


def invent(rng: Random, *, reserved: bool) -> str:
    """Draw a made-up word of two or three syllables; `reserved` ones never occur in training."""
    if reserved and rng.random() < FOREIGN_SHARE:
        return _invent_foreign(rng)
    while True:
        syllables = rng.choice((2, 2, 3))
        word = "".join(rng.choice(_ONSETS) + rng.choice(_VOWELS) for _ in range(syllables)) + rng.choice(_CODAS)
        if is_reserved(word) == reserved and word not in _NOUNS and word not in _HELD_OUT_NOUNS:
            return word


def _invent_foreign(rng: Random) -> str:
    """Draw a word of two syllables whose every vowel is one that training's made-up words do not have."""
    syllables = (rng.choice(_FOREIGN_ONSETS) + rng.choice(_FOREIGN_VOWELS) for _ in range(2))
    return "".join(syllables) + rng.choice(_FOREIGN_CODAS)
