"""A teacher behind an endpoint: what is sent, what is read, what is tried again, and what is paid for once.

The endpoint is a server on a real socket whose replies a test writes; `test_teacher_server` asks a real model.
"""

import json
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from endpoint import Endpoint, Reply, completion, endpoint, failure
from ttsi.augmentation import judge
from ttsi.benchmarks import load
from ttsi.prompts import practice_chat
from ttsi.records import InputError
from ttsi.teacher import EndpointTeacher, TeacherError
from ttsi.teacher.cache import AnswerCache

REQUEST = load("toolworld", "single/seen", limit=1)[0].request
SETTINGS: dict[str, Any] = {"temperature": 0.7, "seeds": [5], "max_new_tokens": 64}
__all__ = ["endpoint"]
KEY = "sk-a-key-that-nobody-may-see"


def ask(endpoint: Endpoint, *, draws: int = 1, cache: Path | None = None, **options: Any) -> list[str]:
    options = {"timeout": 20.0, "retries": 2} | options
    teacher = EndpointTeacher(endpoint.url, "strong", cache=cache, **options)
    (texts,) = teacher.write([REQUEST], draws=draws, **SETTINGS)
    return texts


def ask_for_seeds(endpoint: Endpoint, *, draws: int) -> list[int]:
    ask(endpoint, draws=draws)
    return [body["seed"] for body in endpoint.bodies]


# -- what is sent, what is read -------------------------------------------------------------------------------------


def test_the_practice_chat_is_sent_and_nothing_that_a_server_might_refuse(endpoint):
    assert ask(endpoint, instruction="Write one more.\n") == ["a text"]
    (body,) = endpoint.bodies
    assert body.pop("seed") in range(2**31)
    assert body == {
        "model": "strong",
        "messages": practice_chat(REQUEST, "Write one more.\n"),
        "tools": [tool.as_function() for tool in REQUEST.tools],
        "temperature": 0.7,
        "max_tokens": 64,
    }


def test_each_draw_has_a_seed_of_its_own_whatever_the_number_of_draws(endpoint):
    ask(endpoint, draws=3)
    ask(endpoint, draws=2)
    seeds = [body["seed"] for body in endpoint.bodies]
    assert len(set(seeds)) == 3
    assert seeds[:2] == seeds[3:]


@pytest.mark.parametrize("content", ["Cancel it.", None])
def test_tool_calls_stand_before_the_content(endpoint, content):
    function = {"name": "get_it", "arguments": '{"city": "Malmö"}'}
    endpoint.script(completion(content, calls=[{"id": "1", "type": "function", "function": function}] * 2))
    call = '<tool_call>\n{"name": "get_it", "arguments": {"city": "Malmö"}}\n</tool_call>'
    assert ask(endpoint) == ["\n".join([call, call, *filter(None, [content])])]


@pytest.mark.parametrize("arguments", ['{"a": ', "[1]", '{"a": "\\ud800"}', "[" * 100_000])
def test_a_malformed_call_is_a_malformed_example_and_no_error(endpoint, arguments):
    function = {"name": REQUEST.tools[0].name, "arguments": arguments}
    endpoint.script(completion("Do it.", calls=[{"id": "1", "type": "function", "function": function}]))
    (written,) = judge(ask(endpoint), REQUEST)
    assert written.verdict == "not an example"


def test_an_answer_cut_off_at_the_limit_is_an_answer_and_said_in_the_log(endpoint, caplog):
    endpoint.script(completion("Cancel the", finish="length"))
    assert ask(endpoint) == ["Cancel the"]
    assert "teacher strong: an answer was cut off at the token limit" in caplog.messages


def test_a_server_that_takes_the_limit_by_its_newer_name_is_asked_so_from_then_on(endpoint):
    refusal = {"message": "no", "param": "max_tokens", "code": "unsupported_parameter"}
    endpoint.reply = lambda body: (
        completion() if "max_completion_tokens" in body else Reply(json.dumps({"error": refusal}), 400)
    )
    assert ask(endpoint, draws=3) == ["a text"] * 3
    assert [body.get("max_tokens") for body in endpoint.bodies] == [64, None, None, None]
    assert [body.get("max_completion_tokens") for body in endpoint.bodies] == [None, 64, 64, 64]


# -- failures -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [408, 409, 429, 500, 503])
def test_a_passing_failure_is_tried_again(endpoint, status):
    endpoint.script(failure(status), completion())
    assert ask(endpoint) == ["a text"]
    assert len(endpoint.bodies) == 2


def test_the_pause_that_a_server_asks_for_is_kept(endpoint):
    endpoint.script(Reply("{}", 429, {"retry-after": "1"}), completion())
    ask(endpoint)
    first, second = endpoint.times
    assert second - first >= 1, "the client's own first pause is at most half a second"


