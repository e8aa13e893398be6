"""What the real model is tuned on: lessons that depend on their number alone, and whose answers are right."""

from collections import Counter

import pytest
from jsonschema import Draft202012Validator

from ttsi.augmentation import judge
from ttsi.benchmarks import load
from ttsi.calls import CLOSE, parse_calls
from ttsi.prompts import PRACTICE_INSTRUCTION, read_transcript
from ttsi.records import Call, InputError, Message, Request, Sample, Tool
from ttsi.tuning.lessons import CONVERSATION, PRACTICE, TOOLWORLD, UNMARKED, Lessons, PromptCompletion, stream
from upstream_files import write

COUNT = 1500


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    folder = write(tmp_path_factory.mktemp("data"), "bfcl")
    return load("bfcl", "all", subset="train", limit=None, data_dir=folder)


@pytest.fixture(scope="module")
def lessons(samples: list[Sample]) -> list[PromptCompletion]:
    return list(stream(Lessons(samples, seed=0), 0, COUNT))


def is_practice(lesson: PromptCompletion) -> bool:
    return lesson.chat[-1].content.startswith(PRACTICE_INSTRUCTION)


def calls_of(lesson: PromptCompletion) -> tuple[Call, ...]:
    """Return the calls that a lesson answers with, or that its example has."""
    written, closing, _ = lesson.answer.rpartition(CLOSE)
    return parse_calls(written + closing)


def asked(lesson: PromptCompletion) -> Request:
    """Return the request that a practice lesson's example is to be like."""
    (message,) = lesson.chat
    messages = read_transcript(message.content.removeprefix(PRACTICE_INSTRUCTION))
    return Request(id="asked", messages=messages, tools=lesson.tools)


def test_a_lesson_depends_on_the_seed_and_its_number_alone(samples, lessons):
    again = Lessons(samples, seed=0)
    numbers = [7, 3, 900, 3, 0]
    assert [again[number] for number in numbers] == [lessons[number] for number in numbers]
    assert list(stream(again, 20, 5)) == lessons[20:25]
    assert [Lessons(samples, seed=1)[number] for number in numbers] != [lessons[number] for number in numbers]


def test_every_answer_calls_offered_tools_with_arguments_of_their_schemas(lessons):
    answers = [lesson for lesson in lessons if not is_practice(lesson)]
    assert len(answers) > COUNT / 2
    for lesson in answers:
        schemas = {tool.name: tool.parameters for tool in lesson.tools}
        assert len(schemas) == len(lesson.tools), "two tools of one name"
        for call in parse_calls(lesson.answer):
            assert set(call.arguments) <= set(schemas[call.name]["properties"])
            assert Draft202012Validator(schemas[call.name]).is_valid(call.arguments)


def test_every_practice_example_is_valid_for_the_request_that_it_is_asked_for(lessons):
    practice = [lesson for lesson in lessons if is_practice(lesson)]
    verdicts = Counter(judge([lesson.answer], asked(lesson))[0].verdict for lesson in practice)
    assert verdicts == {"valid": len(practice)}
    assert {len(asked(lesson).messages) for lesson in practice} >= {1, 3}, "of conversations, too"


def test_conversations_alternate_and_hold_the_earlier_answer(lessons):
    longer = 0
    for lesson in lessons:
        roles = [message.role for message in lesson.chat]
        assert roles == ["user", "assistant"] * (len(roles) // 2) + ["user"]
        longer += any(CLOSE in said.content for said in lesson.chat)
    assert longer / COUNT == pytest.approx((1 - PRACTICE) * (1 - TOOLWORLD) * CONVERSATION, abs=0.03)


def test_the_shares_are_about_as_said(lessons):
    assert sum(map(is_practice, lessons)) / COUNT == pytest.approx(PRACTICE, abs=0.04)
    unmarked = [not any(tool.parameters["required"] for tool in lesson.tools) for lesson in lessons]
    assert sum(unmarked) / COUNT == pytest.approx((1 - TOOLWORLD) * UNMARKED, abs=0.06)


def test_names_are_written_in_every_style_within_a_lesson_alike(lessons):
    offered = {tool.name: tool for lesson in lessons for tool in lesson.tools}
    styles = {
        "calculate_triangle_area": "base",
        "calculateTriangleArea": "base",
        "CalculateTriangleArea": "Base",
        "calculate.triangle.area": "base",
        "tideOf": "bayName",
        "tide_of": "bay_name",
        "TideOf": "BayName",
        "tide.of": "bay.name",
    }
    assert styles.keys() <= offered.keys()
    assert all(parameter in offered[name].parameters["properties"] for name, parameter in styles.items())
    snake = [lesson for lesson in lessons if any(tool.name in ("tide_of", "change_drink") for tool in lesson.tools)]
    names = {tool.name for lesson in snake for tool in lesson.tools}
    assert not names & {"tideOf", "TideOf", "tide.of", "changeDrink", "music.play"}


def test_tools_of_other_requests_are_offered_in_any_order(lessons):
    assert {len(lesson.tools) for lesson in lessons} >= {1, 2, 3, 4, 5}
    answered = [lesson for lesson in lessons if lesson.answer and len(lesson.tools) > 3]
    places = Counter([tool.name for tool in one.tools].index(calls_of(one)[0].name) for one in answered)
    assert all(places[place] > len(answered) / 20 for place in range(4))


def sample_of(name: str, said: str, tool: Tool, **arguments: object) -> Sample:
    request = Request(id=name, messages=(Message(role="user", content=said),), tools=(tool,))
    return Sample(request=request, gold=(Call(name=tool.name, arguments=arguments),))


def test_of_two_tools_of_one_name_the_answers_own_is_offered():
    def find(parameter: str) -> Tool:
        schema = {"type": "object", "properties": {parameter: {"type": "string"}}, "required": [parameter]}
        return Tool(name="find", description=f"By {parameter}.", parameters=schema | {"additionalProperties": False})

    samples = [
        sample_of("a", "Find a lake.", find("water"), water="lake"),
        sample_of("b", "Find an oak.", find("tree"), tree="oak"),
    ]
    for lesson in stream(Lessons(samples, seed=0), 0, 300):
        schemas = {tool.name: tool.parameters for tool in lesson.tools}
        for call in calls_of(lesson):
            assert Draft202012Validator(schemas[call.name]).is_valid(call.arguments)


def test_a_request_whose_calls_do_not_fit_makes_no_lesson(samples):
    (fits, *_) = samples
    broken = fits.model_copy(update={"gold": (Call(name="elsewhere"),)})
    unanswered = fits.model_copy(update={"gold": ()})
    assert list(stream(Lessons([*samples, broken, unanswered], seed=0), 0, 50)) == list(
        stream(Lessons(samples, seed=0), 0, 50)
    )
    with pytest.raises(InputError, match="of 3 samples no two different ones can be practised"):
        Lessons([fits, broken, unanswered], seed=0)
