"""The words of toolworld: real ones, and made-up ones split into those for training and those reserved for testing.

A small model that only ever meets real nouns memorises them; made-up words teach it to copy a name from the tool list.
"""

import tomllib
import zlib
from pathlib import Path
from random import Random

KINDS = ("single", "typed", "dialogue", "parallel")

_WORDS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
VERBS: dict[str, list[str]] = _WORDS["verbs"]
AMBIGUOUS: dict[str, list[str]] = _WORDS["ambiguous"]
_NOUNS, _HELD_OUT_NOUNS = _WORDS["nouns"].split(), _WORDS["held_out_nouns"].split()
NOUNS = {kind: tuple(_NOUNS[i :: len(KINDS)]) for i, kind in enumerate(KINDS)}
HELD_OUT_NOUNS = {kind: tuple(_HELD_OUT_NOUNS[i :: len(KINDS)]) for i, kind in enumerate(KINDS)}
CITIES, NAMES, TITLES, FIELDS, SIZES, COLOURS, MONTHS, NUMBER_WORDS = (
    _WORDS[name].split() for name in "cities names titles fields sizes colours months number_words".split()
)

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
