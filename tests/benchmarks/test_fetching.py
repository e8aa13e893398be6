"""Fetching against a server that misbehaves: a clear error each time, and nothing half-written in a file's place."""

import hashlib
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner

from ttsi.benchmarks import BENCHMARKS, PAPER_BENCHMARKS, load
from ttsi.benchmarks.fetching import fetch, git_blob
from ttsi.benchmarks.sources import Manifest, Source, SourceFile, load_manifest
from ttsi.cli import main
from ttsi.records import InputError
from upstream_files import SHARED, shared

CONTENT = b'{"text": "0123456789"}\n' * 400
COMMIT = "0123456789abcdef0123456789abcdef01234567"
PATH = "some folder/file.json"


class Handler(BaseHTTPRequestHandler):
    """Answers by the first part of the path: the manner. `meet` waits until two requests are there."""

    server: "Server"

    def do_GET(self):
        self.server.asked.append(self.path)
        manner = self.path.split("/")[1]
        if manner in ("404", "500"):
            self.send_error(int(manner))
        elif manner == "hang":
            self.server.released.wait(20)
        elif manner == "shared":
            owner, repository = self.path.split("/")[2:4]
            names = {f"{source.repository}": name for name, source in load_manifest().sources.items()}
            path = SHARED / names[f"{owner}/{repository}"] / "/".join(self.path.split("/")[5:])
            self.answer(path.read_bytes())
        else:
            if manner == "meet":
                self.server.meeting.wait(20)
            self.answer(
                CONTENT[:-1] if manner == "wrong" else CONTENT, cut=manner == "cut", length=manner != "no-length"
            )

    def answer(self, content: bytes, cut: bool = False, length: bool = True):
        self.send_response(200)
        if length:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if cut else content)

    def log_message(self, format: str, *args: object):  # noqa: A002 - its name in the library
        pass


