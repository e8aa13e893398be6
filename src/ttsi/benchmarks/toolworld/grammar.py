"""The grammar of toolworld: from a vocabulary to tools, and from tools to a conversation with its gold calls."""

import datetime
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Literal

from ttsi.benchmarks.toolworld import lexicon
from ttsi.records import Call, Message, Tool

Source = Literal["real", "invented", "reserved"]
"""Where words come from: real ones; made-up ones for training; words that only tests of unseen tools hold."""

STRING = {"type": "string"}
INTEGER = {"type": "integer"}
A_NUMBER = {"type": "number"}
DATE = {"type": "string", "format": "date"}


@dataclass(frozen=True, eq=False)
class Slot:
    """An argument: its schema, and how a request states it, an earlier turn says it and a later turn recalls it."""

    name: str
    schema: dict[str, Any]
    stated: str
    fact: str
    recalled: str
    required: bool = True


@dataclass(frozen=True)
class Verbed:
    """A tool as the grammar sees it: what is done to which noun, with which arguments."""

    verb: str
    noun: str
    slots: tuple[Slot, ...]

    @property
    def name(self) -> str:
        """The tool's name, `verb_noun`."""
        return f"{self.verb}_{self.noun}"

    def as_tool(self) -> Tool:
        """Return the record that an agent is offered."""
        properties = {slot.name: slot.schema for slot in self.slots}
        required = [slot.name for slot in self.slots if slot.required]
        schema = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
        return Tool(name=self.name, description=f"{self.verb.capitalize()} a {self.noun}.", parameters=schema)


@dataclass(frozen=True)
class Exchange:
    """A conversation and the calls that answer it."""

    messages: tuple[Message, ...]
    calls: tuple[Call, ...]


# -- arguments ------------------------------------------------------------------------------------------------------


def _field(name: str, schema: dict[str, Any]) -> Slot:
    return Slot(name, schema, f"with {name} {{}}", f"The {name} is {{}}.", f"with that {name}")


def _string_slots() -> list[Slot]:
    return [
        Slot("city", STRING, "in {}", "I live in {}.", "in my city"),
        Slot("name", STRING, "for {}", "My name is {}.", "for me"),
        *(_field(name, STRING) for name in lexicon.FIELDS),
    ]


def _typed_slots(rng: Random) -> list[Slot]:
    sizes, colours = rng.sample(lexicon.SIZES, 3), rng.sample(lexicon.COLOURS, 3)
    return [
        Slot("people", INTEGER, "for {} people", "We are {} people.", "for all of us"),
        Slot("days", INTEGER, "for {} days", "I stay for {} days.", "for my stay"),
        Slot("price", A_NUMBER, "below {} euros", "I can pay {} euros.", "within my budget"),
        Slot("date", DATE, "on {}", "I am free on {}.", "on that day"),
        Slot("size", {"type": "string", "enum": sizes}, "of size {}", "I like size {}.", "of that size"),
        Slot("colour", {"type": "string", "enum": colours}, "in {}", "I like {}.", "in that colour"),
    ]


def _invented_slot(rng: Random, source: Source, *, typed: bool) -> Slot:
    reserved = source == "reserved"
    options = [lexicon.invent(rng, reserved=reserved) for _ in range(rng.choice((2, 3)))]
    schemas = (INTEGER, A_NUMBER, DATE, {"type": "string", "enum": options}, STRING) if typed else (STRING,)
    return _field(lexicon.invent(rng, reserved=reserved), rng.choice(schemas))


def _draw_slots(rng: Random, source: Source, *, count: int, typed: bool) -> tuple[Slot, ...]:
    known = _typed_slots(rng) + _string_slots()[:2] if typed else _string_slots()
    slots = rng.sample(known, count)
    if source != "real":
        slots = [_invented_slot(rng, source, typed=typed) if rng.random() < 0.5 else slot for slot in slots]
    if not typed:
        return tuple(slots)
    return tuple(replace(slot, required=i == 0 or rng.random() < 0.4) for i, slot in enumerate(slots))


# -- tools ----------------------------------------------------------------------------------------------------------

_ARGUMENT_COUNTS = {"single": (1, 2), "typed": (2, 3, 4), "dialogue": (1, 2), "parallel": (1,)}
_NOUN_COUNTS = {"single": (1, 2, 2), "typed": (1, 2), "dialogue": (1, 2), "parallel": (2, 3)}
_VERBS_PER_NOUN = {"single": (2, 3), "typed": (2,), "dialogue": (2, 3), "parallel": (1, 2)}


def _draw_noun(rng: Random, kind: str, source: Source) -> str:
    if source == "real":
        return rng.choice(lexicon.NOUNS[kind])
    if source == "invented":
        return lexicon.invent(rng, reserved=False)
    return rng.choice(lexicon.HELD_OUT_NOUNS[kind]) if rng.random() < 0.3 else lexicon.invent(rng, reserved=True)


def _draw_tool(rng: Random, kind: str, source: Source, verb: str, noun: str) -> Verbed:
    """Make one tool; a real one is the same wherever it occurs, since its name alone seeds its arguments."""
    rng = Random(f"toolworld/{verb}_{noun}") if source == "real" else rng
    count = rng.choice(_ARGUMENT_COUNTS[kind])
    return Verbed(verb, noun, _draw_slots(rng, source, count=count, typed=kind == "typed"))


