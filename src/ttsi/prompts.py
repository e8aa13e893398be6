"""What an agent is asked, as chat messages: to answer a request, or to write a practice example."""

import re
from collections.abc import Sequence

from ttsi.calls import CLOSE, parse_calls, render_calls
from ttsi.records import Message, PracticeExample, Request, Tool

PRACTICE_INSTRUCTION = "Write a practice example: a tool call, then a request like this one.\n\n"
"""The embedded agents' instruction; the seed request follows. The paper's own prompt is not published."""

Chat = list[dict[str, str]]

_TURN = re.compile(r"^(User|Assistant): ", re.MULTILINE)


def answer_chat(messages: Sequence[Message], shown: Sequence[PracticeExample] = ()) -> Chat:
    """Return the conversation as chat messages, after the examples shown in the context, each with its answer."""
    chat: Chat = []
    for example in shown:
        chat += answer_chat(example.messages)
        chat.append({"role": "assistant", "content": render_calls(example.calls)})
    return chat + [message.model_dump() for message in messages]


def prompt_tools(request: Request, shown: Sequence[tuple[PracticeExample, Sequence[Tool]]]) -> list[Tool]:
    """Return the offered tools, and those that a shown example calls where they are not among them."""
    tools = {tool.name: tool for tool in request.tools}
    for example, offered in shown:
        called = {call.name for call in example.calls}
        tools |= {tool.name: tool for tool in offered if tool.name in called - set(tools)}
    return list(tools.values())


def practice_chat(request: Request, instruction: str = PRACTICE_INSTRUCTION) -> Chat:
    """Return the chat that asks for a practice example like `request`."""
    return [{"role": "user", "content": instruction + transcript(request.messages)}]


def transcript(messages: tuple[Message, ...]) -> str:
    """Write a conversation as text: a single turn as it is, several with the speaker before each."""
    if len(messages) == 1:
        return messages[0].content
    return "\n".join(f"{message.role.capitalize()}: {message.content}" for message in messages)


def read_transcript(text: str) -> tuple[Message, ...]:
    """Read what `transcript` writes; text without speakers is one user turn.

    Raises:
        ValueError: the turns do not alternate from user to user, or one is empty.
    """
    parts = _TURN.split(text.strip())
    if len(parts) == 1:
        turns = [("user", text.strip())]
    else:
        turns = [(speaker.lower(), said.strip()) for speaker, said in zip(parts[1::2], parts[2::2], strict=True)]
    roles = [role for role, _ in turns]
    if (parts[0].strip() and len(parts) > 1) or roles != ["user", "assistant"] * (len(roles) // 2) + ["user"]:
        raise ValueError(f"turns of {roles or 'nobody'}; expected them to alternate from user to user")
    if not all(said for _, said in turns):
        raise ValueError("an empty turn; expected text")
    return tuple(Message.model_validate({"role": role, "content": said}) for role, said in turns)


def render_practice(example: PracticeExample) -> str:
    """Write a practice example as an agent should: the calls, then the request that they answer."""
    return f"{render_calls(example.calls)}\n{transcript(example.messages)}"


def read_practice(text: str) -> PracticeExample:
    """Read what `render_practice` writes.

    Raises:
        ValueError: there is no call, a call is malformed, or no request follows.
    """
    calls, closing, request = text.rpartition(CLOSE)
    if not closing:
        raise ValueError("no complete tool call")
    return PracticeExample(messages=read_transcript(request), calls=parse_calls(calls + closing))
