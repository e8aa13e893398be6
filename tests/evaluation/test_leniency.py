"""The lenient reading: each form that tool-calling servers take, with the right value, and what stays malformed."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttsi.calls import MalformedCall, parse_calls, render_calls
from ttsi.evaluation.leniency import read_leniently
from ttsi.records import Call

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children, max_size=3),
    max_leaves=8,
)
CALLS = st.builds(Call, name=st.text(min_size=1), arguments=st.dictionaries(st.text(), JSON_VALUES, max_size=4))

F = Call(name="f", arguments={"a": 1, "b": "x y"})
G = Call(name="g", arguments={})
F_JSON = '{"name": "f", "arguments": {"a": 1, "b": "x y"}}'
G_JSON = '{"name": "g", "arguments": {}}'
F_BLOCK = f"<tool_call>\n{F_JSON}\n</tool_call>"
G_BLOCK = f"<tool_call>\n{G_JSON}\n</tool_call>"

FORMS: dict[str, tuple[str, tuple[Call, ...]]] = {
    "words after the last block": (f"{F_BLOCK}\nI have booked it.", (F,)),
    "words between blocks": (f"First:\n{F_BLOCK}\nand then\n{G_BLOCK}\nDone.", (F, G)),
    "no closing tag": (f"<tool_call>\n{F_JSON}", (F,)),
    "no closing tag, blanks": (f"Well.\n<tool_call>{F_JSON} \n", (F,)),
    "no closing tag after a block": (f"{G_BLOCK}\n<tool_call>\n{F_JSON}\n", (G, F)),
    "a list in a block": (f"<tool_call>\n[{F_JSON}, {G_JSON}]\n</tool_call>", (F, G)),
    "a list of one in a block": (f"<tool_call>[{F_JSON}]</tool_call>", (F,)),
    "lists in several blocks": (f"<tool_call>[{F_JSON}]</tool_call>{G_BLOCK}", (F, G)),
    "objects in a block": (f"<tool_call>\n{F_JSON}\n{G_JSON}\n</tool_call>", (F, G)),
    "a bare object": (F_JSON, (F,)),
    "a bare object, blanks": (f"\n  {F_JSON}\n", (F,)),
    "bare objects, one a line": (f"{F_JSON}\n{G_JSON}\n{F_JSON}", (F, G, F)),
    "a bare list": (f"[{F_JSON},\n {G_JSON}]", (F, G)),
    "a bare empty list": ("[]", ()),
    "an indented bare object": (json.dumps(json.loads(F_JSON), indent=2), (F,)),
    "a fenced object": (f"```json\n{F_JSON}\n```", (F,)),
    "a fence without a language": (f"```\n{F_JSON}\n```", (F,)),
    "a fenced list": (f"```json\n[{F_JSON}, {G_JSON}]\n```", (F, G)),
    "fenced objects": (f"```json\n{F_JSON}\n{G_JSON}\n```", (F, G)),
    "words around fences": (f"Let me call it.\n```json\n{F_JSON}\n```\nThen\n```json\n{G_JSON}\n```\nDone.", (F, G)),
    "a fenced block": (f"```json\n{F_BLOCK}\n```", (F,)),
    "arguments as JSON text": (
        r'<tool_call>{"name": "f", "arguments": "{\"a\": 1, \"b\": \"x y\"}"}</tool_call>',
        (F,),
    ),
    "no arguments as JSON text": ('<tool_call>{"name": "g", "arguments": "{}"}</tool_call>', (G,)),
    "parameters": ('<tool_call>{"name": "f", "parameters": {"a": 1, "b": "x y"}}</tool_call>', (F,)),
    "parameters as JSON text": (r'{"parameters": " {\"a\": 1, \"b\": \"x y\"}\n", "name": "f"}', (F,)),
    "the wrapper": (f'{{"type": "function", "function": {F_JSON}}}', (F,)),
    "wrappers with ids": (
        f'[{{"id": "c1", "type": "function", "function": {F_JSON}}}, {{"id": "c2", "function": {G_JSON}}}]',
        (F, G),
    ),
    "the wrapper around arguments as JSON text": (
        r'{"type": "function", "function": {"name": "f", "arguments": "{\"a\": 1, \"b\": \"x y\"}"}}',
        (F,),
    ),
    "a type beside the name": ('{"type": "function", "name": "f", "parameters": {"a": 1, "b": "x y"}}', (F,)),
    "a key again with its value": (
        '<tool_call>{"name": "f", "arguments": {"a": 1, "b": "x y", "a": 1}}</tool_call>',
        (F,),
    ),
    "arguments named as fields are": (
        '{"name": "h", "parameters": {"parameters": "{}", "arguments": "[1]", "type": "function", "id": 3}}',
        (Call(name="h", arguments={"parameters": "{}", "arguments": "[1]", "type": "function", "id": 3}),),
    ),
    "tags and fences within a value": (
        '{"name": "h", "arguments": {"a": "```", "b": "</tool_call>"}}',
        (Call(name="h", arguments={"a": "```", "b": "</tool_call>"}),),
    ),
}


@pytest.mark.parametrize(("text", "calls"), FORMS.values(), ids=FORMS)
def test_a_form_is_read_as_it_is_written(text: str, calls: tuple[Call, ...]) -> None:
    assert read_leniently(text) == calls
    with pytest.raises(MalformedCall):
        parse_calls(text)


@pytest.mark.parametrize("value", ['"1"', '"True"', "null", "true", "1.0", '"{}"', "[]"])
def test_no_value_changes_its_type(value: str) -> None:
    (call,) = read_leniently(f'{{"name": "f", "arguments": {{"a": {value}}}}}')
    assert repr(call.arguments["a"]) == repr(json.loads(value))


@given(st.lists(CALLS, max_size=3).map(tuple))
def test_strict_calls_are_the_same_and_other_forms_hold_the_same_values(calls: tuple[Call, ...]) -> None:
    text = render_calls(calls)
    objects = [call.model_dump() for call in calls]
    as_text = [call.model_dump() | {"arguments": json.dumps(call.arguments)} for call in calls]
    assert read_leniently(text) == parse_calls(text) == calls
    for form in (objects, as_text):
        listed = json.dumps(form)
        for written in (listed, f"```json\n{listed}\n```\nDone.", f"<tool_call>{listed}</tool_call> Done."):
            assert repr(read_leniently(written)) == repr(calls)


@given(st.text(alphabet='{}[]<>",:/_`afrgumentsol \n', max_size=60))
def test_any_text_is_read_or_malformed(text: str) -> None:
    try:
        strict = parse_calls(text)
    except MalformedCall:
        strict = None
    try:
        assert read_leniently(text) == strict or strict is None
    except MalformedCall:
        assert strict is None


@given(CALLS, st.data())
def test_a_bare_object_that_is_cut_off_is_malformed(call: Call, data: Any) -> None:
    text = json.dumps(call.model_dump())
    with pytest.raises(MalformedCall):
        read_leniently(text[: data.draw(st.integers(1, len(text) - 1))])


@pytest.mark.parametrize(
    "text",
    [
        "I cannot do that.",
        "You could call f with a = 1, or g.",
        "f(a=1)",
        f"For instance, {F_JSON} would do.",
        f"{F_JSON}\nI have booked it.",
        f"Here it is: {F_JSON}",
        "Put it into <tool_call> tags.",
        "```python\nf(a=1)\n```",
        '{"name": "f", "arguments": {"a": 1}',
        '<tool_call>\n{"name": "f", "arguments": {"a": 1',
        '<tool_call>\n{"name": "f", "arguments": {"a": 1}</tool_call>',
        f"{F_BLOCK}\n<tool_call>\n",
        f"{F_BLOCK}\n<tool_call>\n{{'name': 'g'}}\n</tool_call>",
        f"<tool_call>{F_JSON}</tool_",
        f"<tool_call>{F_JSON} I have booked it.",
        f"<tool_call>{F_JSON}<tool_call>{G_JSON}</tool_call>",
        "<tool_call></tool_call>",
        f"[{F_JSON}, {G_JSON}",
        f"[{F_JSON} {G_JSON}]",
        f"{F_JSON}, {G_JSON}",
        f"[[{F_JSON}]]",
        f"```json\n{F_JSON}",
        f"```json\n{F_JSON}\n```\n```json\n{G_JSON[:-1]}\n```",
        '{"temperature": 21}',
        '{"name": "f"}',
        '{"name": "f", "arguments": null}',
        '{"name": "f", "arguments": ""}',
        '{"name": "f", "arguments": "a = 1"}',
        r'{"name": "f", "arguments": "{\"a\": 1"}',
        r'{"name": "f", "arguments": "{} {}"}',
        '{"name": "f", "arguments": "[1]"}',
        '{"name": "f", "arguments": [1]}',
        r'{"name": "f", "arguments": "\"{}\""}',
        r'{"name": "f", "arguments": "{\"a\": NaN}"}',
        '{"name": "f", "arguments": {}, "parameters": {}}',
        '{"name": "f", "arguments": {}, "comment": "x"}',
        '{"type": "object", "name": "f", "arguments": {}}',
        f'{{"type": "function", "function": {{"function": {F_JSON}}}}}',
        '{"function": "f", "arguments": {}}',
        '{"name": "f", "arguments": {"a": 1, "a": 2}}',
        '{"name": "f", "arguments": {"a": 1, "a": true}}',
        '{"name": "f", "arguments": {"a": 1, "a": "1"}}',
        '{"name": "f", "arguments": {"a": 1e999}}',
        r'{"name": "f", "arguments": {"a": "\ud800"}}',
        "[1]",
        "[" * 100_000,
        '{"name": "f", "arguments": {"a": ' + "9" * 5_000 + "}}",
    ],
)
def test_what_is_no_call_stays_malformed(text: str) -> None:
    with pytest.raises(MalformedCall) as caught:
        read_leniently(text)
    assert len(str(caught.value)) < 500