@pytest.mark.parametrize("status", [429, 500])
def test_a_lasting_failure_is_an_error_after_all_tries(endpoint, status):
    endpoint.script(failure(status))
    message = f"teacher strong at {endpoint.url} failed after 3 tries: status {status}, "
    with pytest.raises(TeacherError) as caught:
        ask(endpoint)
    assert str(caught.value) == message + repr('{"error": {"message": "no"}}')
    assert len(endpoint.bodies) == 3


@pytest.mark.parametrize(
    ("status", "said"),
    [(400, "status 400, "), (401, "status 401 (OPENAI_API_KEY is not set), "), (404, "status 404, ")],
)
def test_a_refusal_is_not_tried_again(endpoint, status, said):
    endpoint.script(failure(status))
    with pytest.raises(TeacherError) as caught:
        ask(endpoint)
    assert f"failed after 1 try: {said}" in str(caught.value)
    assert len(endpoint.bodies) == 1


def test_a_server_that_does_not_answer_is_tried_again_and_then_an_error(endpoint):
    endpoint.reply = lambda body: failure(503) if endpoint.closing.wait() else completion()
    with pytest.raises(TeacherError, match=r"failed after 2 tries: no answer within 0\.2 s"):
        ask(endpoint, timeout=0.2, retries=1)
    assert len(endpoint.bodies) == 2


def test_an_answer_cut_off_on_the_way_is_tried_again(endpoint):
    whole = completion()
    endpoint.script(Reply(whole.body[:30], missing=100), whole)
    assert ask(endpoint) == ["a text"]


def test_answers_that_are_always_cut_off_are_an_error(endpoint):
    endpoint.script(Reply("{", missing=100))
    with pytest.raises(TeacherError, match="failed after 2 tries: connection failed, "):
        ask(endpoint, retries=1)


def test_a_server_that_is_down_is_an_error(endpoint):
    endpoint.server_close()
    with pytest.raises(TeacherError, match="failed after 2 tries: connection failed, ConnectError"):
        ask(endpoint, retries=1)


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply("<html>\nGateway</html>"), "the answer is not JSON, found '<html> Gateway</html>'"),
        (Reply("<html>", headers={"content-type": "text/html"}), "the answer is not JSON, found '<html>'"),
        (Reply(""), "the answer is not JSON, found nothing"),
        (Reply('{"choices": ['), "the answer is not JSON, found "),
        (Reply("{}"), "the answer is no completion (choices: Field required), found '{}'"),
        (Reply('{"choices": []}'), "the answer is no completion (choices: List should have at least 1 item"),
        (Reply('{"choices": [{"message": {"content": 3}}]}'), "(choices/0/message/content: Input should be a valid st"),
        (completion("", finish="length"), "the answer was cut off at the token limit before its first word"),
    ],
)
def test_an_answer_that_cannot_be_used_is_an_error(endpoint, reply, said):
    endpoint.script(reply)
    with pytest.raises(TeacherError) as caught:
        ask(endpoint)
    assert f"teacher strong at {endpoint.url} failed after 1 try: " in str(caught.value)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:80/v1",
        "ftp://h/v1",
        "http://me:secret@h/v1",
        "http://h/v1?key=secret",
        "http://h:0x/",
        "http://a b",
    ],
)
def test_a_url_that_cannot_be_used_or_holds_a_secret_is_refused_and_not_shown(url):
    with pytest.raises(InputError, match=r"expected http\(s\)://host\[:port\]/path") as caught:
        EndpointTeacher(url, "strong")
    assert "secret" not in str(caught.value)


# -- the key --------------------------------------------------------------------------------------------------------


def test_the_key_is_sent_and_stands_in_no_error_log_or_cache(endpoint, monkeypatch, tmp_path, caplog):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    caplog.set_level(logging.DEBUG)
    assert ask(endpoint, cache=tmp_path) == ["a text"]
    endpoint.reply = lambda body: Reply(json.dumps({"error": f"bad {endpoint.keys[-1]}"}), 401)
    with pytest.raises(TeacherError) as caught:
        ask(endpoint)
    assert endpoint.keys == [f"Bearer {KEY}"] * 2
    assert "status 401, " in str(caught.value)
    assert caught.value.__suppress_context__, "the client's error shows what the server echoed"
    kept = "".join(path.read_text() for path in tmp_path.iterdir())
    assert kept
    assert caplog.text
    assert KEY not in str(caught.value) + caplog.text + kept


def test_a_server_without_keys_gets_a_placeholder(endpoint):
    ask(endpoint)
    assert endpoint.keys == ["Bearer no-key"]


def test_a_key_that_is_none_is_refused_and_not_shown(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "secret\nkey")
    with pytest.raises(InputError, match="OPENAI_API_KEY holds characters that no key has") as caught:
        EndpointTeacher("http://localhost/v1", "strong")
    assert "secret" not in str(caught.value)


# -- parallel requests ----------------------------------------------------------------------------------------------


def test_requests_go_out_together_up_to_the_limit(endpoint):
    together, lock, now, most = threading.Barrier(2, timeout=20), threading.Lock(), [0], [0]

    def reply(body: dict) -> Reply:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        together.wait()  # breaks where a second request never comes
        with lock:
            now[0] -= 1
        return completion()

    endpoint.reply = reply
    assert len(ask(endpoint, draws=6, parallel=2)) == 6
    assert most == [2]


