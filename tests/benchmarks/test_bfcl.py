"""The Berkeley Function-Calling Leaderboard: Python's types become JSON's, and the first accepted value is the gold."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from bfcl_files import AREA, CATEGORIES, DRINK, TIDE, answers, bfcl_files, category, lines, questions, record, tool
from ttsi.benchmarks import load, read_drafts
from ttsi.benchmarks.fetching import difference
from ttsi.benchmarks.reading import read_lines
from ttsi.benchmarks.sources import load_manifest
from ttsi.records import InputError, Sample
from upstream_files import shared, write

REAL = [f"bfcl/{path(name)}" for name in CATEGORIES for path in (questions, answers)]


def read(folder: Path, **changed: Any) -> dict[str, Sample]:
    """Return the samples of the invented files, by upstream's id."""
    samples = load("bfcl", "all", subset="train", limit=None, data_dir=write(folder, "bfcl", **changed))
    return {sample.request.id.removeprefix("bfcl/"): sample for sample in samples}


def one(folder: Path, *records: dict[str, Any]) -> Sample:
    """Return the first sample of a file of records."""
    return read(folder, **category("multiple", *records))["multiple_0"]


def arguments(folder: Path, accepted: dict[str, Any]) -> dict[str, Any]:
    """Return the gold arguments of a call whose accepted values are these."""
    (call,) = one(folder, record("Do.", [AREA], {AREA["name"]: accepted})).gold
    return call.arguments


def test_every_record_of_every_category_is_read_in_order(tmp_path):
    samples = read(tmp_path)
    counts = {"simple_python": 2}
    assert list(samples) == [f"{name}_{index}" for name in CATEGORIES for index in range(counts.get(name, 1))]
    assert all(sample.gold and not sample.flags for sample in samples.values())
    assert [call.name for call in samples["parallel_multiple_0"].gold] == ["mean_of", "tideOf"]
    assert [call.arguments["minutes"] for call in samples["parallel_0"].gold] == [20, 15]


def test_pythons_names_of_types_become_those_of_json_schema_at_every_depth(tmp_path):
    inner = {"type": "dict", "properties": {"x": {"type": "float"}, "y": {"type": "tuple"}}, "required": ["y", "gone"]}
    written = tool(
        "f",
        "a",
        a={"type": "array", "items": inner, "description": "Points.", "minItems": 1},
        b={"type": "any", "default": None},
        c={"type": "float", "maximum": 3, "enum": [1.5, 3], "format": "float"},
        d={"type": "boolean"},
    )
    parameters = one(tmp_path, record("Do.", [written], {"f": {"a": [[]]}})).request.tools[0].parameters
    point = {"type": "object", "properties": {"x": {"type": "number"}, "y": {"type": "array"}}, "required": ["y"]}
    assert parameters == {
        "type": "object",
        "properties": {
            "a": {"type": "array", "items": point, "description": "Points."},
            "b": {"default": None},
            "c": {"type": "number", "maximum": 3, "enum": [1.5, 3], "format": "float"},
            "d": {"type": "boolean"},
        },
        "required": ["a"],
    }
    Draft202012Validator.check_schema(parameters)


def test_a_tool_without_parameters_has_an_empty_schema(tmp_path):
    bare = {"name": "f", "description": "It.", "parameters": {"type": "dict"}}
    (found,) = one(tmp_path, record("Do.", [bare], {"f": {}})).request.tools
    assert found.parameters == {"type": "object", "properties": {}, "required": []}


def test_the_gold_has_the_first_accepted_value_and_leaves_out_what_may_be_left_out(tmp_path):
    accepted = {"base": [10, 11], "height": [5.0, "five"], "unit": ["", "m"], "depth": ["m", ""], "none": []}
    assert arguments(tmp_path, accepted) == {"base": 10, "height": 5.0}
    assert arguments(tmp_path, {"base": [0], "flag": [False], "nothing": [None]}) == {
        "base": 0,
        "flag": False,
        "nothing": None,
    }


def test_within_an_object_each_field_lists_what_is_accepted_too(tmp_path):
    drink = read(tmp_path / "drink")["live_simple_0"]
    assert drink.gold[0].arguments == {"drinkId": "d7", "wishes": {"size": "large"}}
    listed = [{"of": ["a", "b"], "more": [""]}, {"of": ["c"], "deep": [{"x": [1, 2]}]}]
    assert arguments(tmp_path, {"base": [listed, []]}) == {"base": [{"of": "a"}, {"of": "c", "deep": {"x": 1}}]}
    assert arguments(tmp_path, {"base": [{"x": 1, "y": [2]}]}) == {"base": {"x": 1, "y": [2]}}, "a plain value"
    assert arguments(tmp_path, {"base": [[1, 2], [3]]}) == {"base": [1, 2]}, "a list of values, not of accepted ones"


