"""toolworld: deterministic, valid by its own schemas, and no word of an unseen test in training."""

import hashlib
import re
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from ttsi.augmentation import is_said
from ttsi.benchmarks import load
from ttsi.benchmarks.toolworld import SPLITS, SUBSETS, Exchange, lessons, lexicon, samples, subset_of
from ttsi.prompts import transcript
from ttsi.records import InputError, Sample

DIGEST = "ac0eeeeb15a3be86c44d59a981c49a20b8a3b02224d5b7b6292cfb94c6fd827c"
SEEDS = st.integers(0, 10**6)


def first(split: str, count: int, **options) -> list[Sample]:
    return list(islice(samples(split, **options), count))


def words(sample: Sample) -> set[str]:
    text = transcript(sample.request.messages) + " ".join(tool.model_dump_json() for tool in sample.request.tools)
    return set(re.findall(r"[a-z]+", text.lower()))


def test_the_same_seed_gives_the_same_bytes_on_every_machine():
    digest = hashlib.sha256()
    for split in SPLITS:
        for sample in first(split, 20, seed=3):
            digest.update(sample.model_dump_json(exclude={"flags"}).encode())
    assert digest.hexdigest() == DIGEST


@given(split=st.sampled_from(SPLITS), subset=st.sampled_from(SUBSETS), seed=SEEDS)
def test_gold_calls_are_offered_valid_and_said(split, subset, seed):
    for sample in first(split, 3, subset=subset, seed=seed):
        schemas = {tool.name: tool.parameters for tool in sample.request.tools}
        said = transcript(sample.request.messages)
        assert len(schemas) == len(sample.request.tools), "two tools of one name"
        for call in sample.gold:
            Draft202012Validator(schemas[call.name]).validate(call.arguments)
            assert all(is_said(value, said) for value in call.arguments.values())


@given(seed=SEEDS)
def test_subsets_never_share_a_conversation(seed):
    for subset in SUBSETS:
        for sample in first("single/seen", 5, subset=subset, seed=seed):
            assert subset_of(Exchange(sample.request.messages, sample.gold)) == subset


def test_no_noun_tool_or_made_up_word_of_an_unseen_test_occurs_in_training():
    trained: set[str] = set()
    for sample, _ in islice(lessons(seed=0), 4000):
        trained |= words(sample)
    for split in SPLITS:
        if split.endswith("/unseen"):
            for sample in first(split, 100, seed=5):
                nouns = {tool.name.split("_")[1] for tool in sample.request.tools}
                assert nouns.isdisjoint(trained), sorted(nouns & trained)


@given(seed=SEEDS)
def test_a_seen_tool_is_the_same_wherever_it_occurs(seed):
    known = {tool.name: tool for sample in first("typed/seen", 50) for tool in sample.request.tools}
    for sample in first("typed/seen", 10, seed=seed):
        for tool in sample.request.tools:
            assert known.get(tool.name, tool) == tool


def test_kinds_are_what_they_are_called():
    assert all(len(sample.gold) == 1 for sample in first("single/unseen", 20))
    assert all(len(sample.gold) in (2, 3) for sample in first("parallel/unseen", 20))
    assert all(len(sample.request.messages) in (3, 5) for sample in first("dialogue/unseen", 20))
    kinds = {type(value) for s in first("typed/seen", 40) for call in s.gold for value in call.arguments.values()}
    assert kinds == {int, float, str}
    left_out = [s for s in first("typed/seen", 40) if len(s.gold[0].arguments) < len(_parameters(s))]
    assert left_out, "no optional argument was left out"


def _parameters(sample: Sample) -> dict:
    tools = {tool.name: tool for tool in sample.request.tools}
    return tools[sample.gold[0].name].parameters["properties"]


def test_lessons_can_be_read_from_any_place():
    assert list(islice(lessons(seed=1, start=7), 2)) == list(islice(lessons(seed=1), 9))[7:]


def test_a_reserved_word_is_never_one_of_training():
    from random import Random

    rng = Random(0)
    reserved = {lexicon.invent(rng, reserved=True) for _ in range(2000)}
    assert reserved.isdisjoint({lexicon.invent(rng, reserved=False) for _ in range(20000)})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nowhere", "single/seen"), "unknown benchmark 'nowhere'; expected one of toolworld"),
        (("toolworld", "triple/seen"), "unknown split 'triple/seen' of toolworld; expected one of single/seen"),
    ],
)
def test_unknown_names_are_refused(arguments, message):
    with pytest.raises(InputError, match=re.escape(message)):
        load(*arguments, limit=1)
    with pytest.raises(InputError, match="limit is -1"):
        load("toolworld", "single/seen", limit=-1)
    with pytest.raises(InputError, match="unknown subset 'dev'"):
        samples("single/seen", subset="dev")  # pyright: ignore[reportArgumentType]