def test_answers_stand_in_the_order_of_their_draws(endpoint):
    ask(endpoint)
    first, others = endpoint.bodies[0]["seed"], threading.Semaphore(0)

    def reply(body: dict) -> Reply:
        if body["seed"] == first:
            assert all(others.acquire(timeout=20) for _ in range(3))
        else:
            others.release()
        return completion(f"seed {body['seed']}")

    endpoint.reply = reply
    answers = ask(endpoint, draws=4, parallel=4)
    assert answers[0] == f"seed {first}"
    endpoint.reply = lambda body: completion(f"seed {body['seed']}")
    assert answers == ask(endpoint, draws=4)


@pytest.mark.parametrize("parallel", [1, 2])
def test_a_failure_calls_off_what_was_still_to_be_asked(endpoint, parallel):
    endpoint.script(failure(400), completion())
    with pytest.raises(TeacherError):
        ask(endpoint, draws=300, parallel=parallel)
    assert len(endpoint.bodies) < 300


# -- the cache ------------------------------------------------------------------------------------------------------


def test_nothing_is_asked_twice(endpoint, tmp_path):
    endpoint.reply = lambda body: completion(f"Malmö {body['seed']}")
    first = ask(endpoint, draws=3, cache=tmp_path / "new" / "cache")
    endpoint.script(failure(500))
    assert ask(endpoint, draws=3, cache=tmp_path / "new" / "cache") == first
    assert len(endpoint.bodies) == 3


def test_what_decides_an_answer_is_asked_anew_and_the_url_does_not(endpoint, tmp_path):
    def write(url: str, **changed: Any) -> None:
        asked = {"model": "strong", "instruction": "Write.", "request": REQUEST} | SETTINGS | changed
        teacher = EndpointTeacher(url, asked.pop("model"), instruction=asked.pop("instruction"), cache=tmp_path)
        teacher.write([asked.pop("request")], draws=1, **asked)

    other = load("toolworld", "single/seen", limit=2)[1].request
    changes: tuple[dict[str, Any], ...] = (
        {},
        {"model": "stronger"},
        {"instruction": "Write!"},
        {"request": REQUEST.model_copy(update={"messages": other.messages})},
        {"request": REQUEST.model_copy(update={"tools": other.tools})},
        {"temperature": 1},
        {"seeds": [6]},
        {"max_new_tokens": 65},
    )
    for changed in changes:
        before = len(endpoint.bodies)
        write(endpoint.url, **changed)
        assert len(endpoint.bodies) == before + 1, changed
    write(endpoint.url.replace("127.0.0.1", "localhost"))
    write(endpoint.url, temperature=1.0)
    assert len(endpoint.bodies) == 8


@pytest.mark.parametrize("parallel", [1, 2])
def test_a_failure_keeps_what_was_answered(endpoint, tmp_path, parallel):
    seeds = ask_for_seeds(endpoint, draws=4)
    endpoint.reply = lambda body: failure(400) if body["seed"] == seeds[2] else completion("first")
    with pytest.raises(TeacherError, match="failed after 1 try: status 400"):
        ask(endpoint, draws=4, cache=tmp_path, parallel=parallel)
    answered = {body["seed"] for body in endpoint.bodies[4:]} - {seeds[2]}
    endpoint.bodies.clear()
    endpoint.script(completion("later"))
    answers = ask(endpoint, draws=4, cache=tmp_path, parallel=parallel)
    assert answers == ["first" if seed in answered else "later" for seed in seeds]
    assert {body["seed"] for body in endpoint.bodies} == set(seeds) - answered


@pytest.mark.parametrize("damage", [b"", b"\xff\xfe", b'{"question": {}, "answer": "of another question"}', b"[]"])
def test_a_damaged_entry_is_asked_for_again(endpoint, tmp_path, damage):
    ask(endpoint, cache=tmp_path)
    (entry,) = tmp_path.iterdir()
    whole = entry.read_bytes()
    for left in (damage, whole[:-9], whole + whole):
        entry.write_bytes(left)
        assert ask(endpoint, cache=tmp_path) == ["a text"]
        assert entry.read_bytes() == whole
    assert len(endpoint.bodies) == 4


def test_users_of_one_folder_at_once_ask_once(tmp_path):
    """A lock of `flock` belongs to an open file, so threads that open it themselves are to it what processes are."""
    asked: list[int] = []

    def use(number: int) -> str:
        def ask_slowly() -> str:
            asked.append(number)
            time.sleep(0.05)  # so that the others come meanwhile
            return f"answer {number}"

        return AnswerCache(tmp_path).answer({"seed": 1}, ask_slowly)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(use, range(8)))
    assert len(asked) == 1
    assert answers == [f"answer {asked[0]}"] * 8


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file cannot keep the teacher's answers: File exists"):
        AnswerCache(tmp_path / "file")
