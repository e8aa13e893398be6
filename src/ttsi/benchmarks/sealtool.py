r"""Seal-Tools (fairyshine/Seal-Tools, Apache-2.0; arXiv 2405.08355), from `dataset_for_finetune`.

A record's prompt holds five tools as the text of a Python list, then the task; the answer is the text of a Python list.
The split `test` has the single-call samples (upstream's `easy`), `all` has every sample. The gold tool is listed first
in 88 of 100 of them. A record, in our words:

    {"id": "test_in_domain-easy-0", "conversations": [
     {"from": "human", "value": "…api_list = [{'api_name': 'getTide', 'parameters': {'bay': {'type': 'str', …}},
                                 'required': ['bay'], …}, …]\ntask_instruction = \"How high is the tide?\"\n…"},
     {"from": "gpt", "value": "[{'api': 'getTide', 'parameters': {'bay': 'Fundy'}, 'responses': ['API_call_0']}]"}]}

Some answers use what an earlier call returned as a value, by the name `API_call_n`. Only upstream's own prompt
explains these names, so such samples carry the flag `nested_calls`.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ttsi.benchmarks.drafts import Draft
from ttsi.benchmarks.expressions import read_literal
from ttsi.benchmarks.reading import Field, read_records
from ttsi.benchmarks.schemas import make_tool, parameter
from ttsi.records import Call, InputError, Message, Subset, Tool

NAME = "sealtool"
SPLITS = ("test", "all")
_FOLDER = "Seal-Tools_Dataset/dataset_for_finetune"
PARTS = {
    "test": {"in-domain": f"{_FOLDER}/test_in_domain.json", "out-of-domain": f"{_FOLDER}/test_out_domain.json"},
    "validation": {"validation": f"{_FOLDER}/dev.json"},
    "train": {"train": f"{_FOLDER}/train.json"},
}
"""The files of each subset; a part's name stands in its samples' ids."""

_PROMPT = re.compile(r".*?\napi_list = (\[.*\])\s*\ntask_instruction = \"(.*)\"\s*\nOutput:\s*", re.DOTALL)
_RETURNED = re.compile(r"API_call_\d")


def read(split: str, subset: Subset, find: Callable[[str], Path]) -> Iterator[Draft]:
    """Yield the drafts of a split; an id counts the records of its file."""
    for part, path in PARTS[subset].items():
        for index, record in enumerate(read_records(find(path))):
            if split == "all" or "-easy-" in record["id"].text():
                yield _draft(f"{NAME}/{split}/{part}/{index}", record)


def _draft(sample_id: str, record: Field) -> Draft:
    turns = record["conversations"].items()
    if len(turns) != 2:
        raise InputError(f"{record.place}, field conversations has {len(turns)} items; expected 2")
    prompt, answer = turns[0]["value"], turns[1]["value"]
    found = _PROMPT.fullmatch(prompt.text())
    if found is None:
        raise prompt.unreadable("api_list, then task_instruction in quotes, then Output")
    try:
        tools = prompt.within(read_literal(found[1]))
    except ValueError:
        raise prompt.unreadable("a Python list after api_list") from None
    gold = _gold(answer.text())
    nested = any(_RETURNED.search(str(call.arguments)) for call in gold or ())
    return Draft(
        id=sample_id,
        messages=(Message(role="user", content=found[2].strip()),),
        tools=tuple(map(_tool, tools.tools())),
        gold=gold,
        flags=("nested_calls",) if nested else (),
    )


def _tool(tool: Field) -> Tool:
    parameters = {
        name: parameter(one["type"].text(), one["description"].text())
        for name, one in tool["parameters"].fields().items()
    }
    required = [one.text() for one in tool["required"].items()]
    return make_tool(tool["api_name"].name(), tool["api_description"].text(), parameters, required)


def _gold(text: str) -> tuple[Call, ...] | None:
    try:
        calls = read_literal(text)
    except ValueError:
        return None
    if not isinstance(calls, list) or not calls or not all(map(_is_call, calls)):
        return None
    return tuple(Call(name=call["api"], arguments=call["parameters"]) for call in calls)


def _is_call(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("api"), str) and isinstance(value.get("parameters"), dict)