def draw_tools(rng: Random, kind: str, source: Source) -> tuple[Verbed, ...]:
    """Draw the tools of one sample, shuffled: one to three nouns, several verbs on each."""
    nouns: list[str] = []
    count = rng.choice(_NOUN_COUNTS[kind])
    while len(nouns) < count:
        noun = _draw_noun(rng, kind, source)
        nouns += [] if noun in nouns else [noun]
    tools = []
    for noun in nouns:
        verbs = rng.sample(sorted(lexicon.VERBS), rng.choice(_VERBS_PER_NOUN[kind]))
        tools += [_draw_tool(rng, kind, source, verb, noun) for verb in verbs]
    rng.shuffle(tools)
    return tuple(tools)


# -- conversations --------------------------------------------------------------------------------------------------


def _draw_integer(rng: Random) -> tuple[int, str]:
    value = rng.randint(1, 12) if rng.random() < 0.6 else rng.randint(13, 400)
    spelled = value <= 12 and rng.random() < 0.6
    return value, lexicon.NUMBER_WORDS[value - 1] if spelled else str(value)


def _draw_number(rng: Random) -> tuple[float, str]:
    value = rng.randint(10, 999) / 10
    return value, str(value)


def _draw_date(rng: Random) -> tuple[str, str]:
    date = datetime.date(rng.randint(2024, 2027), rng.randint(1, 12), rng.randint(1, 28))
    month = lexicon.MONTHS[date.month - 1]
    texts = (f"{date.day} {month} {date.year}", f"{month} {date.day}, {date.year}")
    return date.isoformat(), rng.choice(texts)


def _draw_string(rng: Random, slot: Slot, source: Source) -> tuple[str, str]:
    pools = {"city": lexicon.CITIES, "name": lexicon.NAMES}
    if rng.random() < (0.7 if source == "real" else 0.4):
        value = rng.choice(pools.get(slot.name, lexicon.TITLES))
    else:
        value = lexicon.invent(rng, reserved=source == "reserved").capitalize()
    return value, value


def _draw_value(rng: Random, slot: Slot, source: Source) -> tuple[Any, str]:
    """Draw an argument's value and the words that a person would say it in."""
    if "enum" in slot.schema:
        value = rng.choice(slot.schema["enum"])
        return value, value
    if slot.schema == STRING:
        return _draw_string(rng, slot, source)
    draw: Callable[[Random], tuple[Any, str]]
    draw = {"integer": _draw_integer, "number": _draw_number, "string": _draw_date}[slot.schema["type"]]
    return draw(rng)


def _say_verb(rng: Random, verb: str) -> str:
    vague = [phrase for phrase, verbs in lexicon.AMBIGUOUS.items() if verb in verbs]
    return rng.choice(vague) if vague and rng.random() < 0.08 else rng.choice(lexicon.VERBS[verb])


_OPENINGS = ("", "", "please ", "can you ", "I need you to ", "could you ", "help me ")
_ENDINGS = {"can you ": "?", "could you ": "?"}


def _say(rng: Random, clauses: list[str]) -> str:
    opening = rng.choice(_OPENINGS)
    text = opening + rng.choice((" and ", ", then ", " and also ")).join(clauses) + _ENDINGS.get(opening, ".")
    return text[0].upper() + text[1:]


def _clause(rng: Random, tool: Verbed, phrases: list[str]) -> str:
    rng.shuffle(phrases)
    return " ".join([_say_verb(rng, tool.verb), rng.choice(("the", "my", "our")), tool.noun, *phrases])


def _draw_call(rng: Random, tool: Verbed, source: Source) -> tuple[Call, dict[Slot, str]]:
    """Draw the values of one call; an optional argument is left out half of the time."""
    slots = [slot for slot in tool.slots if slot.required or rng.random() < 0.5]
    drawn = {slot.name: _draw_value(rng, slot, source) for slot in slots}
    call = Call(name=tool.name, arguments={name: value for name, (value, _) in drawn.items()})
    return call, {slot: drawn[slot.name][1] for slot in slots}


def _single_turn(rng: Random, tools: tuple[Verbed, ...], source: Source, count: int) -> Exchange:
    clauses, calls = [], []
    for tool in rng.sample(tools, count):
        call, said = _draw_call(rng, tool, source)
        calls.append(call)
        clauses.append(_clause(rng, tool, [slot.stated.format(words) for slot, words in said.items()]))
    return Exchange((Message(role="user", content=_say(rng, clauses)),), tuple(calls))


def _dialogue(rng: Random, tools: tuple[Verbed, ...], source: Source) -> Exchange:
    """An earlier turn holds one value, sometimes corrected since; the last turn only refers to it."""
    tool = rng.choice(tools)
    call, said = _draw_call(rng, tool, source)
    key = rng.choice(list(said))
    turns = [key.fact.format(said[key]), rng.choice(("Noted.", "Thank you.", "All right."))]
    if rng.random() < 0.35:
        before = _draw_value(rng, key, source)[1]
        turns = [key.fact.format(before), turns[1], f"No, I mean {said[key]}.", "I see."]
    phrases = [key.recalled if slot is key else slot.stated.format(words) for slot, words in said.items()]
    turns.append(_say(rng, [_clause(rng, tool, phrases)]))
    roles: tuple[Literal["user", "assistant"], ...] = ("user", "assistant")
    return Exchange(tuple(Message(role=roles[i % 2], content=turn) for i, turn in enumerate(turns)), (call,))


def draw_exchange(rng: Random, kind: str, source: Source, tools: tuple[Verbed, ...]) -> Exchange:
    """Draw a conversation of `kind` that some of `tools` answer, and the gold calls."""
    if kind == "dialogue":
        return _dialogue(rng, tools, source)
    count = min(rng.choice((2, 2, 3)), len(tools)) if kind == "parallel" else 1
    return _single_turn(rng, tools, source, count)
