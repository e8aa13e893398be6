"""What is wrong with an answer: one kind for each, in one order of precedence."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttsi.calls import render_calls
from ttsi.evaluation.error_kinds import DESCRIPTIONS, ERROR_KINDS, error_kind
from ttsi.records import Call, Message, Request, Sample, Tool
from ttsi.scoring import score

PROPERTIES: dict[str, Any] = {
    "text": {"type": "string"},
    "whole": {"type": "integer"},
    "number": {"type": "number"},
    "flag": {"type": "boolean"},
    "many": {"type": "array", "items": {"type": "string"}},
    "maybe": {"type": ["string", "null"]},
    "open": {},
    "anything": True,
    "odd": {"type": "float"},
}
TOOLS = tuple(
    Tool(name=name, parameters={"type": "object", "properties": PROPERTIES, "required": ["text"]}) for name in "fgh"
)


def call(name: str = "f", /, **arguments: Any) -> Call:
    return Call(name=name, arguments=arguments)


def sample(*gold: Call) -> Sample:
    return Sample(request=Request(id="s", messages=(Message(role="user", content="Do it."),), tools=TOOLS), gold=gold)


def kind(calls: list[Call], gold: list[Call]) -> str | None:
    return error_kind(render_calls(calls), sample(*gold))


def test_each_kind_is_described_in_one_line() -> None:
    assert tuple(DESCRIPTIONS) == ERROR_KINDS
    assert all(text.endswith(".") and "\n" not in text for text in DESCRIPTIONS.values())


@pytest.mark.parametrize("output", ['<tool_call>{"name": "f"', '{"name": "f", "arguments": {}}', "<tool_call>"])
def test_an_attempt_that_cannot_be_read_is_malformed(output: str) -> None:
    assert error_kind(output, sample(call(text="x"))) == "malformed"


@pytest.mark.parametrize("output", ["", " \n", "Which city do you mean?"])
def test_no_call_is_an_empty_output_or_only_words(output: str) -> None:
    assert error_kind(output, sample(call(text="x"))) == "no call"


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("", None),
        ("There is nothing to call.", "malformed"),
        (render_calls([call()]), "number of calls"),
        (render_calls([call("invented")]), "invented tool"),
    ],
)
def test_where_no_call_is_due(output: str, expected: str | None) -> None:
    assert error_kind(output, sample()) == expected


@pytest.mark.parametrize(
    ("calls", "gold", "expected"),
    [
        ([call("i")], [call()], "invented tool"),
        ([call("F")], [call()], "invented tool"),
        ([call(), call("i")], [call()], "invented tool"),
        ([call("i")], [call("i", a=1)], "missing argument"),
        ([call("g")], [call()], "wrong tool"),
        ([call("h")], [call("f"), call("g")], "wrong tool"),
        ([call("f"), call("f")], [call("f"), call("g")], "wrong tool"),
        ([call("f"), call("g"), call("h")], [call("f"), call("i")], "wrong tool"),
        ([call()], [call(), call()], "number of calls"),
        ([call(), call("g")], [call()], "number of calls"),
        ([call(text="wrong"), call("g")], [call(text="right")], "number of calls"),
    ],
)
def test_wrong_tools(calls: list[Call], gold: list[Call], expected: str) -> None:
    assert kind(calls, gold) == expected


@pytest.mark.parametrize(
    ("given_", "due", "expected"),
    [
        ({}, {"text": "x"}, "missing argument"),
        ({"text": "x"}, {"text": "x", "whole": 1}, "missing argument"),
        ({"test": "x"}, {"text": "x"}, "missing argument"),
        ({"whole": 2}, {"text": "x", "whole": 1}, "missing argument"),
        ({"text": "x", "whole": 1}, {"text": "x"}, "extra argument"),
        ({"text": "x", "maybe": None}, {"text": "x"}, "extra argument"),
        ({"text": "y", "whole": 1}, {"text": "x"}, "extra argument"),
        ({"text": 1}, {"text": "x"}, "wrong type"),
        ({"text": ["x"]}, {"text": "x"}, "wrong type"),
        ({"whole": "one"}, {"whole": 1}, "wrong type"),
        ({"whole": True}, {"whole": 1}, "wrong type"),
        ({"flag": "true"}, {"flag": True}, "wrong type"),
        ({"flag": None}, {"flag": False}, "wrong type"),
        ({"many": "x"}, {"many": ["x"]}, "wrong type"),
        ({"open": ["x"]}, {"open": "x"}, "wrong type"),
        ({"anything": ["x"]}, {"anything": "x"}, "wrong type"),
        ({"odd": "x"}, {"odd": 1.5}, "wrong type"),
        ({"unlisted": "x"}, {"unlisted": {"a": 1}}, "wrong type"),
        ({"text": "y", "whole": "one"}, {"text": "x", "whole": 1}, "wrong type"),
        ({"text": "y"}, {"text": "x"}, "wrong value"),
        ({"text": "7"}, {"text": "x"}, "wrong value"),
        ({"text": "x"}, {"text": "7"}, "wrong value"),
        ({"number": "40.8"}, {"number": 40.7}, "wrong value"),
        ({"whole": 1.5}, {"whole": 1}, "wrong value"),
        ({"flag": False}, {"flag": True}, "wrong value"),
        ({"many": ["x", 1]}, {"many": ["x", "y"]}, "wrong value"),
        ({"maybe": None}, {"maybe": "x"}, "wrong value"),
        ({"whole": 3}, {"whole": "three"}, "wrong value"),
        ({"number": "40.7", "whole": 1.0}, {"number": 40.7, "whole": 1}, None),
    ],
)
def test_wrong_arguments(given_: dict[str, Any], due: dict[str, Any], expected: str | None) -> None:
    assert kind([call(**given_)], [call(**due)]) == expected


def test_of_several_calls_the_first_kind_in_order_decides() -> None:
    gold = [call(text="x"), call("g", whole=1), call("h", text="z")]
    assert kind([call("h", text="z"), call("g", whole=2), call(text="x")], gold) == "wrong value"
    assert kind([call("h", text="y"), call("g", whole="one"), call(text="x")], gold) == "wrong type"
    assert kind([call("h", text="y"), call("g", whole="one"), call()], gold) == "missing argument"


def test_calls_of_one_tool_are_paired_with_the_closest_gold_calls() -> None:
    gold = [call(text="a", whole=1), call(text="b", whole=2), call(text="c")]
    assert kind([call(text="c"), call(text="b", whole=3), call(text="a", whole=1)], gold) == "wrong value"
    assert kind([call(text="c"), call(text="b"), call(text="a", whole=1)], gold) == "missing argument"


def test_a_call_that_is_right_is_paired_with_its_gold_call() -> None:
    gold = [call(text="a"), call(text="b", whole=1)]
    assert kind([call(text="b"), call(text="a")], gold) == "missing argument"
    assert kind([call(text="b", whole=1), call()], gold) == "missing argument"


VALUES = st.sampled_from(["x", "1", 1, 2.5, True, None, ["x"]])
CALLS = st.builds(
    Call, name=st.sampled_from("fghi"), arguments=st.dictionaries(st.sampled_from(list(PROPERTIES)), VALUES, max_size=2)
)
SIDES = st.lists(CALLS, max_size=4)


@given(SIDES, SIDES)
def test_an_answer_has_a_kind_exactly_where_it_is_wrong(calls: list[Call], gold: list[Call]) -> None:
    found = kind(calls, gold)
    assert (found is None) == score(render_calls(calls), gold).exact_match
    assert found is None or found in ERROR_KINDS


@given(SIDES.flatmap(lambda side: st.tuples(st.just(side), st.permutations(side))), SIDES.flatmap(st.permutations))
def test_the_order_of_calls_does_not_matter(calls: tuple[list[Call], list[Call]], gold: list[Call]) -> None:
    assert kind(calls[0], gold) == kind(calls[1], gold[::-1])


@given(st.lists(CALLS, min_size=1, max_size=4), st.data())
def test_a_single_changed_value_is_a_wrong_value_or_type(gold: list[Call], data: Any) -> None:
    changed = data.draw(st.integers(0, len(gold) - 1))
    gold[changed] = Call(name=gold[changed].name, arguments={"text": "due"})
    calls = [*gold[:changed], Call(name=gold[changed].name, arguments={"text": "given"}), *gold[changed + 1 :]]
    assert kind(calls, gold) == "wrong value"
