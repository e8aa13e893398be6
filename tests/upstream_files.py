"""Small invented files in the formats of the benchmarks, and ways to damage them."""

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from bfcl_files import bfcl_files

SHARED = Path(__file__).parents[2] / "shared" / "benchmarks"
"""Upstream's own files, byte for byte, where they are at hand."""

SECRET = "5f3c0ffee9d1b2a4"

RAVEN = "raven/data/resources"
SEAL = "Seal-Tools_Dataset/dataset_for_finetune"


def shared(*paths: str) -> Path:
    """Return the folder of upstream's files, or skip the test where one of them is absent."""
    absent = [path for path in paths if not (SHARED / path).is_file()]
    if absent:
        pytest.skip(f"upstream's file is not at hand: {absent[0]}")
    return SHARED


def write(folder: Path, benchmark: str, **changed: Any) -> Path:
    """Write the invented files of a benchmark below a data folder, and return that folder."""
    for path, content in {**FILES[benchmark](), **changed}.items():
        target = folder / benchmark / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else as_bytes(content))
    return folder


def as_bytes(content: Any) -> bytes:
    return (content if isinstance(content, str) else json.dumps(content, indent=1)).encode()


def seal_record(index: int = 0, *, level: str = "easy", tools: Any = None, gold: Any = None) -> dict[str, Any]:
    tools = tools or [seal_tool("getTide", "bay", "str"), seal_tool("getDepth of lake", "metres", "float")]
    gold = (
        gold if gold is not None else [{"api": "getTide", "parameters": {"bay": "Fundy"}, "responses": ["API_call_0"]}]
    )
    prompt = f'Choose.\n\nInput:\napi_list = {tools!r}\ntask_instruction = "How high is the "tide"?"\nOutput:\n'
    turns = [
        {"from": "human", "value": prompt},
        {"from": "gpt", "value": gold if isinstance(gold, str) else repr(gold)},
    ]
    return {"id": f"test_in_domain-{level}-{index}", "conversations": turns}


def seal_tool(name: str, parameter: str, type_name: str) -> dict[str, Any]:
    return {
        "api_name": name,
        "api_description": f"What {name} gives",
        "field": "Sea",
        "parameters": {parameter: {"type": type_name, "description": f"The {parameter} (e.g., it's one)"}},
        "required": [parameter],
        "responses": {"value": {"type": "str", "description": "It"}},
    }


def bank_tool(name: str, **parameters: str) -> dict[str, Any]:
    listed = {one: {"type": type_name, "description": f"The {one}."} for one, type_name in parameters.items()}
    return {"name": name, "description": f"{name} it.", "input_parameters": listed, "output_parameters": {}}


def bank_record(dialogue: str, gold: str, *tools: dict[str, Any]) -> dict[str, Any]:
    described = "\n".join(
        json.dumps(tool) for tool in tools or [bank_tool("AddMeeting", topic="str", people="list(str)")]
    )
    head = "\nGenerate an API request.\nThe current year is 2023.\nInput: \nUser: text\n\nAPI descriptions:\n"
    return {
        "file": "x.jsonl",
        "id": 0,
        "instruction": head + described,
        "input": f"{dialogue}\nGenerate API Request:\n",
        "expected_output": gold,
    }


def alpaca_record(requests: list[str] | None = None, answers: Any = None, **changed: Any) -> dict[str, Any]:
    """A record as of the simulated and the real set: an API that needs a key."""
    key = {"api_key": "Required. string. The key.", "city": "Required. string. The city.", "days": "integer. How many."}
    golden = [[action("getWeather", {"api_key": SECRET, "city": "Oslo", "days": 2})]]
    return {
        "Name": "Wéather",
        "Function_Description": {
            "getWeather": f"Tells the weather.\nParameters: {json.dumps(key)}\nOutput: text",
            "listCities": "Lists cities.\nParameters: {}\nOutput: text",
            "components": "#City: Object{name}",
        },
        "Instructions": requests if requests is not None else ["Weather in Oslo for 2 days?"],
        "Golden_Answers": answers if answers is not None else golden,
        **changed,
    }


def action(name: str, arguments: Any) -> dict[str, str]:
    return {"Action": name, "Action_Input": arguments if isinstance(arguments, str) else json.dumps(arguments)}


