r"""ToolAlpaca (tangqiaoyu/ToolAlpaca, Apache-2.0, text generated with OpenAI models; arXiv 2306.05301).

A record is one API: its functions (`Function_Description`, without `components`, which describes outputs), the
requests to it and their golden answers. An answer's `${…}` stands for a value that an earlier call would return or
that the request leaves open; such samples carry the flag `placeholder`.

    {"Name": "Weather", "Function_Description": {
      "getWeather": "Tells the weather.\nParameters: {\"city\": \"Required. string. The city.\"}\nOutput: …", …},
     "Instructions": ["What is the weather in Oslo?", …],
     "Golden_Answers": [[{"Action": "getWeather", "Action_Input": "{\"city\": \"Oslo\"}"}], …]}

Upstream published keys of other services in its golden answers. They become `<KEY>` here, wherever they stand, before
a sample is made. `needs_absent_key` says that such a key stands neither in the request nor in the tools, so that no
agent can give it.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ttsi.benchmarks.drafts import Draft
from ttsi.benchmarks.keys import SECRET_LENGTH, hide, keys_of
from ttsi.benchmarks.reading import Field, parse_json, read_records
from ttsi.benchmarks.schemas import make_tool, parameter
from ttsi.records import Call, InputError, Message, Subset, Tool

NAME = "toolalpaca"
PARTS = {"test": {"real": "data/eval_real.json", "simulated": "data/eval_simulated.json"}}
SPLITS = tuple(PARTS["test"])

_OPEN_VALUE = re.compile(r"\"?\$\{([^{}\"]*)\}\"?")
_TWICE = re.compile(r"(\"[^\"]*\"\s*:\s*)\1+")
_DESCRIBED = re.compile(r"((?:.*?\n)?)Parameters: (\{.*?\})(?:\nOutput: .*)?", re.DOTALL)
_NAME = re.compile(r"[{,] ?\"([^\"]+)\": \"")
_KIND = re.compile(r"(Required\. )?(?:(Array\[\w+\]|\w+)(?=[.\[{]))?")


def read(split: str, subset: Subset, find: Callable[[str], Path]) -> Iterator[Draft]:
    """Yield the drafts of a split, in the order of the file; an id counts the requests of all APIs."""
    apis = [_Api.of(record) for record in read_records(find(PARTS[subset][split]))]
    keys = {key for api in apis for answer in api.answers for key in answer.keys if len(key) >= SECRET_LENGTH}
    drafts = (draft for api in apis for draft in api.drafts(keys))
    for index, draft in enumerate(drafts):
        yield replace(draft, id=f"{NAME}/{split}/{index}")


@dataclass(frozen=True, repr=False)
class _Answer:
    """A golden answer: its calls, none if one cannot be read, and whether one was read by repairing its text."""

    calls: tuple[Call, ...] | None
    repaired: bool

    @property
    def keys(self) -> set[str]:
        """The keys of services that stand in its calls."""
        return {key for call in self.calls or () for key in keys_of(call.arguments)}


@dataclass(frozen=True, repr=False)
class _Api:
    """A record: keys still stand in it, so it is never shown."""

    functions: dict[str, Field]
    requests: list[str]
    answers: list[_Answer]

    @classmethod
    def of(cls, record: Field) -> "_Api":
        """Read a record; raises `InputError` where a part is missing or no function is described."""
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
    found = _DESCRIBED.fullmatch(described.text())
    if not name or found is None:
        raise described.unreadable("a named function's text, then Parameters in braces")
    texts = {one: field.text() for one, field in described.within(_parameters(found[2])).fields().items()}
    kinds = {one: _KIND.match(said) for one, said in texts.items()}
    parameters = {one: parameter((kind[2] or "") if (kind := kinds[one]) else "", said) for one, said in texts.items()}
    return make_tool(name, found[1].strip(), parameters, [one for one, kind in kinds.items() if kind and kind[1]])


def _parameters(text: str) -> Any:
    """Return the parameters' texts by name. Upstream wrote them between quotes as they were, with quotes of their own.

    Where that is no JSON, a text ends where the next name begins; a parameter without a name is left out.
    """
    try:
        return parse_json(text)
    except ValueError:
        names = list(_NAME.finditer(text))
        ends = [later.start() for later in names[1:]] + [len(text) - 1]
        return {one[1]: text[one.end() : end].rpartition('"')[0] for one, end in zip(names, ends, strict=False)}


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
