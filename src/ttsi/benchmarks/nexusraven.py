r"""NexusRaven's function-calling queries (nexusflowai/NexusRaven, data CC-BY-NC-4.0: fetch it, never pass it on).

A query's reference is a Python call. The tools stand in Python stubs (`cve_cpe`, `virustotal`), in dict literals inside
the uploader (`emailrep`), or in the text of the query's own record (`toolalpaca`); see `stubs`. Records, in our words:

    {"query": "Is a@b.c ok?", "reference": "emailrep_post(email=\"a@b.c\")"}
    {"turns_1": {"instruction": "A fact?", "golden_answer": "[\"getFacts(topic='sea')\"]", "docstring": "OPTION:…"}}
"""

from collections.abc import Callable, Iterator
from pathlib import Path

from ttsi.benchmarks.drafts import Draft
from ttsi.benchmarks.expressions import read_calls
from ttsi.benchmarks.reading import Field, parse_json, read_records, read_text
from ttsi.benchmarks.stubs import assigned_tools, function_tools, marked_tools
from ttsi.records import Call, InputError, Message, Subset, Tool

NAME = "nexusraven"
SPLITS = ("test",)
PARTS = {"test": {"test": "raven/data"}}
STUBS = {
    "cve_cpe": "raven/data/resources/cve_cpe_function_definitions.py",
    "emailrep": "raven/data/upload_standardized_api_list.py",
    "virustotal": "raven/data/resources/virustotal_function_definitions.py",
}
_ASSIGNED = ("emailrep_post", "emailrep_report")


def read(split: str, subset: Subset, find: Callable[[str], Path]) -> Iterator[Draft]:
    """Yield the drafts of the four sources, the only split there is; an id names the source and counts its queries."""
    for source, path in STUBS.items():
        tools = _stubs(source, find(path))
        for index, record in enumerate(_queries(source, find)):
            yield _draft(f"{NAME}/test/{source}/{index}", record["query"], record["reference"].text(), tools)
    for index, record in enumerate(_queries("toolalpaca", find)):
        turn = record["turns_1"]
        tools = _within(turn["docstring"])
        yield _draft(f"{NAME}/test/toolalpaca/{index}", turn["instruction"], _first(turn["golden_answer"]), tools)


def _queries(source: str, find: Callable[[str], Path]) -> list[Field]:
    return read_records(find(f"raven/data/resources/{source}_queries.json"))


def _stubs(source: str, path: Path) -> tuple[Tool, ...]:
    text = read_text(path)
    try:
        tools = assigned_tools(text, _ASSIGNED) if source == "emailrep" else function_tools(text)
    except ValueError as error:
        raise InputError(f"{path}: {error}") from None
    if not tools:
        raise InputError(f"{path} defines no function; expected the stubs of {source}")
    return tuple(tools)


def _within(docstring: Field) -> tuple[Tool, ...]:
    try:
        tools = marked_tools(docstring.text())
    except ValueError:
        raise docstring.unreadable("stubs between <func_start> and <docstring_end>") from None
    if not tools:
        raise docstring.unreadable("at least one stub between <func_start> and <docstring_end>")
    return tuple(tools)


def _first(answers: Field) -> str:
    """Return the first call of a JSON list of calls, as upstream does."""
    try:
        listed = answers.within(parse_json(answers.text())).items()
    except ValueError as error:
        raise error if isinstance(error, InputError) else answers.unreadable("a JSON list of calls") from None
    if not listed:
        raise answers.unreadable("at least one call")
    return listed[0].text()


def _draft(sample_id: str, query: Field, reference: str, tools: tuple[Tool, ...]) -> Draft:
    messages = (Message(role="user", content=query.text().strip()),)
    return Draft(id=sample_id, messages=messages, tools=tools, gold=_gold(reference, tools))


def _gold(reference: str, tools: tuple[Tool, ...]) -> tuple[Call, ...] | None:
    """Return the call of a reference; arguments without a name take the names of the tool's parameters in order."""
    try:
        call = read_calls(reference)[0]
    except (ValueError, IndexError):
        return None
    order = next((list(tool.parameters["properties"]) for tool in tools if tool.name == call.name), [])
    if len(call.positional) > len(order) or set(order[: len(call.positional)]) & set(call.keywords):
        return None
    arguments = dict(zip(order, call.positional, strict=False)) | call.keywords
    return (Call(name=call.name, arguments=arguments),)
