"""ToolAlpaca (tangqiaoyu/ToolAlpaca, Apache-2.0, text generated with OpenAI models; arXiv 2306.05301).

A record is one API: its functions (`Function_Description`, without `components`, which describes outputs), the
requests to it and their golden answers. An answer's `${…}` stands for a value that an earlier call would return or
that the request leaves open; such samples carry the flag `placeholder`.

Upstream published keys of other services in its golden answers. They become `<KEY>` here, wherever they stand, before
a sample is made. `needs_absent_key` says that such a key stands neither in the request nor in the tools, so that no
agent can give it.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from json import JSONDecodeError, JSONDecoder
from pathlib import Path
from typing import Any

from ttsi.benchmarks.drafts import Draft
from ttsi.benchmarks.keys import SECRET_LENGTH, hide, keys_of
from ttsi.benchmarks.reading import Field, parse_json, plain, read_records
from ttsi.benchmarks.schemas import make_tool, parameter
from ttsi.benchmarks.toolworld import Subset
from ttsi.records import Call, InputError, Message, Tool

NAME = "toolalpaca"
PARTS = {"test": {"real": "data/eval_real.json", "simulated": "data/eval_simulated.json"}}
SPLITS = tuple(PARTS["test"])

_OPEN_VALUE = re.compile(r"\"?\$\{([^{}\"]*)\}\"?")
_TWICE = re.compile(r"(\"[^\"]*\"\s*:\s*)\1+")
_PARAMETER = re.compile(r"(Required\. )?\s*(\w+(?:\[\w+\])?)")


def read(split: str, subset: Subset, find: Callable[[str], Path]) -> Iterator[Draft]:
    """Yield the drafts of a split, in the order of the file; an id counts the requests of all APIs."""
    apis = [_Api.of(record) for record in read_records(find(PARTS[subset][split]))]
    keys = {key for api in apis for answer in api.answers for key in answer.keys if len(key) >= SECRET_LENGTH}
    drafts = (draft for api in apis for draft in api.drafts(keys))
    for index, draft in enumerate(drafts):
        yield replace(draft, id=f"{NAME}/{split}/{index}")


@dataclass(frozen=True)
class _Answer:
    """A golden answer: its calls, none if one cannot be read, and whether one was read by repairing its text."""

    calls: tuple[Call, ...] | None
    repaired: bool

    @property
    def keys(self) -> set[str]:
        return {key for call in self.calls or () for key in keys_of(call.arguments)}


@dataclass(frozen=True)
class _Api:
    """A record: keys still stand in it, so it is never shown."""

    functions: dict[str, Field]
    requests: list[str]
    answers: list[_Answer]

    @classmethod
    def of(cls, record: Field) -> "_Api":
        described = record["Function_Description"].fields()
        functions = {name: field for name, field in described.items() if name != "components"}
        requests = [request.text() for request in record["Instructions"].items()]
        answers = [_answer(answer) for answer in record["Golden_Answers"].items()]
        if not functions:
            raise InputError(f"{record.place}, field Function_Description has no function; expected at least one")
        if len(requests) != len(answers):
            raise InputError(f"{record.place} has {len(requests)} Instructions and {len(answers)} Golden_Answers")
        return cls(functions, requests, answers)

    def drafts(self, file_keys: set[str]) -> Iterator[Draft]:
        """Yield a draft without an id for each request."""
        for request, answer in zip(self.requests, self.answers, strict=True):
            keys = file_keys | answer.keys
            given = "\n".join([request, *(field.text() for field in self.functions.values())])
            calls = answer.calls or ()
            flags = {
                "gold_repaired": answer.repaired,
                "placeholder": any("${" in str(call.arguments) for call in calls),
                "needs_absent_key": any(key not in given for key in answer.keys),
            }
            hidden = tuple(Call(name=call.name, arguments=hide(call.arguments, keys)) for call in calls)
            yield Draft(
                id="",
                messages=(Message(role="user", content=hide(request, keys).strip()),),
                tools=tuple(_tool(n, field.within(hide(field.text(), keys))) for n, field in self.functions.items()),
                gold=None if answer.calls is None else hidden,
                flags=tuple(flag for flag, holds in flags.items() if holds),
            )


def _tool(name: str, described: Field) -> Tool:
    """Return the tool of a text, then a line `Parameters: {…}`, then what the function returns."""
    text, marker, rest = described.text().partition("\nParameters: ")
    if not name or not marker:
        raise described.unreadable("a named function's text, then Parameters")
    try:
        listed = described.within(plain(JSONDecoder().raw_decode(rest)[0]))
    except (JSONDecodeError, ValueError, RecursionError):
        raise described.unreadable("a JSON object after Parameters") from None
    texts = {parameter_name: field.text() for parameter_name, field in listed.fields().items()}
    found = {parameter_name: _PARAMETER.match(said) for parameter_name, said in texts.items()}
    parameters = {n: parameter(match[2] if (match := found[n]) else "", said) for n, said in texts.items()}
    return make_tool(name, text, parameters, [n for n, match in found.items() if match and match[1]])


def _answer(answer: Field) -> _Answer:
    read_in = [(one["Action"].text(), *_arguments(one["Action_Input"].text())) for one in answer.items()]
    if not read_in or any(arguments is None for _, arguments, _ in read_in):
        return _Answer(None, False)
    calls = tuple(Call(name=name, arguments=arguments or {}) for name, arguments, _ in read_in)
    return _Answer(calls, any(repaired for *_, repaired in read_in))


def _arguments(text: str) -> tuple[dict[str, Any] | None, bool]:
    """Return the arguments that a text holds, and whether it was repaired: open values quoted, doubled names merged."""
    repaired = _TWICE.sub(r"\1", _OPEN_VALUE.sub(r'"${\1}"', text))
    for written in (text, repaired):
        try:
            value = parse_json(written)
        except ValueError:
            continue
        return (value, written != text) if isinstance(value, dict) else (None, False)
    return None, False
