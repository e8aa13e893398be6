"""Calls as text: what is written is read back, and what is not in the format is refused with what was found."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttsi.calls import MalformedCall, parse_calls, render_calls
from ttsi.records import Call

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children, max_size=3),
    max_leaves=8,
)
CALLS = st.builds(Call, name=st.text(min_size=1), arguments=st.dictionaries(st.text(), JSON_VALUES, max_size=4))
BLOCK = '<tool_call>\n{"name": "f", "arguments": {}}\n</tool_call>'


def test_render_writes_one_block_a_call() -> None:
    calls = (Call(name="café", arguments={"b": 1, "a": "x"}), Call(name="g"))
    assert render_calls(calls) == (
        '<tool_call>\n{"name": "café", "arguments": {"b": 1, "a": "x"}}\n</tool_call>\n'
        '<tool_call>\n{"name": "g", "arguments": {}}\n</tool_call>'
    )


@given(st.lists(CALLS, max_size=3).map(tuple))
def test_parse_inverts_render(calls: tuple[Call, ...]) -> None:
    assert parse_calls(render_calls(calls)) == calls


def test_a_tag_inside_a_value_is_text() -> None:
    calls = (Call(name="f", arguments={"text": "</tool_call><tool_call>"}),)
    assert parse_calls(render_calls(calls)) == calls


@pytest.mark.parametrize(
    "text",
    [
        '<tool_call>{"name":"f","arguments":{}}</tool_call>',
        f"\n  {BLOCK}\n\n",
        '<tool_call>\n\n{"arguments": {},\n "name": "f"}  </tool_call>',
        f"I will look that up.\n{BLOCK}",
    ],
)
def test_white_space_and_words_before_the_first_block_are_tolerated(text: str) -> None:
    assert parse_calls(text) == (Call(name="f"),)


@pytest.mark.parametrize("text", ["", " \n\t"])
def test_an_empty_output_holds_no_call(text: str) -> None:
    assert parse_calls(text) == ()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("I cannot do that.", "found 'I cannot do that.'"),
        ('{"name": "f", "arguments": {}}', "expected <tool_call>"),
        ('<tool_call>\n{"name": "f", "arguments": {}}', "expected </tool_call>, found the end of the output"),
        (f"{BLOCK}\nDone.", "expected <tool_call>, found 'Done.'"),
        (f"{BLOCK}</tool_call>", "expected <tool_call>, found '</tool_call>'"),
        (f"<tool_call>{BLOCK}", "expected a JSON object"),
        ("<tool_call>\n</tool_call>", "expected a JSON object"),
        ('<tool_call>{"name": "f", "arguments": {}</tool_call>', "expected a JSON object"),
        ('<tool_call>{"name": "f", "arguments": {}}{}</tool_call>', "expected </tool_call>"),
        ('<tool_call>{"name": "f", "arguments": {"a": NaN}}</tool_call>', "NaN is not JSON"),
        ('<tool_call>{"name": "f", "arguments": {"a": 1, "a": 2}}</tool_call>', "stands twice"),
        ('<tool_call>{"name": "f"}</tool_call>', "expected an object of name and arguments"),
        ('<tool_call>{"name": "f", "arguments": {}, "id": 1}</tool_call>', "expected an object of name and arguments"),
        ('<tool_call>[["name", "f"]]</tool_call>', "expected an object of name and arguments"),
        ('<tool_call>{"name": 1, "arguments": {}}</tool_call>', "a text as name"),
        ('<tool_call>{"name": "f", "arguments": "{}"}</tool_call>', "an object as arguments"),
        ('<tool_call>{"name": "f", "arguments": {"a": ' + "[" * 100_000, "expected a JSON object"),
        ('<tool_call>{"name": "f", "arguments": {"a": ' + "9" * 5_000 + "}}</tool_call>", "expected a JSON object"),
    ],
)
def test_malformed_output_says_what_was_found(text: str, found: str) -> None:
    with pytest.raises(MalformedCall) as caught:
        parse_calls(text)
    assert found in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("1e999", "a number is beyond the 64-bit floats"),
        ("-1e999", "a number is beyond the 64-bit floats"),
        ("NaN", "NaN is not JSON"),
        ("Infinity", "Infinity is not JSON"),
        ("-Infinity", "-Infinity is not JSON"),
        ("9" * 400, "a number is beyond the 64-bit floats"),
        ("-" + "9" * 5_000, "a number is beyond the 64-bit floats"),
        (r'"\ud800"', "half of a surrogate pair is no text"),
        ('"\ud800"', "half of a surrogate pair is no text"),
        (r'{"\udfff": 1}', "half of a surrogate pair is no text"),
        ("[" * 80 + "]" * 80, "nested too deeply"),
        ('"\n"', "Invalid control character"),
        ("01", "delimiter"),
    ],
)
@pytest.mark.parametrize("place", ["{}", "[1, {}]", '{{"b": {}}}'])
def test_a_value_that_json_does_not_have_is_malformed(value: str, found: str, place: str) -> None:
    with pytest.raises(MalformedCall) as caught:
        parse_calls('<tool_call>{"name": "f", "arguments": {"a": ' + place.format(value) + "}}</tool_call>")
    assert found in str(caught.value)
    assert len(str(caught.value)) < 500
    str(caught.value).encode()


def test_a_name_of_half_a_surrogate_pair_is_malformed() -> None:
    with pytest.raises(MalformedCall, match="surrogate"):
        parse_calls(r'<tool_call>{"name": "\ud800", "arguments": {}}</tool_call>')


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1.7976931348623157e308", 1.7976931348623157e308),
        ("1e-999", 0.0),
        (str(10**308), 10**308),
        (r'"\ud83d\ude00"', "😀"),
        ("[" * 50 + "]" * 50, json.loads("[" * 50 + "]" * 50)),
    ],
)
def test_a_value_at_the_edge_of_json_is_read(written: str, value: object) -> None:
    text = '<tool_call>{"name": "f", "arguments": {"a": ' + written + "}}</tool_call>"
    assert parse_calls(text) == (Call(name="f", arguments={"a": value}),)
