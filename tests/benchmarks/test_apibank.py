"""API-Bank: dialogues and requests written as text."""

import json

import pytest

from ttsi.benchmarks import load, read_drafts
from ttsi.records import Call, InputError
from upstream_files import bank_record, bank_tool, write

FIRST = "api-bank/test-data/level-1-api.json"


def only(tmp_path, record):
    folder = write(tmp_path, "apibank", **{FIRST: [record]})
    return read_drafts("apibank", "level-1", data_dir=folder)[0]


def test_a_dialogue_becomes_turns_that_end_with_the_user(tmp_path):
    dialogue = (
        "User: Add a meeting.\nAI: Let me see.\nAPI-Request: [AddMeeting(topic='talk')]->{'id': 7}\nAI: Done.\n"
        "User: And another,\nplease."
    )
    sample = only(tmp_path, bank_record(dialogue, "API-Request: [AddMeeting(topic='more')]"))
    call = '<tool_call>\n{"name": "AddMeeting", "arguments": {"topic": "talk"}}\n</tool_call>'
    assert [(message.role, message.content) for message in sample.messages] == [
        ("user", "The current year is 2023.\nAdd a meeting."),
        ("assistant", f"Let me see.\n{call}"),
        ("user", "<tool_response>\n{'id': 7}\n</tool_response>"),
        ("assistant", "Done."),
        ("user", "And another,\nplease."),
    ]


def test_a_dialogue_that_ends_with_the_assistant_is_asked_in_upstreams_words(tmp_path):
    sample = only(tmp_path, bank_record("User: Hi.\nAI: I add it.", "API-Request: [AddMeeting(topic='x')]"))
    assert sample.messages[-1].content == "Generate API Request:"


def test_an_earlier_request_that_cannot_be_read_stays_as_it_is(tmp_path):
    dialogue = "User: Hi.\nAPI-Request: [what(]->no\nAI: ?"
    sample = only(tmp_path, bank_record(dialogue, "API-Request: [AddMeeting(topic='x')]"))
    assert "API-Request: [what(]->no" in sample.messages[0].content


def test_a_date_that_upstream_left_open_is_not_shown(tmp_path):
    record = bank_record("User: Hi.", "API-Request: [AddMeeting(topic='x')]")
    record["instruction"] = record["instruction"].replace("year is 2023", "time is {{time}}")
    assert only(tmp_path, record).messages[0].content == "Hi."


@pytest.mark.parametrize(
    ("gold", "arguments", "repaired"),
    [
        ("API-Request: [AddMeeting(topic='it', people=['a', 'b'])]", {"topic": "it", "people": ["a", "b"]}, False),
        ('API-Request: AddMeeting(topic="it\'s")', {"topic": "it's"}, False),
        ("API-Request: [AddMeeting(topic='x', people='['Jo', 'Al']')]", {"topic": "x", "people": "['Jo', 'Al']"}, True),
        ("API-Request: [AddMeeting(topic='['Jo' 'Al']')]", {"topic": "['Jo' 'Al']"}, True),
        ("API-Request: [AddMeeting(topic=New York, people=2)]", {"topic": "New York", "people": 2}, True),
        (
            "API-Request: [AddMeeting(topic='a, people=3', people='['b']')]",
            {"topic": "a, people=3", "people": "['b']"},
            True,
        ),
        ("API-Request: [AddMeeting()]", {}, False),
    ],
)
def test_a_request_is_read_by_the_places_of_its_names(tmp_path, gold, arguments, repaired):
    draft = only(tmp_path, bank_record("User: Hi.", gold))
    assert draft.gold == (Call(name="AddMeeting", arguments=arguments),)
    assert draft.flags == (("gold_repaired",) if repaired else ())


def test_several_requests_are_several_calls(tmp_path):
    draft = only(tmp_path, bank_record("User: Hi.", "API-Request: [AddMeeting(topic='a'), AddMeeting(topic='b')]"))
    assert [call.arguments for call in draft.gold or ()] == [{"topic": "a"}, {"topic": "b"}]


@pytest.mark.parametrize(
    "gold", ["", "API-Request: ", "AddMeeting", "[AddMeeting('x')]", "[AddMeeting(x=a), B(y=b c)]"]
)
def test_no_request_is_flagged(tmp_path, gold):
    assert only(tmp_path, bank_record("User: Hi.", gold)).flags == ("gold_unparsable",)


def test_tools_that_the_searcher_found_are_offered_too(tmp_path):
    folder = write(tmp_path, "apibank")
    for level in ("level-2", "level-3"):
        draft = read_drafts("apibank", level, data_dir=folder)[0]
        assert [tool.name for tool in draft.tools] == ["ToolSearcher", "AddMeeting"]
        assert draft.flags == ()
    assert read_drafts("apibank", "level-2", data_dir=folder)[1].flags == ("gold_tool_not_offered",)


def test_a_response_of_the_searcher_that_describes_no_tool_offers_none(tmp_path):
    answers = [
        "nothing",
        "{'name': 3}",
        "[1, {'name': 'f'}]",
        "{'output': None}",
        "{'name': 'f', 'description': 'g', 'input_parameters': 1}",
    ]
    dialogue = "User: Hi.\n" + "\n".join(f"API-Request: [ToolSearcher(keywords='x')]->{answer}" for answer in answers)
    draft = only(tmp_path, bank_record(dialogue, "API-Request: [AddMeeting(topic='x')]"))
    assert [tool.name for tool in draft.tools] == ["AddMeeting"]


def test_an_argument_that_is_not_in_the_schema_is_flagged(tmp_path):
    draft = only(tmp_path, bank_record("User: Hi.", "API-Request: [AddMeeting(topic='x', where='y')]"))
    assert draft.flags == ("argument_not_in_schema",)


def test_training_records_have_ids_of_their_own(tmp_path):
    record = bank_record("User: Hi.", "API-Request: [AddMeeting(topic='x')]")
    folder = write(tmp_path, "apibank", **{"api-bank/training-data/lv2-api-train.json": [record]})
    assert load("apibank", "level-2", subset="train", data_dir=folder)[0].request.id == "apibank/level-2/train/0"


WITHOUT_TYPE = {**bank_tool("f"), "input_parameters": {"x": {"description": ""}}}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"input": None}, "record 0, field input is null; expected a text"),
        ({"expected_output": 3}, "record 0, field expected_output is a number; expected a text"),
        ({"instruction": "API descriptions:\n{]"}, "field instruction cannot be read; expected one JSON object a line"),
        ({"instruction": "API descriptions:\n"}, "record 0 offers no tool"),
        (
            {"instruction": "API descriptions:\n" + json.dumps(WITHOUT_TYPE)},
            "field instruction.input_parameters.x has no field 'type'",
        ),
        ({"input": "AI: Hello.\n"}, "field input cannot be read; expected a dialogue that starts with User:"),
        ({"input": ""}, "expected a dialogue that starts with User:"),
    ],
)
def test_a_malformed_record_is_named_with_its_field(tmp_path, changed, message):
    with pytest.raises(InputError, match=message):
        only(tmp_path, {**bank_record("User: Hi.", "API-Request: [AddMeeting(topic='x')]"), **changed})
