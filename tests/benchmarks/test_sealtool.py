"""Seal-Tools: tool lists and answers written as Python text."""

import pytest

from ttsi.benchmarks import load, read_drafts
from ttsi.records import Call, InputError
from upstream_files import SEAL, seal_record, seal_tool, write

IN, OUT = f"{SEAL}/test_in_domain.json", f"{SEAL}/test_out_domain.json"


def only(tmp_path, record, **options):
    folder = write(tmp_path, "sealtool", **{IN: [record]})
    return load("sealtool", "all", data_dir=folder, tool_order="upstream", **options)[0]


def test_a_record_becomes_a_sample(tmp_path):
    sample = only(tmp_path, seal_record())
    assert sample.request.id == "sealtool/all/in-domain/0"
    assert [message.content for message in sample.request.messages] == ['How high is the "tide"?']
    tool = sample.request.tools[1]
    assert (tool.name, tool.description) == ("getDepth of lake", "What getDepth of lake gives")
    assert tool.parameters == {
        "type": "object",
        "properties": {"metres": {"type": "number", "description": "The metres (e.g., it's one)"}},
        "required": ["metres"],
    }
    assert sample.gold == (Call(name="getTide", arguments={"bay": "Fundy"}),)


def test_the_split_test_has_the_single_calls_and_all_has_every_one(tmp_path):
    folder = write(tmp_path, "sealtool")
    ids = [draft.id for draft in read_drafts("sealtool", "test", data_dir=folder)]
    assert ids == [
        f"sealtool/test/{one}" for one in ("in-domain/0", "in-domain/2", "out-of-domain/0", "out-of-domain/1")
    ]
    assert len(read_drafts("sealtool", "all", data_dir=folder)) == 5


def test_training_and_validation_records_have_ids_of_their_own(tmp_path):
    folder = write(tmp_path, "sealtool", **{f"{SEAL}/train.json": [seal_record()], f"{SEAL}/dev.json": [seal_record()]})
    for subset in ("train", "validation"):
        (sample,) = load("sealtool", "test", subset=subset, data_dir=folder)
        assert sample.request.id == f"sealtool/test/{subset}/0"


def test_flags_say_what_is_unusual(tmp_path):
    flags = [draft.flags for draft in read_drafts("sealtool", "all", data_dir=write(tmp_path, "sealtool"))]
    assert flags == [
        (),
        ("nested_calls", "gold_tool_not_offered"),
        ("number_as_text",),
        ("duplicate",),
        ("gold_unparsable",),
    ]


@pytest.mark.parametrize(
    "gold",
    [
        "",
        "[",
        "[]",
        "{}",
        "[1]",
        "[{'api': 'f'}]",
        "[{'api': 1, 'parameters': {}}]",
        "[{'api': 'f', 'parameters': []}]",
        "[{'api': 'f', 'parameters': {1: 2}}]",
        "[{'api': 'f', 'parameters': {'x': b'1'}}]",
        "[{'api': 'f', 'parameters': {'x': 1e999}}]",
        "[{'api': 'f', 'parameters': {'x': '\\ud800'}}]",
        "__import__('os')",
        "(" * 500,
        "\0",
    ],
)
def test_an_answer_that_is_no_list_of_calls_is_flagged(tmp_path, gold):
    folder = write(tmp_path, "sealtool", **{IN: [seal_record(gold=gold)]})
    assert read_drafts("sealtool", "all", data_dir=folder)[0].flags == ("gold_unparsable",)


BROKEN_TOOL = {**seal_tool("f", "x", "str"), "parameters": {"x": {"type": 3, "description": ""}}}


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"id": "a-easy-0", "conversations": []}, "field conversations has 0 items; expected 2"),
        ({**seal_record(), "conversations": [{}, {}]}, r"record 0, field conversations\[0\] has no field 'value'"),
        (seal_record(tools=[BROKEN_TOOL]), r"conversations\[0\]\.value\[0\]\.parameters\.x\.type is a number"),
        (seal_record(tools=[{"api_name": "f"}]), r"conversations\[0\]\.value\[0\] has no field 'parameters'"),
        (seal_record(tools=[{**seal_tool("", "x", "str")}]), "is an empty text; expected a name"),
        (seal_record(tools=[open]), r"conversations\[0\]\.value cannot be read; expected a Python list after api_list"),
    ],
)
def test_a_malformed_record_is_named_with_its_field(tmp_path, record, message):
    with pytest.raises(InputError, match=message):
        only(tmp_path, record)


def test_an_id_that_is_no_text_is_an_error(tmp_path):
    folder = write(tmp_path, "sealtool", **{IN: [{**seal_record(), "id": 3}]})
    with pytest.raises(InputError, match="record 0, field id is a number; expected a text"):
        load("sealtool", "test", data_dir=folder)


@pytest.mark.parametrize("prompt", ["", "api_list = []", '\napi_list = []\ntask_instruction = "x"\nOutput:\n'])
def test_a_prompt_without_tools_or_task_is_an_error(tmp_path, prompt):
    record = seal_record()
    record["conversations"][0]["value"] = prompt
    with pytest.raises(InputError, match=r"expected api_list|lists no tool"):
        only(tmp_path, record)
