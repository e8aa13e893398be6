"""One definition of a right answer, for every method and every benchmark.

An answer is right when its calls are the gold calls: the same multiset of (name, arguments). The order of calls and
of arguments does not matter; the order within a list does. Values are compared as numbers where both read as JSON
numbers ("40.7" is 40.7, 1 is 1.0, "007" is a text), as stripped text otherwise; True is no number.

Decoding modes say how several sampled answers to one request count:

| mode | the run's answer | a sample is right if |
|---|---|---|
| `direct` | the greedy answer | it is |
| `majority-vote` | of 5 sampled answers, one of those that most of them agree with | it is |
| `pass@5` | the first of 5 sampled answers | any of the 5 is: a bound, since choosing it takes the label |

The paper does not define its majority vote. Here answers agree if they hold the same calls after normalisation
(`answer_form`), one that is malformed has no vote, and the answer drawn first wins a tie.
"""

import math
import re
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from decimal import Decimal
from typing import Any

from ttsi.calls import MalformedCall, parse_calls
from ttsi.records import Call, Record

JSON_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d{1,4})?", re.ASCII)


class Score(Record):
    """How one output compares with its gold calls."""

    exact_match: bool
    well_formed: bool
    """The output is in the format of calls; one that is not counts as no call at all."""
    names_correct: bool
    """The multiset of tool names is the gold one, whatever the arguments."""


DRAWS = 5
"""Sampled answers of the modes other than `direct`."""


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
        calls = parse_calls(output)
    except MalformedCall:
        return Score(exact_match=False, well_formed=False, names_correct=False)
    names_correct = _names(calls) == _names(gold)
    return Score(exact_match=exact_match(calls, gold), well_formed=True, names_correct=names_correct)


def majority(answers: Sequence[str]) -> str:
    """Return the answer that most answers agree with; the first one where all are malformed."""
    forms = [answer_form(answer) for answer in answers]
    votes = Counter(form for form in forms if form is not None)
    if not votes:
        return answers[0]
    return answers[forms.index(votes.most_common(1)[0][0])]


def agreement(answer: str, answers: Sequence[str]) -> float:
    """Return the share of `answers` that hold the same calls as `answer`; 0 where it is malformed."""
    form = answer_form(answer)
    return 0.0 if form is None else sum(answer_form(other) == form for other in answers) / len(answers)


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
