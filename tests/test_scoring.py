"""A right answer: what may differ (order, spelling of numbers, blanks) and what may not."""

import copy
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ttsi.calls import render_calls
from ttsi.evaluation.leniency import lenient_match
from ttsi.records import Call
from ttsi.scoring import Score, exact_match, normalise, score

NAMES = st.text(min_size=1, max_size=5)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(NAMES, children, max_size=3),
    max_leaves=6,
)
CALLS = st.builds(Call, name=NAMES, arguments=st.dictionaries(NAMES, JSON_VALUES, max_size=4))
GOLDS = st.lists(CALLS, max_size=4)


def call(name: str = "f", /, **arguments: Any) -> Call:
    return Call(name=name, arguments=arguments)


def same(left: Any, right: Any) -> bool:
    return exact_match([call(value=left)], [call(value=right)])


@given(GOLDS, st.randoms(use_true_random=False))
def test_order_of_calls_and_arguments_does_not_matter(gold: list[Call], random: Any) -> None:
    shuffled = []
    for one in random.sample(gold, len(gold)):
        names = random.sample(list(one.arguments), len(one.arguments))
        shuffled.append(Call(name=one.name, arguments={name: one.arguments[name] for name in names}))
    assert exact_match(shuffled, gold)
    assert score(render_calls(shuffled), gold).exact_match


@given(GOLDS)
def test_gold_against_gold_is_right(gold: list[Call]) -> None:
    assert score(render_calls(gold), gold) == Score(exact_match=True, well_formed=True, names_correct=True)


@given(CALLS, NAMES, JSON_VALUES)
def test_an_added_or_dropped_argument_is_wrong(gold: Call, name: str, value: Any) -> None:
    assume(name not in gold.arguments)
    longer = Call(name=gold.name, arguments={**gold.arguments, name: value})
    assert not exact_match([longer], [gold])
    assert not exact_match([gold], [longer])
    assert score(render_calls([longer]), [gold]).names_correct


@given(GOLDS, CALLS)
def test_an_added_or_dropped_call_is_wrong(gold: list[Call], extra: Call) -> None:
    assert not exact_match([*gold, extra], gold)
    assert not exact_match(gold, [*gold, extra])


@given(st.integers() | st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_equals_its_own_text(number: float) -> None:
    assert same(number, str(number))
    assert same(f" {number}\n", number)


@given(st.integers(min_value=-(2**53), max_value=2**53))
def test_a_whole_number_equals_its_float(number: int) -> None:
    assert same(number, float(number))


@given(JSON_VALUES)
def test_comparing_changes_no_value(value: Any) -> None:
    before = copy.deepcopy(value)
    normalise(value)
    assert value == before


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("40.7", 40.7),
        (1, 1.0),
        ("1e3", 1000),
        (-0.0, 0),
        (" Paris ", "Paris"),
        ([1, "2"], ["1", 2.0]),
        ({"a": [{"b": "3"}], "c": None}, {"c": None, "a": [{"b": 3.0}]}),
        (2**70, str(2**70)),
    ],
)
def test_same_values(left: Any, right: Any) -> None:
    assert same(left, right)
    assert same(right, left)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (True, 1),
        (True, "True"),
        (False, 0),
        (None, ""),
        (None, "None"),
        ("007", 7),
        ("1,000", 1000),
        ("٣", 3),
        (40.7, 40.70001),
        (2**53, 2**53 + 1),
        ("Paris", "paris"),
        ([1, 2], [2, 1]),
        ([1], [1, 1]),
        ([1], 1),
        ({}, []),
        ({"a": 1}, {"a": 1, "b": None}),
        ("1e99999999999999999999", 1),
        (float("inf"), 1),
    ],
)
def test_different_values(left: Any, right: Any) -> None:
    assert not same(left, right)
    assert not same(right, left)


def test_a_call_repeated_counts_as_often_as_it_stands() -> None:
    assert not exact_match([call(), call()], [call()])
    assert exact_match([call(), call("g"), call()], [call("g"), call(), call()])


def test_what_is_no_json_value_is_refused() -> None:
    with pytest.raises(TypeError, match="expected a JSON value, found set"):
        normalise({1, 2})


def test_a_wrong_name_is_told_from_wrong_arguments() -> None:
    gold = [call("a", x=1, y=2), call("b", z=3)]
    found = score(render_calls([call("a", x="1.0", y=5), call("c", z=3)]), gold)
    assert found == Score(exact_match=False, well_formed=True, names_correct=False)


def test_right_names_with_a_wrong_value() -> None:
    found = score(render_calls([call("a", x=2)]), [call("a", x=1)])
    assert (found.exact_match, found.names_correct) == (False, True)


@pytest.mark.parametrize("gold", [[call("a", x=1)], []])
def test_a_malformed_output_is_wrong_and_counts_as_no_call(gold: list[Call]) -> None:
    found = score('<tool_call>\n{"name": "a", "arguments": {"x": 1}}', gold)
    assert (found.exact_match, found.well_formed, found.names_correct) == (False, False, False)


@given(GOLDS, GOLDS)
def test_what_is_right_strictly_is_right_leniently(answer: list[Call], gold: list[Call]) -> None:
    assert lenient_match(render_calls(gold), gold)
    assert lenient_match(render_calls(answer), gold) == score(render_calls(answer), gold).exact_match


@given(st.text(alphabet='{}[]<>",:/_`afrgumentsol \n', max_size=40), GOLDS)
def test_any_text_is_right_leniently_wherever_it_is_strictly(text: str, gold: list[Call]) -> None:
    assert lenient_match(text, gold) >= score(text, gold).exact_match


@pytest.mark.parametrize(
    ("output", "right"),
    [
        ('{"name": "f", "parameters": {"x": "40.7"}}', True),
        ('{"name": "f", "parameters": {"x": 40}}', False),
        ('{"name": "f", "parameters": {"x": 40.7', False),
        ("I would call f with 40.7.", False),
        ("", False),
    ],
)
def test_a_right_call_in_another_form_is_right_only_leniently(output: str, right: bool) -> None:
    gold = [call(x=40.7)]
    assert lenient_match(output, gold) is right
    assert not score(output, gold).exact_match
