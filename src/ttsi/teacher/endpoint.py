"""A teacher behind an OpenAI-compatible endpoint: one chat completion a draw, retried, limited and kept on disk."""

import hashlib
import json
import logging
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import openai
from pydantic import BaseModel, Field, ValidationError

from ttsi.calls import OPEN, excerpt, render_calls
from ttsi.prompts import PRACTICE_INSTRUCTION, practice_chat
from ttsi.records import Call, InputError, Request
from ttsi.teacher.cache import AnswerCache, Question

KEY_VARIABLE = "OPENAI_API_KEY"
_NO_KEY = "no-key"
_LOG = logging.getLogger(__name__)


class TeacherError(InputError):
    """The teacher could not be asked: the message names it, what happened, and after how many tries."""


class _Function(BaseModel):
    name: str
    arguments: str


class _ToolCall(BaseModel):
    function: _Function


class _Message(BaseModel):
    content: str | None = None
    tool_calls: list[_ToolCall] | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Completion(BaseModel):
    """The part of a chat completion that is read."""

    choices: list[_Choice] = Field(min_length=1)


class EndpointTeacher:
    """A model that an OpenAI-compatible server offers.

    Time-outs, lost connections and the statuses 408, 409, 429 and 5xx are tried again with growing pauses, or after
    the pause that the server asks for (`Retry-After`). The key is read from `OPENAI_API_KEY` and kept nowhere.

    Args:
        url: base URL of the API, as in `https://api.openai.com/v1`.
        model: name of the model.
        instruction: stands before the request in the prompt.
        cache: folder that keeps the answers; none keeps nothing.
        timeout: seconds without a byte until a try counts as failed.
        retries: further tries after the first.
        parallel: requests at once, at most. One where a server draws all samples from one random generator, as
            `transformers serve` does: only then do seeds decide its answers.

    Raises:
        InputError: the URL or the key cannot be used, or the cache cannot be written.
    """

    def __init__(
        self,
        url: str,
        model: str,
        *,
        instruction: str = PRACTICE_INSTRUCTION,
        cache: Path | None = None,
        timeout: float = 60.0,
        retries: int = 5,
        parallel: int = 1,
    ) -> None:
        self.url, self.model, self.instruction = url, model, instruction
        self.timeout, self.parallel = timeout, parallel
        self._cache = AnswerCache(cache) if cache else None
        self._limit_name = "max_tokens"
        self._key = _key()
        direct = _is_loopback(_host(url))
        self._client = openai.OpenAI(
            base_url=url,
            api_key=self._key,
            timeout=timeout,
            max_retries=retries,
            default_headers={"Connection": "close"},  # nothing stays open that somebody would have to close
            http_client=openai.DefaultHttpx2Client(trust_env=not direct),  # no proxy on the way to this machine
        )

    def write(
        self, requests: Sequence[Request], *, seeds: Sequence[int], draws: int, temperature: float, max_new_tokens: int
    ) -> list[list[str]]:
        """Return `draws` practice examples for each request, each asked for by itself, of at most `max_new_tokens`.

        Raises:
            TeacherError: the teacher could not be asked. Answers that it gave are in the cache.
        """
        sampling = {"temperature": float(temperature), "max_tokens": max_new_tokens}
        questions: list[Question] = [
            {
                "model": self.model,
                "messages": practice_chat(request, self.instruction),
                "tools": [tool.as_function() for tool in request.tools],
                "seed": _draw_seed(seed, draw),
                **sampling,
            }
            for request, seed in zip(requests, seeds, strict=True)
            for draw in range(draws)
        ]
        answers = iter(self._answers(questions))
        return [[next(answers) for _ in range(draws)] for _ in requests]

    def _answers(self, questions: Sequence[Question]) -> list[str]:
        if self.parallel == 1:  # in this thread, where an interrupt is felt at once
            return [self._answer(question) for question in questions]
        with ThreadPoolExecutor(self.parallel) as pool:
            answers = [pool.submit(self._answer, question) for question in questions]
            try:
                return [answer.result() for answer in answers]
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _answer(self, question: Question) -> str:
        return self._cache.answer(question, lambda: self._ask(question)) if self._cache else self._ask(question)

    def _ask(self, question: Question) -> str:
        """Ask once more than the client tries again.

        No error of the client's stands behind a `TeacherError`: it may show what a server echoed, the key included.
        """
        try:
            raw = self._create(question)
        except openai.APIStatusError as error:
            hint = f" ({KEY_VARIABLE} is not set)" if (error.status_code, self._key) == (401, _NO_KEY) else ""
            what = f"status {error.status_code}{hint}, {_excerpt(error.response.text)}"
            raise self._error(what, _tries(error)) from None
        except openai.APITimeoutError as error:
            raise self._error(f"no answer within {self.timeout:g} s", _tries(error)) from None
        except openai.APIConnectionError as error:
            raise self._error(f"connection failed, {error.__cause__!r}", _tries(error)) from None
        return self._read(raw.text, raw.retries_taken + 1)

    def _create(self, question: Question) -> Any:
        """Send a question; models that think ahead take the limit by another name."""
        create = self._client.chat.completions.with_raw_response.create
        fields, limit = {**question}, self._limit_name
        fields[limit] = fields.pop("max_tokens")
        try:
            return create(**fields)
        except openai.BadRequestError as error:
            if limit != "max_tokens" or error.param != limit:
                raise
            self._limit_name = "max_completion_tokens"
            return self._create(question)

    def _read(self, body: str, tries: int) -> str:
        try:
            choice = _Completion.model_validate_json(body).choices[0]
        except ValidationError as error:
            first = error.errors()[0]
            place = "/".join(map(str, first["loc"]))
            what = "not JSON" if first["type"] == "json_invalid" else f"no completion ({place}: {first['msg']})"
            raise self._error(f"the answer is {what}, found {_excerpt(body)}", tries) from None
        text = _as_text(choice.message)
        if choice.finish_reason == "length" and not text:
            raise self._error("the answer was cut off at the token limit before its first word", tries)
        if choice.finish_reason == "length":
            _LOG.warning("teacher %s: an answer was cut off at the token limit", self.model)
        return text

    def _error(self, what: str, tries: int) -> TeacherError:
        counted = "1 try" if tries == 1 else f"{tries} tries"
        message = f"teacher {self.model} at {self.url} failed after {counted}: {what}"
        return TeacherError(message.replace(self._key, "…"))


