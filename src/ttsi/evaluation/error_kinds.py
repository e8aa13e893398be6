"""What is wrong with an answer: one kind for each that is not right by `ttsi.scoring`.

Kinds exclude each other. The first of `ERROR_KINDS` that holds is the answer's, and of several calls that differ from
their gold calls, the one whose kind comes first decides. An answer is compared with the gold calls as scoring does
it: by the strict reading, without regard to the order of calls, and "40.7" is 40.7.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from jsonschema import Draft202012Validator
from scipy.optimize import linear_sum_assignment

from ttsi.calls import OPEN, MalformedCall, parse_calls
from ttsi.records import Call, Sample
from ttsi.scoring import JSON_NUMBER, exact_match, normalise

DESCRIPTIONS = {
    "malformed": "An attempt at a call that cannot be read, or words where no call was due.",
    "no call": "Calls were due, and the output is empty or only words.",
    "invented tool": "A tool was called that is not on offer.",
    "wrong tool": "A tool was called in place of one that was due.",
    "number of calls": "Of the calls that were due some are left out, or calls were added to them.",
    "missing argument": "The right tools, and an argument is left out.",
    "extra argument": "An argument was added that is not due.",
    "wrong type": "A value is of another JSON type than the right one, and than the schema asks for.",
    "wrong value": "A value is not the right one.",
}
"""What each kind means, in the order of precedence."""

ERROR_KINDS = tuple(DESCRIPTIONS)
"""The kinds of errors, in the order of precedence."""

Arguments = dict[str, Any]

_CHECKER = Draft202012Validator.TYPE_CHECKER
_JSON_TYPES = {"null", "boolean", "integer", "number", "string", "array", "object"}


def error_kind(output: str, sample: Sample) -> str | None:
    """Return the kind of error of an agent's output, one of `ERROR_KINDS`; none where it is right.

    A tool that is due counts as on offer even where its benchmark does not list it. A wrong tool leaves a gold call
    open; calls that are only too many or too few are of another number. Calls of one tool are paired with the gold
    calls so that the fewest calls and arguments differ.
    """
    try:
        calls = parse_calls(output)
    except MalformedCall:
        return "no call" if sample.gold and OPEN not in output and "{" not in output else "malformed"
    if exact_match(calls, sample.gold):
        return None
    return _of_tools(calls, sample) or _of_arguments(calls, sample)


def _of_tools(calls: Sequence[Call], sample: Sample) -> str | None:
    """Return what is wrong with the tools that were called; none where they are those that were due."""
    if not calls:
        return "no call"
    given, due = (Counter(call.name for call in side) for side in (calls, sample.gold))
    if set(given) - set(due) - {tool.name for tool in sample.request.tools}:
        return "invented tool"
    if given - due and due - given:
        return "wrong tool"
    return None if given == due else "number of calls"


def _of_arguments(calls: Sequence[Call], sample: Sample) -> str:
    """Return what is wrong with the arguments of calls of the right tools, at least one of which is not right."""
    kinds: set[str] = set()
    for tool in {call.name for call in sample.gold}:
        schema = next((one.parameters for one in sample.request.tools if one.name == tool), {})
        given, due = ([call.arguments for call in side if call.name == tool] for side in (calls, sample.gold))
        kinds.update(_of_tool(sorted(given, key=_canonical), sorted(due, key=_canonical), schema))
    return min(kinds, key=ERROR_KINDS.index)


def _canonical(arguments: Arguments) -> str:
    return json.dumps(arguments, sort_keys=True)


def _of_tool(given: Sequence[Arguments], due: Sequence[Arguments], schema: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with equally many calls of one tool; the order of either side decides only among ties."""
    kinds = [[_of_call(one, right, schema) for right in due] for one in given]
    costs = [[len(found) + bool(found) for found in row] for row in kinds]
    for row, column in zip(*linear_sum_assignment(costs), strict=True):
        yield from kinds[row][column]


def _of_call(given: Arguments, due: Arguments, schema: Mapping[str, Any]) -> list[str]:
    """Return the kind of each argument by which a call differs from a gold call of the same tool."""
    absent = ["missing argument"] * len(due.keys() - given.keys()) + ["extra argument"] * len(given.keys() - due.keys())
    differing = [name for name in given.keys() & due.keys() if normalise(given[name]) != normalise(due[name])]
    asked = schema.get("properties", {})
    return absent + [_of_value(given[name], due[name], asked.get(name)) for name in differing]


def _of_value(given: Any, due: Any, schema: Any) -> str:
    """Return what is wrong with a value: its type, or only the value.

    The type is wrong where it is neither the right value's nor one that the schema's keyword `type` names. The right
    value's is as scoring has it: a text that reads as a number is one. Within lists and objects it is not looked for.
    """
    if _scored_type(given) == _scored_type(due):
        return "wrong value"
    asked = schema.get("type", []) if isinstance(schema, dict) else []
    names = _JSON_TYPES.intersection([asked] if isinstance(asked, str) else asked)
    return "wrong value" if any(_CHECKER.is_type(given, name) for name in names) else "wrong type"


def _scored_type(value: Any) -> str:
    match value:
        case bool():
            return "boolean"
        case str():
            return "number" if JSON_NUMBER.fullmatch(value.strip()) else "string"
        case int() | float():
            return "number"
        case list() | tuple():
            return "array"
    return "null" if value is None else "object"
