"""Berkeley Function-Calling Leaderboard, v4 (ShishirPatil/gorilla, Apache-2.0): what the real model is tuned on.

It is none of the paper's benchmarks, and no result is reported on it. A file holds a record a line; a file of the same
name under `possible_answer` holds the accepted values of each argument, `""` where the argument may be left out:

    {"id": "simple_python_0", "question": [[{"role": "user", "content": "Find the area of a triangle with …"}]],
     "function": [{"name": "calculate_triangle_area", "description": "…", "parameters": {"type": "dict", …}}]}
    {"id": "simple_python_0", "ground_truth": [{"calculate_triangle_area": {"base": [10], "unit": ["units", ""]}}]}

The gold call has the first accepted value of each argument, and leaves out what may be left out.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ttsi.benchmarks.drafts import Draft
from ttsi.benchmarks.reading import Field, read_lines
from ttsi.benchmarks.schemas import Schema, type_schema
from ttsi.records import Call, InputError, Message, Subset, Tool

NAME = "bfcl"
SPLITS = ("all",)
_FOLDER = "berkeley-function-call-leaderboard/bfcl_eval/data"
_CATEGORIES = (
    "simple_python multiple parallel parallel_multiple live_simple live_multiple live_parallel live_parallel_multiple"
)
PARTS = {"train": {name: f"{_FOLDER}/BFCL_v4_{name}.json" for name in _CATEGORIES.split()}}
"""The file of each category of questions that calls answer."""

_KEPT = ("description", "enum", "default", "format", "maximum")


def read(split: str, subset: Subset, find: Callable[[str], Path]) -> Iterator[Draft]:
    """Yield the drafts of all categories; an id is upstream's own."""
    for path in PARTS[subset].values():
        questions, answers = read_lines(find(path)), read_lines(find(_answers(path)))
        if len(questions) != len(answers):
            raise InputError(f"{find(path)} has {len(questions)} records; expected the {len(answers)} of its answers")
        for question, answer in zip(questions, answers, strict=True):
            if question["id"].text() != answer["id"].text():
                raise InputError(f"{question.place} and {answer.place} have different ids; expected one")
            yield _draft(question, answer["ground_truth"])


def _answers(path: str) -> str:
    folder, _, name = path.rpartition("/")
    return f"{folder}/possible_answer/{name}"


def _draft(record: Field, answers: Field) -> Draft:
    return Draft(
        id=f"{NAME}/{record['id'].text()}",
        messages=_messages(record["question"]),
        tools=tuple(map(_tool, record["function"].tools())),
        gold=tuple(call for answer in answers.items() for call in _calls(answer)),
    )


def _messages(question: Field) -> tuple[Message, ...]:
    """Return the one turn of a question; what upstream tells the system stands before it."""
    if len(question.items()) != 1:
        raise InputError(f"{question.place} has {len(question.items())} items; expected 1")
    said = [message["content"].text().strip() for message in question.items()[0].items()]
    return (Message(role="user", content="\n\n".join(said)),)


def _tool(tool: Field) -> Tool:
    parameters = {"properties": {}, "required": []} | _schema(tool["parameters"])
    return Tool(name=tool["name"].name(), description=tool["description"].text().strip(), parameters=parameters)


def _schema(field: Field) -> Schema:
    """Return a JSON schema from one with Python's names of types."""
    fields = field.fields()
    schema: Schema = type_schema(fields["type"].text()) if "type" in fields else {}
    schema |= {key: fields[key].value for key in _KEPT if key in fields}
    if "items" in fields:
        schema["items"] = _schema(fields["items"])
    if "properties" in fields:
        schema["properties"] = {name: _schema(one) for name, one in fields["properties"].fields().items()}
        required = [one.text() for one in fields["required"].items()] if "required" in fields else []
        schema["required"] = [name for name in schema["properties"] if name in required]
    return schema


def _calls(answer: Field) -> Iterator[Call]:
    for name, arguments in answer.fields().items():
        yield Call(name=name, arguments=_first(arguments))


def _first(arguments: Field) -> dict[str, Any]:
    """Return the first accepted value of each argument that may not be left out."""
    accepted = {name: one.items() for name, one in arguments.fields().items()}
    due = {name: values for name, values in accepted.items() if all(one.value != "" for one in values)}
    return {name: _value(values[0]) for name, values in due.items() if values}


def _value(field: Field) -> Any:
    """Return a value; within objects, each field again lists what is accepted."""
    if isinstance(field.value, dict):
        return _first(field) if all(isinstance(value, list) for value in field.value.values()) else field.value
    if isinstance(field.value, list):
        return [_value(item) for item in field.items()]
    return field.value