CVE_STUBS = '''def searchThing(
    nameOf=None,
    exact=None,
    limit=None,
    undocumented=None,
):
    """
    Look for things.

    Args:
    nameOf (str): The thing: its name.

    exact (bool): Match it exactly.

    limit (int): How many.
    """


def searchOther(startDate=None):
    """
    Look for others.

    Args:
    startDate (str/datetime obj): From when.
    """
'''
VT_STUBS = '''def vt_get(id: str, x_apikey: str, limit: int = None):
    """
    Gets it. Relations:
    - comments: The comments.

    Args:
    - id: string, required, The id
    - x-apikey, string, required, Your key
    - limit, int32, optional, At most
    """


def vt_put(ip: str, data: dict):
    """
    Puts it.
    - ip: string, required, Where
    - data, json, What
    """
'''
UPLOADER = '''import nothing_that_exists


class Uploader:
    def emailrep(self):
        emailrep_post = {
            "name": "emailrep_post",
            "description": """
Ask about an address

Parameters
email (string, required): The address
""",
            "args_dicts": [{"name": "email", "description": "The address", "type": "string", "required": True}],
        }
        emailrep_report = {"name": "emailrep_report", "description": "Report it", "args_dicts": []}
        return [emailrep_post, emailrep_report]
'''
MARKED = '''
OPTION:
<func_start>def getFacts(topic: str, tags: List[str], limit: int)<func_end>
<docstring_start>
"""
Facts on a topic.

Parameters:
    topic (str) required: string. One of: [sea, land].
    tags (list) required: Array[string].
    limit (int) required: integer.
"""
<docstring_end>

OPTION:
<func_start>def getAny()<func_end>
<docstring_start>
"""
Any fact.

"""
<docstring_end>
'''


def raven_files() -> dict[str, Any]:
    turn = {"instruction": "A fact?", "golden_answer": '["getFacts(topic=\'sea\', tags=[], limit=3)", "getAny()"]'}
    return {
        f"{RAVEN}/cve_cpe_function_definitions.py": CVE_STUBS,
        f"{RAVEN}/virustotal_function_definitions.py": VT_STUBS,
        "raven/data/upload_standardized_api_list.py": UPLOADER,
        f"{RAVEN}/cve_cpe_queries.json": [
            {"query": "Things?", "reference": "r = lib.searchThing(nameOf = 'x', limit = None)"},
            {"query": "Others?", "reference": "r = lib.searchOther(startDate='2020-01-01 00:00')"},
        ],
        f"{RAVEN}/emailrep_queries.json": [{"query": "Is a@b.c ok?", "reference": 'emailrep_post(email="a@b.c")'}],
        f"{RAVEN}/virustotal_queries.json": [
            {"query": "Get 7 with my_key.", "reference": 'vt_get("7", x_apikey = "my_key")'},
            {"query": "Put it.", "reference": 'vt_put(ip="1.1.1.1", data={"type": "vote", "n": [1, True]})'},
        ],
        f"{RAVEN}/toolalpaca_queries.json": [{"turns_1": {**turn, "docstring": MARKED}, "turns_2": {}}],
    }


def seal_files() -> dict[str, Any]:
    nested = [
        {"api": "getTide", "parameters": {"bay": "Fundy"}, "responses": ["API_call_0"]},
        {"api": "elsewhere", "parameters": {"x": "API_call_0"}, "responses": []},
    ]
    text_number = [{"api": "getDepth of lake", "parameters": {"metres": "40.7"}, "responses": []}]
    return {
        f"{SEAL}/test_in_domain.json": as_bytes(
            [seal_record(), seal_record(1, level="difficult", gold=nested), seal_record(2, gold=text_number)]
        ).replace(b"\n", b"\r\n"),
        f"{SEAL}/test_out_domain.json": [seal_record(0), seal_record(1, gold="[{'api': ")],
    }


