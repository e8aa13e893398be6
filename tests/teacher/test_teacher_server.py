"""A real teacher: the embedded agent, served on loopback by `transformers serve`. One server for all these tests."""

import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from ttsi.agent import Agent
from ttsi.augmentation import judge
from ttsi.benchmarks import load
from ttsi.prompts import practice_chat
from ttsi.records import InputError, Request
from ttsi.teacher import EndpointTeacher, TeacherError, served, served_name, serving
from ttsi.teacher.endpoint import _draw_seed

TINY = Path(__file__).parents[2] / "data" / "agents" / "tiny"
REQUESTS = [
    load("toolworld", f"{kind}/seen", limit=1)[0].request for kind in ("single", "typed", "dialogue", "parallel")
]

pytestmark = pytest.mark.xdist_group("teacher server")


class Interrupted(Exception):  # noqa: N818
    pass


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("server") / "log"


@pytest.fixture(scope="module")
def url(log: Path) -> Iterator[str]:
    """A served agent; at the end, the block is left by an exception, and the server must be gone."""
    found = ""
    try:
        with served(TINY, log=log) as found:
            yield found
            raise Interrupted
    except Interrupted:
        with pytest.raises(urllib.error.URLError, match="refused"):
            urllib.request.urlopen(found)


@pytest.fixture(scope="module")
def teacher(url: str) -> EndpointTeacher:
    return EndpointTeacher(url, served_name(TINY))


@pytest.fixture(scope="module")
def agent() -> Agent:
    torch.set_num_threads(1)
    return Agent.load(TINY)


def sample(agent: Agent, request: Request, *, seed: int) -> str:
    prompt = torch.tensor([agent.prompt(practice_chat(request), request.tools)])
    with torch.random.fork_rng(), torch.inference_mode():
        torch.manual_seed(seed)
        options = {"do_sample": True, "temperature": 0.7, "top_k": 0, "max_new_tokens": 60}
        ids = agent.model.generate(prompt, attention_mask=torch.ones_like(prompt), **options)
    return agent.decode(ids[0, prompt.shape[1] :].tolist())


def test_it_writes_what_the_model_itself_writes_at_the_same_seed_and_temperature(teacher, agent):
    """The whole path: chat, tools, template, sampling and seed arrive, and the text comes back as it was written."""
    seeds = range(len(REQUESTS))
    asked = teacher.write(REQUESTS, seeds=seeds, draws=3, temperature=0.7, max_new_tokens=60)
    for texts, request, seed in zip(asked, REQUESTS, seeds, strict=True):
        assert texts == [sample(agent, request, seed=_draw_seed(seed, draw)) for draw in range(3)]


def test_draws_differ_and_some_are_valid_practice(teacher):
    (texts,) = teacher.write(REQUESTS[:1], seeds=[1], draws=6, temperature=0.7, max_new_tokens=200)
    assert len(set(texts)) > 1
    assert any(written.example for written in judge(texts, REQUESTS[0]))


def test_a_cut_off_call_is_a_malformed_example_and_no_failure_of_the_server(teacher, caplog):
    ((text,),) = teacher.write(REQUESTS[:1], seeds=[1], draws=1, temperature=0.7, max_new_tokens=8)
    assert text.startswith("<tool_call>")
    assert judge([text], REQUESTS[0])[0].verdict == "not an example"
    assert "cut off" in caplog.text


def test_another_model_than_the_served_one_is_an_error(url):
    with pytest.raises(TeacherError, match=r"teacher other at .* failed after 1 try: status 400, .*pinned to .*tiny-"):
        EndpointTeacher(url, "other").write(REQUESTS[:1], seeds=[1], draws=1, temperature=0.7, max_new_tokens=8)


def test_the_log_goes_to_the_file(teacher, log):
    teacher.write(REQUESTS[:1], seeds=[1], draws=1, temperature=0.7, max_new_tokens=8)
    assert '"POST /v1/chat/completions HTTP/1.1" 200 OK' in log.read_text()


# -- without a running server ---------------------------------------------------------------------------------------


def test_the_server_ends_with_its_parent_however_that_ends():
    """The parent kills itself; its output ends only when the server, which writes to it, too, has ended."""
    parent = (
        "import os, signal, subprocess, sys\n"
        f"subprocess.Popen([sys.executable, '-P', {str(serving._PROGRAM)!r}, {str(TINY)!r}], stdin=subprocess.PIPE)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", parent], capture_output=True, timeout=120, check=False)
    assert done.returncode == -9


def test_a_server_that_does_not_start_says_why(tmp_path):
    for path in TINY.iterdir():
        if path.suffix != ".safetensors":
            (tmp_path / path.name).symlink_to(path)
    with (
        pytest.raises(TeacherError, match=r"server ended before it listened: OSError: .*model\.safetensors"),
        served(tmp_path),
    ):
        pass


def test_other_weights_are_another_model(tmp_path):
    folder = tmp_path / TINY.name
    shutil.copytree(TINY, folder)
    assert served_name(folder) == served_name(TINY)
    with (folder / "model.safetensors").open("ab") as weights:
        weights.write(b"\0")
    assert served_name(folder) != served_name(TINY)
    assert served_name(folder).startswith("tiny-")


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"is not a model folder: found no config\.json"), served(tmp_path):
        pass
