"""Pinned models of the hub: from the local cache, else from the hub (here a local one), else one clear line."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from huggingface_hub import constants

import qwen2
from ttsi.agent import Agent
from ttsi.data import data_root
from ttsi.models.loading import fetch, locate, pinned
from ttsi.records import InputError

REVISION = "0123456789abcdef0123456789abcdef01234567"


class Hub(ThreadingHTTPServer):
    """Serves one model at one commit, as the hub does; `asked` holds the paths of its answers."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.folder, self.asked = folder, []
        self.url = f"http://127.0.0.1:{self.server_port}"


class Answers(BaseHTTPRequestHandler):
    server: Hub

    def log_message(self, *arguments):
        pass

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        self.server.asked.append(self.path)
        path = self.path.partition("?")[0]
        if path == f"/api/models/some/model/tree/{REVISION}":
            files = [{"type": "file", "path": f.name, "size": f.stat().st_size, "oid": f.name} for f in self.files()]
            return self.answer(json.dumps(files).encode(), "application/json")
        file = self.server.folder / path.rpartition("/")[2]
        if path.startswith(f"/some/model/resolve/{REVISION}/") and file.is_file():
            return self.answer(file.read_bytes(), "application/octet-stream", ETag=f'"{file.name}"')
        return self.send_error(404)

    def files(self):
        return sorted(self.server.folder.iterdir())

    def answer(self, body: bytes, kind: str, **headers: str) -> None:
        self.send_response(200)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.send_header("X-Repo-Commit", REVISION)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)


def use(monkeypatch: pytest.MonkeyPatch, url: str, cache: Path) -> None:
    """Let the hub's client speak to `url` and keep what it fetches in `cache`."""
    monkeypatch.setattr(constants, "ENDPOINT", url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    path = tmp_path / "models.toml"
    path.write_text(f'["some/model"]\nrevision = "{REVISION}"\nshape = {{}}\n')
    return path


@pytest.fixture
def hub(tmp_path: Path):
    folder = qwen2.save(tmp_path / "upstream", shard_size="200KB")
    (folder / "modeling.py").write_text("raise SystemExit\n")
    (folder / "pytorch_model.bin").write_bytes(b"pickle")
    with Hub(folder) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_a_model_is_fetched_once_without_code_or_pickles(hub, manifest, tmp_path, monkeypatch):
    use(monkeypatch, hub.url, tmp_path / "cache")
    folder = fetch("some/model", manifest)
    assert {path.name for path in folder.iterdir()} == {
        path.name for path in hub.folder.iterdir() if path.suffix not in {".py", ".bin"}
    }
    assert not any(path.endswith((".py", ".bin")) for path in hub.asked)
    assert Agent.load(folder).model.config.model_type == "qwen2"
    asked = len(hub.asked)
    assert fetch("some/model", manifest) == folder
    assert len(hub.asked) == asked
    next(folder.glob("*-00002-*")).unlink()
    assert fetch("some/model", manifest) == folder
    assert Agent.load(folder).model.config.model_type == "qwen2"


def test_without_a_network_one_line_says_what_to_do(manifest, tmp_path, monkeypatch):
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        free = f"http://127.0.0.1:{server.server_port}"
    use(monkeypatch, free, tmp_path / "cache")
    with pytest.raises(InputError, match="some/model at 0123456789ab is not in the local cache and could not be"):
        fetch("some/model", manifest)


def test_a_hub_that_does_not_answer_is_given_up(manifest, tmp_path, monkeypatch):
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as silent:  # it listens, and never serves
        use(monkeypatch, f"http://127.0.0.1:{silent.server_port}", tmp_path / "cache")
        monkeypatch.setattr("ttsi.models.loading.ANSWER_SECONDS", 0.2)
        with pytest.raises(InputError, match=r"could not be fetched .*timed out"):
            fetch("some/model", manifest)


def test_a_model_is_found_below_the_data_folder_then_as_given_then_by_its_pinned_name(hub, manifest, monkeypatch):
    data = manifest.parent
    use(monkeypatch, hub.url, data / "cache")
    monkeypatch.chdir(hub.folder.parent)
    assert locate("upstream", data) == data / "upstream"
    assert locate("upstream", data / "cache") == Path("upstream")
    with pytest.raises(InputError, match=r"nowhere is not a model folder: nothing is there; .* one of some/model"):
        locate("nowhere", data)
    assert not hub.asked
    with pytest.raises(InputError, match="agents/mistyped is no model folder and not pinned"):
        locate("agents/mistyped", data)
    assert locate("some/model", data).name == REVISION


def test_an_unpinned_name_says_how_to_pin_it(tmp_path):
    manifest = data_root() / "models.toml"
    with pytest.raises(InputError, match=r'not pinned.*one of agents/.*, Qwen/.*\["Qwen/Qwen3-8B"\] with its revision'):
        pinned("Qwen/Qwen3-8B", manifest)
    other = tmp_path / "models.toml"
    other.write_text('["a/b"]\nrevision = "main"\nshape = {}\n')
    with pytest.raises(InputError, match="revision of a/b is 'main'"):
        pinned("a/b", other)
    other.write_text("[")
    with pytest.raises(InputError, match="cannot be read as TOML"):
        pinned("a/b", other)