def bank_files() -> dict[str, Any]:
    search = bank_tool("ToolSearcher", keywords="str")
    asked = "User: Add a meeting.\nAI: With whom?\nUser: Jo and Al.\nAI: I add it."
    found = f"API-Request: [ToolSearcher(keywords='meeting')]->{bank_tool('AddMeeting', topic='str')!r}"
    return {
        "api-bank/test-data/level-1-api.json": [
            bank_record(asked, "API-Request: [AddMeeting(topic='x=1, y=2', people='['Jo', 'Al']')]"),
            bank_record("User: Now.", "API-Request: [AddMeeting(topic='talk', when='now')]"),
            bank_record("User: Now.", "API-Request: [AddMeeting(topic='talk', when='now')]"),
            bank_record("User: Now.", "no request at all"),
        ],
        "api-bank/test-data/level-2-api.json": [
            bank_record(f"User: Add.\nAI: I look.\n{found}", "API-Request: [AddMeeting(topic='talk')]", search),
            bank_record("User: Add.\nAI: I look.", "API-Request: [AddMeeting(topic='talk')]", search),
        ],
        "api-bank/test-data/level-3-batch-inf.json": [
            {
                "instruction": "\nGenerate.\nAPI descriptions:\n",
                "input": '{"apiCode": "ToolSearcher", "description": "Searches.", "parameters": {"keywords": '
                '{"type": "str", "description": "Words."}}, "response": {}}\n'
                f"User: Go.\n{found}\nGenerate API Request: \n",
                "output": "API-Request: [AddMeeting(topic='talk')]",
                "sample_id": 0,
                "api_id": 1,
            }
        ],
    }


def alpaca_files() -> dict[str, Any]:
    open_value = '{"city": ${city from listCities}, "days": 2}'
    twice = '{"api_key": "' + SECRET + '", "city": "city": "Oslo"}'
    second = alpaca_record(
        ["The first city?", "Both?", "What?", f"Oslo? My key is {SECRET}."],
        [
            [action("listCities", "{}"), action("getWeather", open_value)],
            [action("getWeather", twice), action("getDetails", {"Question": "which?"})],
            [action("getWeather", '{"city": ${city, "days": 2}')],
            [action("getWeather", {"api_key": SECRET, "city": "Oslo"})],
        ],
    )
    return {"data/eval_real.json": [alpaca_record(), second], "data/eval_simulated.json": [alpaca_record()]}


FILES = {
    "nexusraven": raven_files,
    "sealtool": seal_files,
    "apibank": bank_files,
    "toolalpaca": alpaca_files,
    "bfcl": bfcl_files,
}


def damaged(data: bytes, count: int, seed: int) -> Iterator[bytes]:
    """Yield files with one thing wrong: half of them in their bytes, half in their JSON values."""
    rng = Random(seed)
    for index in range(count):
        yield damaged_value(data, rng) if index % 2 else damaged_bytes(data, rng)


def damaged_bytes(data: bytes, rng: Random) -> bytes:
    start, length = rng.randrange(len(data)), rng.choice([1, 1, 3, 40])
    cut = data[start : start + length]
    found = rng.choice(
        [b"", cut + cut, cut[::-1], rng.randbytes(len(cut)), b'"', b"\\ud800", b"\r\n", b"[" * 99, b"1e999"]
    )
    return data[:start] if rng.random() < 0.1 else data[:start] + found + data[start + length :]


def damaged_value(data: bytes, rng: Random) -> bytes:
    try:
        value = json.loads(data)
    except ValueError:
        return damaged_line(data, rng)
    places = list(_places(value))
    holder, key = rng.choice(places)
    found = rng.choice(
        [None, True, -1, 10**30, 0.5, "", "\ud800", "x" * 50, "[" * 500, [], [[]], {}, {"": 1}, "DEL", "CUT"]
    )
    if found == "DEL":
        del holder[key]
    elif found == "CUT" and isinstance(holder[key], str):
        start = rng.randrange(len(holder[key]) + 1)
        holder[key] = (
            holder[key][:start] + rng.choice(["", "'", '"', "(", "]", "{", "\n", "\0"]) + holder[key][start + 1 :]
        )
    else:
        holder[key] = found
    return json.dumps(value).encode()


def damaged_line(data: bytes, rng: Random) -> bytes:
    """Damage a value in one line of a file that holds a JSON value a line; otherwise it is text, such as stubs."""
    lines = data.splitlines(keepends=True)
    if not all(line.startswith(b"{") for line in lines):
        return damaged_bytes(data, rng)
    number = rng.randrange(len(lines))
    return b"".join([*lines[:number], damaged_value(lines[number], rng), b"\n", *lines[number + 1 :]])


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, key
        yield from _places(value[key])
