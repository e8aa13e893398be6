"""The benchmarks' own scores, on cases worked by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttsi.benchmarks import load
from ttsi.calls import render_calls
from ttsi.official_scores import PrecisionRecall, nexusraven_correct, sealtool_score
from ttsi.records import Call, Message, Request, Sample, Tool
from upstream_files import shared, write

TOOL = Tool(
    name="find",
    parameters={
        "type": "object",
        "properties": {
            "text": {"type": "string"},
            "limit": {"type": "integer", "default": None},
            "exact": {"default": True},
        },
        "required": ["text"],
    },
)


def sample_of(*gold: Call) -> Sample:
    return Sample(request=Request(id="x", messages=(Message(role="user", content="x"),), tools=(TOOL,)), gold=gold)


def call(name: str = "find", **arguments) -> Call:
    return Call(name=name, arguments=arguments)


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        ([call(text="a")], True),
        ([call(text="a", limit=None)], True),
        ([call(text="a", limit=None, exact=True)], True),
        ([call(text="a", exact=False)], False),
        ([call(text="a", limit=0)], False),
        ([call(text="a ")], False),
        ([call(limit=None)], False),
        ([call(text="a", more=1)], False),
        ([call("other", text="a")], False),
        ([], False),
        ([call(text="a"), call(text="a")], False),
    ],
)
def test_nexusraven_compares_the_whole_argument_dict_with_defaults_filled_in(answer, right):
    assert nexusraven_correct(render_calls(answer), sample_of(call(text="a", limit=None))) is right


def test_nexusraven_cuts_fractions_as_upstream_does():
    assert nexusraven_correct(render_calls([call(text="a", limit=3.0)]), sample_of(call(text="a", limit=3)))
    assert nexusraven_correct(render_calls([call(text="a", limit=3.9)]), sample_of(call(text="a", limit=3)))
    assert not nexusraven_correct(render_calls([call(text="a", limit="3")]), sample_of(call(text="a", limit=3)))


def test_a_malformed_answer_is_wrong():
    assert not nexusraven_correct("find(text='a')", sample_of(call(text="a")))


def test_sealtool_counts_by_hand():
    samples = [sample_of(call("f", x=1, y="b"), call("g")), sample_of(call("h", z="40.7")), sample_of(call("k", q=1))]
    outputs = [
        render_calls([call("f", x="1", y="c"), call("other", v=1)]),
        render_calls([call("h", z=40.7)]),
        "nothing",
    ]
    found = sealtool_score(outputs, samples)
    assert found.format_accuracy == 2 / 3
    assert found.tools == PrecisionRecall(matched=2, predicted=3, gold=4)
    assert found.parameters == PrecisionRecall(matched=2, predicted=4, gold=4)
    assert (found.tools.precision, found.tools.recall, found.tools.f1) == (2 / 3, 0.5, pytest.approx(4 / 7))
    assert found.parameters.f1 == 0.5


def test_sealtool_matches_every_call_of_a_tool_with_the_first():
    samples = [sample_of(call("f", x=1), call("f", x=2))]
    assert sealtool_score([render_calls(samples[0].gold)], samples).parameters.f1 == 0.5


def test_where_nothing_is_right_the_scores_are_0():
    found = sealtool_score(["nothing"], [sample_of(call("f"))])
    assert (found.format_accuracy, found.tools.f1, found.parameters.precision, found.parameters.recall) == (0, 0, 0, 0)


def test_sealtool_needs_an_answer_for_each_sample():
    with pytest.raises(ValueError, match="expected at least one sample"):
        sealtool_score([], [])
    with pytest.raises(ValueError, match="zip"):
        sealtool_score([], [sample_of(call("f"))])


def test_gold_against_gold_is_exactly_1_on_upstreams_single_calls():
    folder = shared("sealtool/Seal-Tools_Dataset/dataset_for_finetune/test_in_domain.json")
    samples = load("sealtool", "test", limit=None, data_dir=folder)
    found = sealtool_score([render_calls(sample.gold) for sample in samples], samples)
    assert (found.format_accuracy, found.tools.f1, found.parameters.f1) == (1, 1, 1)


def test_gold_against_gold_is_right_by_nexusravens_rule(tmp_path):
    samples = load("nexusraven", "test", data_dir=write(tmp_path, "nexusraven"))
    assert all(nexusraven_correct(render_calls(sample.gold), sample) for sample in samples)


@given(gold=st.dictionaries(st.text(min_size=1), st.integers() | st.text(), max_size=4), name=st.text(min_size=1))
def test_a_single_call_scores_exactly_1_against_itself(gold, name):
    samples = [sample_of(Call(name=name, arguments=gold))]
    found = sealtool_score([render_calls(samples[0].gold)], samples)
    assert (found.format_accuracy, found.tools.f1) == (1, 1)
    assert found.parameters.f1 == (1 if gold else 0)
