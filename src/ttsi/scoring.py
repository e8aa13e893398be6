"""One definition of a right answer, for every method and every benchmark.

An answer is right when its calls are the gold calls: the same multiset of (name, arguments). The order of calls and
of arguments does not matter; the order within a list does. Values are compared as numbers where both read as JSON
numbers ("40.7" is 40.7, 1 is 1.0, "007" is a text), as stripped text otherwise; True is no number.

Beside it stand Seal-Tools' measures (arXiv 2405.08355): format validity, and micro F1 of tool names and of arguments.
An argument is a (tool name, argument name, value); a call without arguments adds none, so that gold against gold gives
exactly 1.
"""

import math
import re
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from decimal import Decimal
from typing import Any, Self

from pydantic import Field

from ttsi.calls import MalformedCall, parse_calls
from ttsi.evaluation.leniency import read_leniently
from ttsi.records import Call, Record

JSON_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d{1,4})?", re.ASCII)


class Overlap(Record):
    """How many items an answer and its gold share; adding overlaps pools their counts (micro average)."""

    matched: int = Field(ge=0)
    predicted: int = Field(ge=0)
    gold: int = Field(ge=0)

    @classmethod
    def of(cls, predicted: Counter[Any], gold: Counter[Any]) -> Self:
        """Count the items of two multisets and those of their intersection."""
        return cls(matched=(predicted & gold).total(), predicted=predicted.total(), gold=gold.total())

    def __add__(self, other: "Overlap") -> "Overlap":
        """Pool the counts of two samples."""
        return Overlap(
            matched=self.matched + other.matched,
            predicted=self.predicted + other.predicted,
            gold=self.gold + other.gold,
        )

    @property
    def f1(self) -> float:
        """2 matched / (predicted + gold); 1.0 where nothing was due and nothing was given."""
        total = self.predicted + self.gold
        return 2 * self.matched / total if total else 1.0


class Score(Record):
    """How one output compares with its gold calls."""

    exact_match: bool
    well_formed: bool
    """The output is in the format of calls; one that is not counts as no call at all."""
    names_correct: bool
    """The multiset of tool names is the gold one, whatever the arguments."""
    names: Overlap
    arguments: Overlap


class Summary(Record):
    """Means over `n` scores, and micro F1 over their pooled counts; every field lies in [0, 1]."""

    n: int = Field(ge=1)
    exact_match: float
    well_formed: float
    names_correct: float
    name_f1: float
    argument_f1: float


def exact_match(calls: Iterable[Call], gold: Iterable[Call]) -> bool:
    """Whether two multisets of calls are equal after their values are normalised."""
    return _multiset(calls) == _multiset(gold)


def answer_form(output: str) -> Hashable | None:
    """Return what two outputs share exactly if they are the same answer; None where the output is malformed."""
    try:
        return frozenset(_multiset(parse_calls(output)).items())
    except MalformedCall:
        return None


def score(output: str, gold: Sequence[Call]) -> Score:
    """Compare the text that an agent wrote with the gold calls; a malformed text is wrong, never an error."""
    try:
        calls, well_formed = parse_calls(output), True
    except MalformedCall:
        calls, well_formed = (), False
    names = _names(calls), _names(gold)
    return Score(
        exact_match=well_formed and exact_match(calls, gold),
        well_formed=well_formed,
        names_correct=well_formed and names[0] == names[1],
        names=Overlap.of(*names),
        arguments=Overlap.of(_arguments(calls), _arguments(gold)),
    )


def lenient_match(output: str, gold: Iterable[Call]) -> bool:
    """Whether an output is right when it is read as tool-calling servers would (`ttsi.evaluation.leniency`).

    What is right by `score` is right here too, and what is right only here is right but for its form. Tables show it
    beside the strict score; the loop never uses it.
    """
    try:
        return exact_match(read_leniently(output), gold)
    except MalformedCall:
        return False


def summarise(scores: Sequence[Score]) -> Summary:
    """Aggregate the scores of many samples; raises `ValueError` where there are none."""
    if not scores:
        raise ValueError("expected at least one score, found none")
    nothing = Overlap(matched=0, predicted=0, gold=0)
    n = len(scores)
    return Summary(
        n=n,
        exact_match=sum(one.exact_match for one in scores) / n,
        well_formed=sum(one.well_formed for one in scores) / n,
        names_correct=sum(one.names_correct for one in scores) / n,
        name_f1=sum((one.names for one in scores), nothing).f1,
        argument_f1=sum((one.arguments for one in scores), nothing).f1,
    )


def normalise(value: Any) -> Hashable:
    """Return a hashable form of a JSON value; two values are the same answer where their forms are equal."""
    match value:
        case bool() | None:
            return ("constant", str(value))
        case dict():
            return ("object", frozenset((key, normalise(item)) for key, item in value.items()))
        case list() | tuple():
            return ("list", tuple(normalise(item) for item in value))
        case str():
            text = value.strip()
            return ("number", Decimal(text)) if JSON_NUMBER.fullmatch(text) else ("text", text)
        case float() if not math.isfinite(value):
            return ("constant", str(value))
        case int() | float():
            return ("number", Decimal(str(value)) if isinstance(value, float) else Decimal(value))
    raise TypeError(f"expected a JSON value, found {type(value).__name__}")


def _multiset(calls: Iterable[Call]) -> Counter[Any]:
    return Counter((call.name, normalise(call.arguments)) for call in calls)


def _names(calls: Iterable[Call]) -> Counter[str]:
    return Counter(call.name for call in calls)


def _arguments(calls: Iterable[Call]) -> Counter[Any]:
    return Counter((call.name, name, normalise(value)) for call in calls for name, value in call.arguments.items())
