"""G: what counts as a valid practice example, and that writing one is seeded."""

from typing import get_args

import pytest

from ttsi.augmentation import augment, is_said, judge
from ttsi.benchmarks import load
from ttsi.calls import MalformedCall, parse_calls
from ttsi.prompts import PRACTICE_INSTRUCTION
from ttsi.records import InputError, Message, Request, Tool
from ttsi.settings import Elicitation

SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "guests": {"type": "integer"}},
    "required": ["city"],
    "additionalProperties": False,
}
REQUEST = Request(
    id="x",
    messages=(Message(role="user", content="Find a hotel in Rome."),),
    tools=(Tool(name="find_hotel", parameters=SCHEMA),),
)


def written(call: str, request: str) -> str:
    return f"<tool_call>\n{call}\n</tool_call>\n{request}"


ROME = '{"name": "find_hotel", "arguments": {"city": "Rome"}}'
OSLO = '{"name": "find_hotel", "arguments": {"city": "Oslo"}}'


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        (written(OSLO, "I want a hotel in oslo."), "valid"),
        (written(OSLO, "I want a hotel in Rome."), "value not in its request"),
        (written(ROME, "find a hotel in Rome. "), "copy of the request"),
        (written('{"name": "book_hotel", "arguments": {}}', "Book it."), "tool not offered"),
        (written('{"name": "find_hotel", "arguments": {}}', "Find it."), "arguments break the schema"),
        (written('{"name": "find_hotel", "arguments": {"city": 3}}', "Find 3."), "arguments break the schema"),
        (written('{"name": "find_hotel", "arguments": {"city": "O", "x": 1}}', "O 1."), "arguments break the schema"),
        (written(OSLO, ""), "not an example"),
        ("Find a hotel in Oslo.", "not an example"),
    ],
)
def test_verdicts(text, verdict):
    (attempt,) = judge([text], REQUEST)
    assert attempt.verdict == verdict
    assert (attempt.example is not None) == (verdict == "valid")


def test_a_second_copy_is_a_duplicate_and_order_is_kept():
    texts = [written(OSLO, "A hotel in Oslo."), "nothing", written(OSLO, "A hotel in Oslo.")]
    assert [attempt.verdict for attempt in judge(texts, REQUEST)] == ["valid", "not an example", "duplicate"]


@pytest.mark.parametrize(
    ("value", "text", "said"),
    [
        ("Oslo", "in oslo", True),
        ("Oslo", "in Rome", False),
        (3, "for three people", True),
        (3, "for 3 people", True),
        (3, "for 13 people", False),
        (40.7, "below 40.7 euros", True),
        (40.7, "below 40 euros", False),
        ("2026-05-03", "on 3 May 2026", True),
        ("2026-05-03", "on May 3, 2026", True),
        ("2026-05-03", "on 4 May 2026", False),
        ("2026-05-03", "on 2026-05-03", True),
        (True, "anything", True),
        (["Oslo", 2], "two to Oslo", True),
        ({"to": "Oslo"}, "to Rome", False),
        (-5, "it is -5 degrees", True),
        (-5, "it is 5 degrees", False),
        (5, "rooms 1-5", True),
        (-33.87, "at latitude -33.87", True),
        (1000, "for 1,000 euros", True),
    ],
)
def test_whether_a_text_holds_a_value(value, text, said):
    assert is_said(value, text) is said


@pytest.mark.parametrize("elicitation", get_args(Elicitation))
def test_writing_is_seeded_and_every_attempt_is_reported(tiny, elicitation):
    request = load("toolworld", "single/unseen", subset="validation", seed=4, limit=1)[0].request
    probabilities = [0.0] * len(request.tools)
    probabilities[1] = 1.0
    options = {"elicitation": elicitation, "draws": 4, "temperature": 1.0, "instruction": PRACTICE_INSTRUCTION}
    first, again, other = (augment(tiny, [request], [probabilities], seeds=[seed], **options)[0] for seed in (1, 1, 2))
    assert first == again != other
    assert len(first) == 4
    if elicitation == "hesitation":
        assert all(f'"name": "{request.tools[1].name}"' in attempt.text for attempt in first)


def test_constrained_practice_calls_offered_tools_with_arguments_that_they_have(tiny):
    request = load("toolworld", "typed/unseen", subset="validation", seed=4, limit=1)[0].request
    properties = {tool.name: set(tool.parameters["properties"]) for tool in request.tools}
    settings = {"draws": 8, "seeds": [0], "instruction": PRACTICE_INSTRUCTION}
    settings["temperature"] = 1.5  # hot enough to misspell what may be misspelled
    free, limited = (
        augment(tiny, [request], [[1.0] * len(properties)], elicitation=way, **settings)[0]
        for way in ("free", "constrained")
    )

    def offered(text: str) -> bool:
        try:
            calls = parse_calls(text.rpartition("</tool_call>")[0] + "</tool_call>")
        except MalformedCall:
            return False
        return all(call.name in properties and set(call.arguments) <= properties[call.name] for call in calls)

    assert not all(offered(attempt.text) for attempt in free)
    closed = [attempt.text for attempt in limited if "</tool_call>" in attempt.text]
    assert closed
    assert all(offered(text) for text in closed)
    assert all(text.rpartition("</tool_call>")[2].startswith("\n") for text in closed)


def test_a_tool_whose_parameters_are_no_schema_is_named():
    tool = Tool(name="ring", parameters={"type": "object", "properties": {"who": {"type": "str"}}})
    request = Request(id="x", messages=(Message(role="user", content="Ring Ann."),), tools=(tool,))
    text = '<tool_call>\n{"name": "ring", "arguments": {"who": "Bo"}}\n</tool_call>\nRing Bo.'
    with pytest.raises(InputError, match="parameters of tool 'ring' are no JSON schema: Unknown type 'str'"):
        judge([text], request)


def test_valid_examples_call_offered_tools(tiny):
    valid = 0
    for sample in load("toolworld", "single/seen", subset="validation", seed=4, limit=4):
        offered = {tool.name for tool in sample.request.tools}
        uniform = [1.0] * len(offered)
        settings = {"elicitation": "hesitation", "draws": 4, "temperature": 0.7, "instruction": PRACTICE_INSTRUCTION}
        (attempts,) = augment(tiny, [sample.request], [uniform], seeds=[0], **settings)
        for attempt in attempts:
            if attempt.example:
                valid += 1
                assert {call.name for call in attempt.example.calls} <= offered
                assert parse_calls(attempt.text.rpartition("</tool_call>")[0] + "</tool_call>") == attempt.example.calls
    assert valid
