"""The judge of practice examples: what the grammar says is right, and anything else is not."""

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttsi.benchmarks import toolworld
from ttsi.benchmarks.toolworld import lexicon
from ttsi.benchmarks.toolworld.grammar import draw_exchange
from ttsi.benchmarks.toolworld.judging import calls_said, is_right
from ttsi.benchmarks.toolworld.oracle import practise, tools_of
from ttsi.records import Call, InputError, Message, PracticeExample

SPLITS = st.sampled_from(toolworld.SPLITS)
SUBSETS = st.sampled_from(toolworld.SUBSETS)
SEEDS = st.integers(0, 10**6)
EXCHANGES = 8


def drawn(split: str, subset: str, seed: int) -> tuple[str, list[PracticeExample]]:
    """Return the id of a sample, and conversations over its tools as the grammar draws them."""
    request_id = f"toolworld/{split}/{subset}/{seed}/0"
    source: Any = "real" if split.endswith("/seen") else "invented" if subset == "train" else "reserved"
    rng, tools = Random(seed), tools_of(request_id)
    exchanges = [draw_exchange(rng, split.split("/")[0], source, tools) for _ in range(EXCHANGES)]
    return request_id, [PracticeExample(messages=one.messages, calls=one.calls) for one in exchanges]


def with_calls(example: PracticeExample, *calls: Call) -> PracticeExample:
    return example.model_copy(update={"calls": calls})


def with_arguments(example: PracticeExample, **arguments: Any) -> PracticeExample:
    first, *others = example.calls
    return with_calls(example, first.model_copy(update={"arguments": arguments}), *others)


def is_vague(example: PracticeExample) -> bool:
    return any(phrase in example.messages[-1].content.lower() for phrase in lexicon.AMBIGUOUS)


@given(split=SPLITS, subset=SUBSETS, seed=SEEDS)
def test_what_the_grammar_draws_is_right(split, subset, seed):
    request_id, examples = drawn(split, subset, seed)
    for example in examples:
        assert is_right(request_id, example), example
        assert len(calls_said(request_id, example.messages)) == 1 or is_vague(example), example


@given(split=SPLITS, subset=SUBSETS, seed=SEEDS)
def test_the_gold_of_a_sample_is_what_it_says(split, subset, seed):
    for sample in toolworld.load(split, subset=subset, seed=seed, limit=3):
        assert is_right(sample.request.id, PracticeExample(messages=sample.request.messages, calls=sample.gold))


@given(split=SPLITS, subset=SUBSETS, seed=SEEDS)
def test_another_tool_is_wrong(split, subset, seed):
    request_id, examples = drawn(split, subset, seed)
    names = {tool.name for tool in tools_of(request_id)}
    for example in examples:
        first, *others = example.calls
        for name in ("cancel_nothing", *(set() if is_vague(example) else names - {first.name})):
            assert not is_right(request_id, with_calls(example, first.model_copy(update={"name": name}), *others))


@given(split=SPLITS, subset=SUBSETS, seed=SEEDS)
def test_a_changed_a_dropped_and_an_added_argument_are_wrong(split, subset, seed):
    request_id, examples = drawn(split, subset, seed)
    for example in examples:
        arguments = example.calls[0].arguments
        for name, value in arguments.items():
            other = value + 1 if isinstance(value, (int, float)) else f"{value}x"
            assert not is_right(request_id, with_arguments(example, **{**arguments, name: other}))
            left = {kept: said for kept, said in arguments.items() if kept != name}
            assert not is_right(request_id, with_arguments(example, **left))
        assert not is_right(request_id, with_arguments(example, **arguments, extra="Falcon"))


@given(split=st.sampled_from([split for split in toolworld.SPLITS if split.startswith("parallel")]), seed=SEEDS)
def test_calls_may_stand_in_any_order_but_each_must_stand(split, seed):
    request_id, examples = drawn(split, "test", seed)
    for example in examples:
        assert is_right(request_id, with_calls(example, *reversed(example.calls)))
        assert not is_right(request_id, with_calls(example, *example.calls[1:]))
        assert not is_right(request_id, with_calls(example, *example.calls, example.calls[0]))


# -- by hand ----------------------------------------------------------------------------------------------------------


def request_with(split: str, wanted: set[str]) -> str:
    """Return the first sample's id, of those of seed 0, that offers all the verbs on one noun."""
    for index in range(2000):
        request_id = f"toolworld/{split}/test/0/{index}"
        nouns: dict[str, set[str]] = {}
        for tool in tools_of(request_id):
            nouns.setdefault(tool.noun, set()).add(tool.verb)
        if any(wanted <= verbs for verbs in nouns.values()):
            return request_id
    raise AssertionError(f"no sample offers {wanted}")