class Server(ThreadingHTTPServer):
    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str] = []
        self.released = threading.Event()
        self.meeting = threading.Barrier(2)

    def address(self, manner: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{manner}"


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.released.set()
        running.shutdown()
        thread.join()


def blob(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def manifest(address: str, **pins) -> Manifest:
    pins = pins or {"bytes": len(CONTENT), "sha256": hashlib.sha256(CONTENT).hexdigest()}
    source = Source(repository="owner/name", commit=COMMIT, licence="none", files=(SourceFile(path=PATH, **pins),))
    return Manifest(address=address, sources={"small": source})


def files_in(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("manner", ["good", "no-length"])
@pytest.mark.parametrize("pins", [{}, {"blob": blob(CONTENT)}])
def test_a_good_file_lies_where_the_loader_looks(server, tmp_path, manner, pins):
    assert fetch("small", tmp_path, manifest=manifest(server.address(manner), **pins)) == [tmp_path / "small" / PATH]
    assert files_in(tmp_path) == {f"small/{PATH}": CONTENT}
    assert server.asked == [f"/{manner}/owner/name/{COMMIT}/some%20folder/file.json"]


@pytest.mark.parametrize(
    ("manner", "message"),
    [
        ("wrong", "is not the pinned file: found 9199 bytes instead of 9200"),
        ("cut", "cannot be downloaded"),
        ("404", "cannot be downloaded: 404"),
        ("500", "cannot be downloaded: 500"),
        ("hang", "cannot be downloaded.*timed out"),
    ],
)
@pytest.mark.parametrize("before", [None, b"damaged before"])
def test_a_bad_answer_is_an_error_and_changes_nothing(server, tmp_path, manner, message, before):
    if before is not None:
        (tmp_path / "small" / PATH).parent.mkdir(parents=True)
        (tmp_path / "small" / PATH).write_bytes(before)
    with pytest.raises(InputError, match=message):
        fetch("small", tmp_path, manifest=manifest(server.address(manner)), timeout=0.5)
    assert files_in(tmp_path) == ({f"small/{PATH}": before} if before else {})


@pytest.mark.parametrize(
    ("pins", "message"),
    [({"sha256": "0" * 64}, "SHA-256 .* instead of 0000"), ({"blob": "0" * 40}, "git blob .* instead of 0000")],
)
def test_a_wrong_checksum_is_an_error_that_names_both(server, tmp_path, pins, message):
    with pytest.raises(InputError, match=message):
        fetch("small", tmp_path, manifest=manifest(server.address("good"), **pins))
    assert files_in(tmp_path) == {}


def test_no_network_is_an_error_in_one_line(server, tmp_path):
    address = server.address("good")
    server.server_close()
    result = CliRunner().invoke(
        main, ["benchmarks", "fetch", "sealtool", "--data-dir", str(tmp_path), "--mirror", address]
    )
    assert result.exit_code == 2
    assert "cannot be downloaded" in result.stderr
    assert files_in(tmp_path) == {}


def test_a_verified_file_is_not_downloaded_again(server, tmp_path):
    for _ in range(2):
        fetch("small", tmp_path, manifest=manifest(server.address("good")))
    assert len(server.asked) == 1


def test_a_damaged_file_is_downloaded_again(server, tmp_path):
    (target,) = fetch("small", tmp_path, manifest=manifest(server.address("good")))
    target.write_bytes(CONTENT[:-1] + b" ")
    fetch("small", tmp_path, manifest=manifest(server.address("good")))
    assert target.read_bytes() == CONTENT


def test_two_downloads_at_the_same_time_do_not_disturb_each_other(server, tmp_path):
    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(fetch, "small", tmp_path, manifest=manifest(server.address("meet"))) for _ in range(2)]
        assert jobs[0].result() == jobs[1].result()
    assert files_in(tmp_path) == {f"small/{PATH}": CONTENT}


FETCH_IN_A_SMALL_SPACE = """
import resource
import sys
from pathlib import Path
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
sys.path.append("benchmarks")
from test_fetching import manifest
from ttsi.benchmarks.fetching import fetch
from ttsi.records import InputError
try:
    fetch("small", Path(sys.argv[1]), manifest=manifest(sys.argv[2]))
except InputError as error:
    sys.exit(f"one line: {error}")
"""


def test_a_full_disk_is_an_error_and_leaves_nothing(server, tmp_path):
    program = ["-B", "-c", FETCH_IN_A_SMALL_SPACE]  # -B: what it imports would be compiled into files cut short
    command = [sys.executable, *program, str(tmp_path), server.address("good")]
    run = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert run.stderr.startswith("one line: ")
    assert "cannot be written: File too large; nothing was kept" in run.stderr
    assert files_in(tmp_path) == {}


def test_a_killed_download_leaves_nothing_in_the_files_place(server, tmp_path):
    command = ["-c", FETCH_IN_A_SMALL_SPACE.replace("5000, 5000", "-1, -1"), str(tmp_path), server.address("hang")]
    process = subprocess.Popen([sys.executable, *command], cwd=Path(__file__).parents[1])
    while not server.asked:
        assert process.poll() is None, "ended before it asked"
        time.sleep(0.02)
    process.kill()
    process.wait()
    assert not (tmp_path / "small" / PATH).exists()
    fetch("small", tmp_path, manifest=manifest(server.address("good")))
    assert (tmp_path / "small" / PATH).read_bytes() == CONTENT


def test_a_folder_that_cannot_be_made_is_an_error(server, tmp_path):
    (tmp_path / "small").write_text("a file")
    with pytest.raises(InputError, match="cannot be written"):
        fetch("small", tmp_path, manifest=manifest(server.address("good")))


@pytest.mark.parametrize(
    ("name", "subset", "message"),
    [
        ("large", "test", "unknown benchmark 'large'; expected one of small"),
        ("small", "train", "small has no train set"),
    ],
)
def test_what_the_manifest_does_not_hold_is_said(tmp_path, name, subset, message):
    with pytest.raises(InputError, match=message):
        fetch(name, tmp_path, subset=subset, manifest=manifest("http://127.0.0.1:9"))


def test_the_command_fetches_what_the_loader_reads(server, tmp_path):
    shared(*(f"sealtool/Seal-Tools_Dataset/dataset_for_finetune/test_{part}_domain.json" for part in ("in", "out")))
    options = ["--data-dir", str(tmp_path), "--mirror", server.address("shared")]
    result = CliRunner().invoke(main, ["benchmarks", "fetch", "sealtool", *options])
    assert result.exit_code == 0, result.output
    assert "Apache-2.0" in result.stderr
    assert len(load("sealtool", "test", limit=3, data_dir=tmp_path)) == 3


def test_all_is_each_benchmark_that_evaluation_uses(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr("ttsi.benchmarks.fetching.fetch", lambda name, *_, subset, **__: asked.append((name, subset)))
    result = CliRunner().invoke(main, ["benchmarks", "fetch", "all", "--data-dir", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert asked == [(name, "test") for name in PAPER_BENCHMARKS]


def test_every_file_that_is_at_hand_is_the_pinned_one():
    checked = 0
    for name, source in load_manifest().sources.items():
        for file in source.files:
            path = SHARED / name / file.path
            if path.is_file():
                checked += 1
                assert path.stat().st_size == file.bytes
                assert hashlib.sha256(path.read_bytes()).hexdigest() == file.sha256
    if not checked:
        pytest.skip("none of upstream's files is at hand")


def test_the_manifest_names_every_file_that_a_loader_asks_for(tmp_path):
    for name in PAPER_BENCHMARKS:
        pinned = load_manifest().sources[name]
        for split in BENCHMARKS[name].splits:
            with pytest.raises(InputError, match="is not there") as raised:
                load(name, split, data_dir=tmp_path)
            assert any(f"{name}/{file.path} is not there" in str(raised.value) for file in pinned.files)


def test_a_git_blob_id_is_gits(tmp_path):
    (tmp_path / "file").write_bytes(CONTENT)
    run = subprocess.run(["git", "hash-object", str(tmp_path / "file")], capture_output=True, text=True, check=True)
    assert git_blob(tmp_path / "file") == run.stdout.strip()


def test_a_file_without_a_checksum_is_no_manifest():
    with pytest.raises(ValueError, match="neither sha256 nor blob"):
        SourceFile(path="x")
