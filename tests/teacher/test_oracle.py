"""The oracle teacher: right by construction, over the request's own tools, and of the training subset alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttsi.augmentation import judge
from ttsi.benchmarks import toolworld
from ttsi.benchmarks.toolworld.oracle import practise, tools_of
from ttsi.records import InputError, Request
from ttsi.teacher import OracleTeacher

SETTINGS = {"temperature": 0.7, "seeds": [5], "max_new_tokens": 200}


def request_of(split: str, subset: toolworld.Subset = "test", seed: int = 0, index: int = 0) -> Request:
    return toolworld.load(split, subset=subset, seed=seed, limit=index + 1)[index].request


@given(split=st.sampled_from(toolworld.SPLITS), subset=st.sampled_from(toolworld.SUBSETS), seed=st.integers(0, 10**6))
def test_what_it_writes_is_valid_practice_over_the_tools_of_the_request(split, subset, seed):
    for sample in toolworld.load(split, subset=subset, seed=seed, limit=3):
        (texts,) = OracleTeacher().write([sample.request], draws=4, **SETTINGS)
        written = judge(texts, sample.request)
        assert len(written) == 4
        assert {attempt.verdict for attempt in written} <= {"valid", "duplicate"}, written
        assert written[0].example is not None


@given(split=st.sampled_from(toolworld.SPLITS), seed=st.integers(0, 10**6))
def test_its_conversations_are_of_the_training_subset(split, seed):
    for example in practise(f"toolworld/{split}/test/{seed}/0", 5, seed):
        assert toolworld.subset_of(toolworld.Exchange(example.messages, example.calls)) == "train"


@pytest.mark.parametrize("subset", toolworld.SUBSETS)
@pytest.mark.parametrize("split", toolworld.SPLITS)
def test_the_tools_follow_from_the_id(split, subset):
    request = request_of(split, subset, seed=3, index=2)
    assert tuple(tool.as_tool() for tool in tools_of(request.id)) == request.tools


def test_draws_follow_from_the_seed_and_differ():
    request_id = request_of("typed/unseen").id
    assert practise(request_id, 3, 1) == practise(request_id, 5, 1)[:3]
    assert practise(request_id, 3, 1) != practise(request_id, 3, 2)
    assert len({example.model_dump_json() for example in practise(request_id, 10, 1)}) > 5


@pytest.mark.parametrize(
    "request_id",
    [
        "sealtool/test/3",
        "toolworld/single/seen/test/0",
        "toolworld/single/other/test/0/1",
        "toolworld/lessons/train/0/4",
        "toolworld/single/seen/test/0/1 ",
        "toolworld/single/seen/test/0/-1",
    ],
)
def test_a_request_of_another_benchmark_is_refused(request_id):
    message = f"found request {request_id!r}; expected toolworld/kind/tools/subset/seed/index"
    with pytest.raises(InputError, match=message):
        practise(request_id, 1, 0)


def test_a_request_with_other_tools_than_its_id_gives_is_refused():
    request = request_of("single/seen")
    other = request_of("single/seen", index=1).model_copy(update={"id": request.id})
    with pytest.raises(InputError, match=f"{request.id}: found other tools"):
        OracleTeacher().write([other], draws=1, **SETTINGS)