def test_a_vague_phrase_is_right_for_each_tool_that_shares_it_and_takes_the_values():
    request_id = request_with("parallel/unseen", {"cancel", "delete"})
    tools = {tool.verb: tool for tool in tools_of(request_id) if tool.verb in ("cancel", "delete")}
    judged = {}
    for verb, tool in tools.items():
        said = tool.slots[0].stated.format("Falcon")
        messages = (Message(role="user", content=f"Get rid of the {tool.noun} {said}."),)
        for name, other in tools.items():
            call = Call(name=other.name, arguments={other.slots[0].name: "Falcon"})
            judged[verb, name] = is_right(request_id, PracticeExample(messages=messages, calls=(call,)))
    same = tools["cancel"].slots[0].stated == tools["delete"].slots[0].stated
    assert judged == {(verb, name): verb == name or same for verb in tools for name in tools}


def test_a_vague_phrase_over_tools_with_the_same_argument_has_two_meanings():
    for index in range(5000):
        request_id = f"toolworld/single/unseen/test/0/{index}"
        tools = [tool for tool in tools_of(request_id) if tool.verb in ("cancel", "delete")]
        slots = [tuple(slot.stated for slot in tool.slots) for tool in tools]
        if len(tools) == 2 and tools[0].noun == tools[1].noun and slots[0] == slots[1]:
            break
    said = " ".join(stated.format("Falcon") for stated in slots[0])
    messages = (Message(role="user", content=f"Get rid of the {tools[0].noun} {said}."),)
    for tool in tools:
        call = Call(name=tool.name, arguments={slot.name: "Falcon" for slot in tool.slots})
        assert is_right(request_id, PracticeExample(messages=messages, calls=(call,)))
    assert len(calls_said(request_id, messages)) == 2


def test_a_corrected_value_replaces_the_earlier_one():
    request_id = request_with("dialogue/unseen", {"track"})
    tool = next(tool for tool in tools_of(request_id) if tool.verb == "track")
    key, *others = tool.slots
    turns = [key.fact.format("Falcon"), "Noted.", "No, I mean Marble.", "I see."]
    turns.append(f"Track my {tool.noun} {' '.join([key.recalled, *(slot.stated.format('Echo') for slot in others)])}.")
    messages = tuple(Message(role=("user", "assistant")[i % 2], content=turn) for i, turn in enumerate(turns))
    rest = {slot.name: "Echo" for slot in others}
    after, before = (Call(name=tool.name, arguments={key.name: v, **rest}) for v in ("Marble", "Falcon"))
    assert is_right(request_id, PracticeExample(messages=messages, calls=(after,)))
    assert not is_right(request_id, PracticeExample(messages=messages, calls=(before,)))
    assert calls_said(request_id, messages[2:]) == [], "nothing recalls what nobody said"


@pytest.mark.parametrize("content", ["", "Hello.", "Cancel.", "Find the {noun}", "find my {noun}.", "Get the {noun}."])
def test_what_is_not_in_the_words_of_the_world_says_nothing(content):
    request_id = "toolworld/typed/unseen/test/0/0"
    noun = tools_of(request_id)[0].noun
    assert calls_said(request_id, [Message(role="user", content=content.format(noun=noun))]) == []


@given(split=SPLITS, seed=SEEDS)
def test_a_missing_full_stop_changes_nothing(split, seed):
    request_id, examples = drawn(split, "test", seed)
    for example in examples:
        *earlier, last = example.messages
        cut = last.model_copy(update={"content": last.content[:-1]})
        assert is_right(request_id, example.model_copy(update={"messages": (*earlier, cut)}))


def test_a_misspelled_noun_names_nothing_that_is_offered():
    request_id = "toolworld/single/unseen/test/0/0"
    [example] = practise(request_id, 1, 0)
    noun = example.calls[0].name.split("_")[1]
    content = example.messages[0].content
    assert noun in content
    for other in (f"{noun}s", noun[:-1], noun.upper()):
        changed = (Message(role="user", content=content.replace(noun, other)),)
        assert not is_right(request_id, example.model_copy(update={"messages": changed}))


def test_a_date_that_no_calendar_has_is_no_value():
    request_id, tool, slot = next(
        (f"toolworld/typed/seen/test/0/{i}", tool, slot)
        for i in range(2000)
        for tool in tools_of(f"toolworld/typed/seen/test/0/{i}")
        for slot in tool.slots
        if slot.name == "date" and not any(other.required for other in tool.slots if other is not slot)
    )
    said = f"{lexicon.VERBS[tool.verb][0].capitalize()} the {tool.noun} on {{}}."
    for words, date in (
        ("28 February 2025", "2025-02-28"),
        ("February 28, 2025", "2025-02-28"),
        ("30 February 2025", None),
    ):
        messages = (Message(role="user", content=said.format(words)),)
        expected = [(Call(name=tool.name, arguments={slot.name: date}),)] if date else []
        assert calls_said(request_id, messages) == expected


def test_a_request_of_another_benchmark_is_refused():
    example = PracticeExample(messages=(Message(role="user", content="Hello."),), calls=(Call(name="a"),))
    with pytest.raises(InputError, match="expected toolworld/kind/tools/subset/seed/index"):
        is_right("sealtool/test/3", example)
