"""What an agent is asked, and what it writes, as text and back."""

import pytest

from ttsi.prompts import practice_chat, read_practice, read_transcript, render_practice, transcript
from ttsi.records import Call, Message, PracticeExample, Request, Tool

USER = Message(role="user", content="Find a hotel in Rome.")
DIALOGUE = (USER, Message(role="assistant", content="Noted."), Message(role="user", content="No, in Oslo."))
CALLS = (Call(name="find_hotel", arguments={"city": "Rome"}), Call(name="find_taxi"))


@pytest.mark.parametrize("messages", [(USER,), DIALOGUE])
def test_practice_examples_are_read_as_they_were_written(messages):
    example = PracticeExample(messages=messages, calls=CALLS)
    assert read_practice(render_practice(example)) == example


def test_a_single_turn_is_its_own_transcript():
    assert transcript((USER,)) == USER.content
    assert transcript(DIALOGUE) == "User: Find a hotel in Rome.\nAssistant: Noted.\nUser: No, in Oslo."


@pytest.mark.parametrize(
    "text",
    [
        "",
        "User: a\nUser: b",
        "Assistant: a\nUser: b",
        "User: a\nAssistant: b",
        "x\nUser: a",
        "User: a\nAssistant: \nUser: b",
    ],
)
def test_broken_transcripts_are_refused(text):
    with pytest.raises(ValueError, match=r"turn|character"):
        read_transcript(text)


BROKEN = ["Find a hotel.", "<tool_call>\nno json\n</tool_call>\nFind it.", "</tool_call>\nFind it."]


@pytest.mark.parametrize("text", BROKEN)
def test_an_example_without_a_call_is_refused(text):
    with pytest.raises(ValueError, match="call"):
        read_practice(text)


def test_the_practice_prompt_holds_the_request_and_nothing_of_an_answer():
    request = Request(id="x", messages=DIALOGUE, tools=(Tool(name="find_hotel", parameters={}),))
    (message,) = practice_chat(request)
    assert message["role"] == "user"
    assert message["content"].endswith(transcript(DIALOGUE))
