"""Whether the calls of a practice example answer its request: toolworld's grammar, read backwards.

The tools follow from the id of the test request; the words of the practice conversation say which calls it asks for.
No gold is read, and nothing of the test request but its tools. An id that is not one of toolworld's is an `InputError`.
"""

import datetime
import re
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

from ttsi.benchmarks.toolworld import lexicon
from ttsi.benchmarks.toolworld.grammar import A_NUMBER, DATE, INTEGER, Slot, Verbed
from ttsi.benchmarks.toolworld.oracle import tools_of
from ttsi.records import Call, Message, PracticeExample
from ttsi.scoring import exact_match

_OPENING = re.compile(r"^(?:please|can you|I need you to|could you|help me) ", re.IGNORECASE)
_JOINT = re.compile(r", then | and also | and ")
_CORRECTION = "No, I mean {}."
_MONTH = "|".join(lexicon.MONTHS)
_DATE = re.compile(rf"(?P<day>\d+) (?P<month>{_MONTH}) (?P<year>\d+)|(?P<m>{_MONTH}) (?P<d>\d+), (?P<y>\d+)")
_PATTERNS = {
    str(INTEGER): rf"\d+|{'|'.join(lexicon.NUMBER_WORDS)}",
    str(A_NUMBER): r"\d+\.\d+|\d+",
    str(DATE): re.sub(r"\?P<\w+>", "", _DATE.pattern),
}
_WORD = "[A-Z][a-z]*"

Values = dict[str, Any]


def is_right(request_id: str, example: PracticeExample) -> bool:
    """Tell whether the calls of an example, written for a request, are those that its own conversation asks for."""
    return any(exact_match(example.calls, said) for said in calls_said(request_id, example.messages))


def calls_said(request_id: str, messages: Sequence[Message]) -> list[tuple[Call, ...]]:
    """Return the calls that a conversation asks for, once for each way to understand it.

    A vague phrase that several tools share has several; a conversation that is not in toolworld's words, or names
    nothing that is offered, has none. A full stop that is missing, as where a text was cut off, changes nothing.
    """
    tools, users = tools_of(request_id), [message.content for message in messages if message.role == "user"]
    text = users[-1][:1].lower() + re.sub("[.?]$", "", users[-1][1:])
    clauses = _JOINT.split(_OPENING.sub("", text, count=1))
    return list(product(*(_calls(clause, tools, users[:-1]) for clause in clauses)))


def _calls(clause: str, tools: Sequence[Verbed], earlier: Sequence[str]) -> list[Call]:
    found = []
    for tool in tools:
        vague = [phrase for phrase, verbs in lexicon.AMBIGUOUS.items() if tool.verb in verbs]
        phrases = "|".join(map(re.escape, (*lexicon.VERBS[tool.verb], *vague)))
        opened = re.match(rf"(?:{phrases}) (?:the|my|our) {re.escape(tool.noun)}(?= |$)", clause)
        if opened:
            rest = clause[opened.end() :]
            found += [Call(name=tool.name, arguments=values) for values in _arguments(rest, tool.slots, earlier)]
    return found


def _arguments(text: str, slots: Sequence[Slot], earlier: Sequence[str]) -> Iterator[Values]:
    """Yield every way to read phrases, each after a space, as values of slots; a required slot must have one."""
    if not text and not any(slot.required for slot in slots):
        yield {}
    for index, slot in enumerate(slots):
        for value, end in _phrases(text, slot, earlier):
            for others in _arguments(text[end:], (*slots[:index], *slots[index + 1 :]), earlier):
                yield {slot.name: value, **others}


def _phrases(text: str, slot: Slot, earlier: Sequence[str]) -> Iterator[tuple[Any, int]]:
    """Yield the value of a slot that a text begins with, stated or recalled, and where its phrase ends."""
    stated = re.match(rf" {_template(slot.stated, slot)}(?= |$)", text)
    recalled = re.match(rf" {re.escape(slot.recalled)}(?= |$)", text)
    found = [(_value(slot, stated[1]), stated.end())] if stated else []
    found += [(_remembered(slot, earlier), recalled.end())] if recalled else []
    yield from ((value, end) for value, end in found if value is not None)


def _remembered(slot: Slot, earlier: Sequence[str]) -> Any:
    """Return the value that earlier turns gave a slot, as corrected last; None where they do not speak of it."""
    templates = [slot.fact, *[_CORRECTION] * (len(earlier) - 1)]
    turns = [re.fullmatch(_template(said, slot), turn) for said, turn in zip(templates, earlier, strict=False)]
    return _value(slot, turns[-1][1]) if turns and turns[-1] and all(turns) else None


def _template(template: str, slot: Slot) -> str:
    """Return a pattern of a phrase, its value as the one group."""
    before, after = map(re.escape, template.split("{}"))
    if "enum" in slot.schema:
        return f"{before}({'|'.join(map(re.escape, slot.schema['enum']))}){after}"
    return f"{before}({_PATTERNS.get(str(slot.schema), _WORD)}){after}"


def _value(slot: Slot, words: str) -> Any:
    """Return what words mean as a value of a slot; None for a date that does not exist."""
    if slot.schema == INTEGER:
        return lexicon.NUMBER_WORDS.index(words) + 1 if words in lexicon.NUMBER_WORDS else int(words)
    if slot.schema == A_NUMBER:
        return float(words)
    return _iso_date(words) if slot.schema == DATE else words


def _iso_date(words: str) -> str | None:
    found = _DATE.fullmatch(words)
    assert found, words
    day, month, year = (found[long] or found[short] for long, short in (("day", "d"), ("month", "m"), ("year", "y")))
    try:
        return datetime.date(int(year), lexicon.MONTHS.index(month) + 1, int(day)).isoformat()
    except ValueError:
        return None