def _key() -> str:
    key = os.environ.get(KEY_VARIABLE, "").strip() or _NO_KEY
    if not _is_plain(key):
        raise InputError(f"{KEY_VARIABLE} holds characters that no key has; expected printable ASCII")
    return key


def _host(url: str) -> str:
    """Return the host of a base URL, which must not hold a secret: URLs are shown and kept."""
    with suppress(ValueError):
        parts = urlsplit(url)
        secret = parts.username or parts.password or parts.query or parts.fragment
        if parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0 and not secret and _is_plain(url):
            return parts.hostname
    raise InputError(
        f"the teacher's URL cannot be used; expected http(s)://host[:port]/path, without user, password or query "
        f"(the key comes from {KEY_VARIABLE})"
    )


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _draw_seed(seed: int, draw: int) -> int:
    """Return a draw's own seed, below 2^31: some servers take no more."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{draw}".encode()).digest()[:4]) >> 1


def _tries(error: openai.APIError) -> int:
    return int(error.request.headers["x-stainless-retry-count"]) + 1


def _as_text(message: _Message) -> str:
    """Return a message as an agent would write it: the calls, then the rest."""
    calls = [_render(call.function) for call in message.tool_calls or ()]
    return "\n".join(filter(None, [*calls, (message.content or "").strip()]))


def _render(function: _Function) -> str:
    try:
        call = Call(name=function.name, arguments=json.loads(function.arguments or "{}"))
        return render_calls([call]).encode().decode()  # refuses half a surrogate pair, which is no text
    except (ValueError, RecursionError):
        return f"{OPEN}\n{function.arguments}"  # no call can be read from it, as it should be


def _excerpt(text: str) -> str:
    return excerpt(" ".join(text.split()), 160, empty="nothing")
