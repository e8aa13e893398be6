"""An OpenAI-compatible endpoint on a real socket, whose replies a test writes."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest


@dataclass(frozen=True)
class Reply:
    """What the server sends; `missing` bytes are promised and never sent."""

    body: str
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    missing: int = 0


def completion(content: str | None = "a text", *, finish: str = "stop", calls: list[dict] | None = None) -> Reply:
    message = {"role": "assistant", "content": content, "tool_calls": calls}
    return Reply(json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": finish}]}))


def failure(status: int, **headers: str) -> Reply:
    return Reply(json.dumps({"error": {"message": "no"}}), status, {"retry-after-ms": "1"} | headers)


class Endpoint(ThreadingHTTPServer):
    """Answers each request as `reply` says, and keeps what it was sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.reply: Callable[[dict], Reply] = lambda body: completion()
        self.bodies: list[dict] = []
        self.keys: list[str | None] = []
        self.times: list[float] = []
        self.closing = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def script(self, *replies: Reply) -> None:
        """Give these replies in turn, and the last one for ever."""
        left = list(replies)
        self.reply = lambda body: left.pop(0) if len(left) > 1 else left[0]


class Handler(BaseHTTPRequestHandler):
    server: Endpoint

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.times.append(time.monotonic())
        self.server.bodies.append(body)
        self.server.keys.append(self.headers["authorization"])
        reply = self.server.reply(body)
        data = reply.body.encode()
        self.send_response(reply.status)
        headers = {"content-type": "application/json", "connection": "close"} | reply.headers
        for name, value in (headers | {"content-length": str(len(data) + reply.missing)}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with Endpoint() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.closing.set()
        server.shutdown()
        thread.join()
