"""What the lessons share with test sets: a planted sample is found, however it is written, and nothing else is."""

from pathlib import Path
from typing import Any

import pytest

from ttsi.benchmarks import PAPER_BENCHMARKS, load, load_all
from ttsi.calls import render_calls
from ttsi.prompts import practice_chat, render_practice
from ttsi.records import Call, Message, PracticeExample, Request, Sample, Tool
from ttsi.tuning.lessons import Lessons, PromptCompletion, stream
from ttsi.tuning.overlap import Overlap, overlaps
from upstream_files import SEAL, seal_record, write

PLAIN = Tool(name="unheard_of", parameters={"type": "object", "properties": {}})


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every benchmark's invented files."""
    folder = tmp_path_factory.mktemp("data")
    for name in (*PAPER_BENCHMARKS, "bfcl"):
        write(folder, name)
    return folder


@pytest.fixture(scope="module")
def planted(data: Path) -> Sample:
    """A test sample of Seal-Tools."""
    return load("sealtool", "test", data_dir=data)[0]


def lesson(said: str = "Nobody asks this.", *, tool: str = "unheard_of", answer: str = "") -> PromptCompletion:
    """Return a lesson with one turn and one tool."""
    tools = (PLAIN.model_copy(update={"name": tool}),)
    return PromptCompletion(chat=(Message(role="user", content=said),), tools=tools, answer=answer)


def found(data: Path, *lessons: PromptCompletion) -> dict[str, Overlap]:
    return {one.benchmark: one for one in overlaps(lessons, data)}


def test_nothing_is_found_where_nothing_is(data):
    for one in overlaps([lesson(), lesson(answer=render_calls([Call(name="unheard_of")]))], data):
        assert (one.requests, one.tools) == (0, ())
        assert one.samples > 0
    assert [one.benchmark for one in overlaps([], data)] == list(PAPER_BENCHMARKS)


def test_lessons_of_the_generated_world_and_of_invented_requests_share_nothing(data):
    samples = load("bfcl", "all", subset="train", limit=None, data_dir=data)
    for one in overlaps(stream(Lessons(samples, seed=0), 0, 200), data):
        assert (one.requests, one.tools) == (0, ())


def in_a_turn(said: str) -> PromptCompletion:
    return lesson(said)


def in_an_earlier_turn(said: str) -> PromptCompletion:
    turns = (said, "What for?", "For fun.")
    roles: tuple[Any, ...] = ("user", "assistant", "user")
    chat = tuple(Message(role=role, content=turn) for role, turn in zip(roles, turns, strict=True))
    return lesson().model_copy(update={"chat": chat})


def as_the_request_of_practice(said: str) -> PromptCompletion:
    request = Request(id="x", messages=(Message(role="user", content=said),), tools=(PLAIN,))
    return lesson(practice_chat(request)[0]["content"])


def as_the_practice_example(said: str) -> PromptCompletion:
    messages = (Message(role="user", content=said),)
    return lesson(answer=render_practice(PracticeExample(messages=messages, calls=(Call(name="unheard_of"),))))


@pytest.mark.parametrize(
    "put",
    [in_a_turn, in_an_earlier_turn, as_the_request_of_practice, as_the_practice_example],
    ids=lambda one: one.__name__,
)
def test_a_request_is_found_wherever_in_a_lesson_it_stands(data, planted, put):
    said = planted.request.messages[-1].content
    same = sum(one.request.messages[-1].content == said for one in load_all("sealtool", data))
    assert same > 0
    for written in (said, f"  {said.upper()}\n", said.replace(" ", "\n\t")):
        counted = found(data, lesson(), put(written))
        assert counted["sealtool"].requests == same
        assert counted["sealtool"].tools == ()
        assert sum(one.requests for one in counted.values()) == same
    assert found(data, put(said + " Now."))["sealtool"].requests == 0


@pytest.mark.parametrize("written", ["getTide", "get_tide", "GetTide", "get.tide", "GET TIDE"])
def test_a_tool_is_found_in_whatever_style_its_name_is_written(data, written):
    counted = found(data, lesson(tool=written), lesson())
    assert counted.pop("sealtool").tools == ("getTide",)
    assert {one.tools for one in counted.values()} == {()}
    assert found(data, lesson(tool="getTides"))["sealtool"].tools == ()


def test_tools_are_listed_in_order_and_once(data):
    counted = found(data, lesson(tool="get_tide"), lesson(tool="get_depth_of_lake"), lesson(tool="gettide"))
    assert counted["sealtool"].tools == ("getDepth of lake", "getTide")


def test_a_sample_that_two_splits_hold_is_counted_once_and_validation_samples_too(data, tmp_path):
    every = load("sealtool", "all", limit=None, data_dir=data)
    assert len(load("sealtool", "test", limit=None, data_dir=data)) > 0
    assert found(data)["sealtool"].samples == len(every)
    for name in PAPER_BENCHMARKS:
        write(tmp_path, name)
    dev = seal_record()
    dev["conversations"][0]["value"] = dev["conversations"][0]["value"].replace('"tide"', "ebb")
    write(tmp_path, "sealtool", **{f"{SEAL}/dev.json": [dev]})
    assert found(tmp_path)["sealtool"].samples == len(every) + 1


def test_a_benchmark_without_files_is_left_out(tmp_path):
    for name in PAPER_BENCHMARKS[1:]:
        write(tmp_path, name)
    assert [one.benchmark for one in overlaps([lesson()], tmp_path)] == list(PAPER_BENCHMARKS[1:])
