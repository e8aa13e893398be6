r"""API-Bank (AlibabaResearch/DAMO-ConvAI, Apache-2.0; arXiv 2304.08244): the files that ask for an API request.

A record's `input` is a dialogue in lines. `User:` lines become the user's turns, `AI:` lines the assistant's, and an
`API-Request: […]->…` line the assistant's call and, as chat templates show it, a turn with the tool's response. A
dialogue that ends with the assistant gets upstream's last line, "Generate API Request:", as the user's turn. What the
instruction says of the date ("The current year is 2023.") stands before the first turn.

    {"instruction": "…API descriptions:\n{\"name\": \"AddMeeting\", \"input_parameters\": {\"topic\": {…}}, …}\n…",
     "input": "User: Book a meeting about tides.\nAI: At what time?\nUser: At nine.\nGenerate API Request:\n",
     "expected_output": "API-Request: [AddMeeting(topic='tides', time='09:00')]"}

Offered are the tools of the instruction and those that `ToolSearcher` found earlier in the dialogue. Upstream says of
no parameter whether it is required.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from ttsi.benchmarks.drafts import Draft
from ttsi.benchmarks.expressions import WrittenCall, read_calls, read_literal, repair_call
from ttsi.benchmarks.reading import Field, parse_json, read_records
from ttsi.benchmarks.schemas import make_tool, parameter
from ttsi.calls import render_calls
from ttsi.records import Call, InputError, Message, Subset, Tool

Role = Literal["user", "assistant"]
Turn = tuple[Role, str]

NAME = "apibank"
PARTS = {
    "test": {
        "level-1": "api-bank/test-data/level-1-api.json",
        "level-2": "api-bank/test-data/level-2-api.json",
        "level-3": "api-bank/test-data/level-3-batch-inf.json",
    },
    "train": {
        "level-1": "api-bank/training-data/lv1-api-train.json",
        "level-2": "api-bank/training-data/lv2-api-train.json",
        "level-3": "api-bank/training-data/lv3-api-train.json",
    },
}
SPLITS = tuple(PARTS["test"])

ASKED = "Generate API Request:"
REQUEST = "API-Request:"
_ROLES: dict[str, Role] = {"User:": "user", "AI:": "assistant"}
_DATE = re.compile(r"^The current [^\n{]*$", re.MULTILINE)
_ANSWERED = re.compile(rf"{REQUEST}\s*(.*?\)\]?)->(.*)", re.DOTALL)


def read(split: str, subset: Subset, find: Callable[[str], Path]) -> Iterator[Draft]:
    """Yield the drafts of a level."""
    inset = "" if subset == "test" else f"/{subset}"
    for index, record in enumerate(read_records(find(PARTS[subset][split]))):
        yield _draft(f"{NAME}/{split}{inset}/{index}", record)


def _draft(sample_id: str, record: Field) -> Draft:
    instruction, dialogue = record["instruction"], record["input"]
    lines = [line.rstrip("\r") for line in dialogue.text().split("\n")]
    written = [line.rstrip("\r") for line in instruction.text().partition("API descriptions:")[2].split("\n")]
    described = [_described(line, instruction) for line in written if line.strip()]
    described += [_described(line, dialogue) for line in lines if line.startswith("{")]
    tools: dict[str, Tool] = {}
    for tool in [*described, *_searched(lines, dialogue)]:
        tools.setdefault(tool.name, tool)
    if not tools:
        raise InputError(f"{record.place} offers no tool; expected API descriptions")
    answer = record["expected_output" if "expected_output" in record else "output"].text()
    gold, repaired = _gold(answer)
    date = _DATE.search(instruction.text())
    return Draft(
        id=sample_id,
        messages=_messages(lines, f"{date[0].strip()}\n" if date else "", dialogue),
        tools=tuple(tools.values()),
        gold=gold,
        flags=("gold_repaired",) if repaired else (),
    )


def _described(line: str, field: Field) -> Tool:
    try:
        value = parse_json(line)
    except ValueError:
        raise field.unreadable("one JSON object a line as API descriptions") from None
    return _tool(field.within(value))


def _tool(described: Field) -> Tool:
    """Return a tool in either of upstream's two spellings."""
    tool_name = described["name" if "name" in described else "apiCode"].name()
    listed = described["input_parameters" if "input_parameters" in described else "parameters"].fields()
    parameters = {name: parameter(one["type"].text(), one["description"].text()) for name, one in listed.items()}
    return make_tool(tool_name, described["description"].text(), parameters, required=())


def _searched(lines: Iterable[str], field: Field) -> Iterator[Tool]:
    """Yield the tools that stand in responses of `ToolSearcher`; a response that is no description offers none."""
    for line in lines:
        answered = _ANSWERED.fullmatch(line)
        if answered is None or not answered[1].lstrip("[").startswith("ToolSearcher("):
            continue
        try:
            found: Any = read_literal(answered[2])
        except ValueError:
            continue
        found = found["output"] if isinstance(found, dict) and "output" in found else found
        for one in found if isinstance(found, list) else [found]:
            with suppress(InputError):
                yield _tool(field.within(one))


def _messages(lines: Iterable[str], date: str, field: Field) -> tuple[Message, ...]:
    turns: list[Turn] = []
    for line in lines:
        for role, said in _turns(line, turns[-1][0] if turns else "assistant"):
            if turns and turns[-1][0] == role:
                said = f"{turns.pop()[1]}\n{said}"
            turns.append((role, said))
    if not turns or turns[0][0] != "user":
        raise field.unreadable("a dialogue that starts with User:")
    turns[0] = ("user", date + turns[0][1])
    if turns[-1][0] == "assistant":
        turns.append(("user", ASKED))
    return tuple(Message(role=role, content=said) for role, said in turns)


def _turns(line: str, speaker: Role) -> list[Turn]:
    """Return the turns that a line is; one without a label goes on with what the last speaker said."""
    if not line.strip() or line.startswith(("{", ASKED)):
        return []
    for label, role in _ROLES.items():
        if line.startswith(label):
            return [(role, line.removeprefix(label).strip())]
    answered = _ANSWERED.fullmatch(line)
    if answered is None:
        return [(speaker, line.strip())]
    calls, _ = _gold(answered[1])
    asked = answered[1] if calls is None else render_calls(calls)
    return [("assistant", asked), ("user", f"<tool_response>\n{answered[2].strip()}\n</tool_response>")]


def _gold(text: str) -> tuple[tuple[Call, ...] | None, bool]:
    """Return the calls of `API-Request: [f(x='1')]`, and whether they were only read by repairing the text."""
    written = text.strip().removeprefix(REQUEST).strip()
    with suppress(ValueError):
        return _calls(read_calls(written)), False
    with suppress(ValueError):
        return _calls([repair_call(written.removeprefix("[").removesuffix("]"))]), True
    return None, False


def _calls(written: list[WrittenCall]) -> tuple[Call, ...]:
    if not written or any(call.positional for call in written):
        raise ValueError("no calls with named arguments")
    return tuple(Call(name=call.name, arguments=call.keywords) for call in written)