def test_what_the_system_is_told_stands_before_the_request(tmp_path):
    (message,) = read(tmp_path)["live_simple_0"].request.messages
    assert (message.role, message.content) == ("user", "You serve drinks.\n\nMake drink d7 large.")


@pytest.mark.parametrize("end", ["\n\n", "\r\n"])
def test_empty_lines_and_windows_line_ends_change_nothing(tmp_path, end):
    changed = {path: text.replace("\n", end) for path, text in bfcl_files().items()}
    assert read(tmp_path / "changed", **changed) == read(tmp_path / "plain")


ASKED, KNOWN = questions("multiple"), answers("multiple")
TWO = category("multiple", *[record("The tide?", [TIDE], {"tideOf": {"bayName": ["Fundy"]}})] * 2)


def changed_line(path: str, number: int, **changes: Any) -> dict[str, str]:
    """Return both files of two records with fields of one line changed; None removes one."""
    values = [json.loads(line) for line in TWO[path].splitlines()]
    values[number] = {key: one for key, one in (values[number] | changes).items() if one is not None}
    return TWO | {path: lines(values)}


@pytest.mark.parametrize(
    ("changed", "named", "said"),
    [
        (changed_line(KNOWN, 1, id="multiple_7"), KNOWN, "record 1 and .*, record 1 have different ids; expected one"),
        (TWO | {KNOWN: TWO[KNOWN].splitlines()[0]}, ASKED, "has 2 records; expected the 1 of its answers"),
        (TWO | {ASKED: TWO[ASKED][:-20]}, ASKED, "record 1 is not JSON: "),
        (TWO | {KNOWN: TWO[KNOWN] + "]"}, KNOWN, "record 2 is not JSON: "),
        (TWO | {KNOWN: "\n"}, KNOWN, "is empty"),
        (TWO | {KNOWN: '{"id": NaN}'}, KNOWN, "record 0 is not JSON: NaN is not JSON"),
        (TWO | {KNOWN: "[]\n[]"}, KNOWN, "record 0 is a list; expected an object"),
        (changed_line(KNOWN, 1, ground_truth=None), KNOWN, "record 1 has no field 'ground_truth'"),
        (
            changed_line(KNOWN, 1, ground_truth=[{"f": {"a": 1}}]),
            KNOWN,
            r"record 1, field ground_truth\[0\].f.a is a n",
        ),
        (changed_line(ASKED, 1, question=[]), ASKED, "record 1, field question has 0 items; expected 1"),
        (changed_line(ASKED, 1, function=[]), ASKED, "record 1, field function lists no tool; expected at least one"),
        (changed_line(ASKED, 0, function=[DRINK | {"name": ""}]), ASKED, r"function\[0\].name is an empty text"),
        (changed_line(ASKED, 0, function=[DRINK | {"parameters": "x"}]), ASKED, "parameters is a text; expected an ob"),
    ],
)
def test_a_malformed_record_is_named_with_its_file(tmp_path, changed, named, said):
    with pytest.raises(InputError, match=said) as raised:
        read(tmp_path, **changed)
    assert str(tmp_path / "bfcl" / named) in str(raised.value)


def test_a_file_of_lines_counts_its_records_from_0(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": 1}\n\n[2]\n')
    assert [(one.value, one.place) for one in read_lines(path)] == [
        ({"a": 1}, f"{path}, record 0"),
        ([2], f"{path}, record 1"),
    ]


def test_upstreams_records_are_all_answered_and_nearly_all_calls_fit_their_schemas():
    folder = shared(*REAL)
    drafts = read_drafts("bfcl", "all", subset="train", data_dir=folder)
    assert len(drafts) == len({draft.id for draft in drafts}) == 2351
    assert all(draft.gold for draft in drafts)
    assert all(len({tool.name for tool in draft.tools}) == len(draft.tools) for draft in drafts)
    fitting = 0
    for draft in drafts:
        schemas = {tool.name: tool.parameters for tool in draft.tools}
        for schema in schemas.values():
            Draft202012Validator.check_schema(schema)
        assert {call.name for call in draft.gold or ()} <= set(schemas)
        fitting += all(Draft202012Validator(schemas[call.name]).is_valid(call.arguments) for call in draft.gold or ())
    assert 2300 <= fitting < 2351


def test_the_manifest_pins_the_files_that_are_read():
    files = load_manifest().sources["bfcl"].files
    assert {file.path for file in files} == set(bfcl_files())
    assert {file.subset for file in files} == {"train"}
    folder = shared(*REAL) / "bfcl"
    assert [difference(folder / file.path, file) for file in files] == [None] * len(files)
