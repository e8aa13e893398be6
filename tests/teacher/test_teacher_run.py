"""TT-D as a run: a teacher that fails leaves the rows so far, and the run goes on once it answers again."""

import json

import pandas as pd
import pytest
from click.testing import CliRunner

from endpoint import Endpoint, completion, endpoint, failure
from ttsi.benchmarks.toolworld.oracle import practise
from ttsi.cli import main
from ttsi.loop import STAGES
from ttsi.prompts import render_practice
from ttsi.runs.config import configure
from ttsi.runs.results import JOURNAL, read_outcomes, read_provenance
from ttsi.runs.run import load_samples

__all__ = ["endpoint"]
SETTINGS = ["--split", "single/unseen", "--subset", "validation", "--limit", "4", "--seed", "6", "--adapt", "all"]
ROUNDED = [*(f"seconds_{stage}" for stage in STAGES), "margins", "losses"]


@pytest.fixture
def asked(endpoint: Endpoint, tmp_path, monkeypatch):
    """Run TT-D against the endpoint: the arguments of `ttsi run` in, click's result out."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def run(*arguments: str):
        command = ["run", "--profile", "smoke", "--method", "tt-d", "--teacher-url", endpoint.url]
        return CliRunner().invoke(main, [*command, "--teacher-model", "strong", *SETTINGS, *arguments])

    return run


def knows_the_grammar(config):
    """Reply as a teacher would that knows every tool: by toolworld's grammar."""
    requests = {sample.request.messages[-1].content: sample.request for sample in load_samples(config)}

    def reply(body: dict):
        text = body["messages"][-1]["content"]
        request = next(request for said, request in requests.items() if said in text)
        return completion(render_practice(practise(request.id, 1, body["seed"])[0]))

    return reply


def test_a_run_whose_teacher_fails_says_so_keeps_its_rows_and_pays_nothing_twice(endpoint, asked, tmp_path):
    config = configure("smoke", split="single/unseen", subset="validation", limit=4, seed=6, method="tt-d")
    good, out = knows_the_grammar(config), tmp_path / "out"
    draws = config.loop.draws
    endpoint.reply = lambda body: good(body) if len(endpoint.bodies) <= 2 * draws + 1 else failure(401)
    broken = asked("--out", str(out))
    assert broken.exit_code == 2
    assert f"Error: teacher strong at {endpoint.url} failed after 1 try: status 401" in broken.output
    assert len((out / JOURNAL).read_text().splitlines()) == 2

    paid, endpoint.reply = len(endpoint.bodies), good
    mended = asked("--out", str(out), "--resume")
    assert mended.exit_code == 0, mended.output
    assert len(endpoint.bodies) - paid == 2 * draws - 1, "the one answer of the third sample was paid for"
    rows = read_outcomes(out)
    assert set(rows["adapted"]) == {True}
    assert len(read_provenance(out).resumed) == 1

    paid = len(endpoint.bodies)
    again = asked("--out", str(tmp_path / "again"))
    assert again.exit_code == 0
    assert len(endpoint.bodies) == paid
    pd.testing.assert_frame_equal(read_outcomes(tmp_path / "again").drop(columns=ROUNDED), rows.drop(columns=ROUNDED))


def test_answers_that_are_no_examples_are_judged_and_the_base_answer_stands(endpoint, asked, tmp_path):
    endpoint.reply = lambda body: completion("I would rather not.")
    result = asked("--out", str(tmp_path / "out"))
    assert result.exit_code == 0
    rows = read_outcomes(tmp_path / "out")
    assert set(rows["adapted"]) == {False}
    assert rows["greedy_output"].tolist() == rows["base_output"].tolist()
    verdicts = {attempt["verdict"] for examples in rows["examples"] for attempt in json.loads(examples)}
    assert verdicts == {"not an example", "duplicate"}


def test_the_key_stands_nowhere(endpoint, asked, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-of-mine")
    endpoint.reply = lambda body: completion("no")
    result = asked("--out", str(tmp_path / "out"))
    assert result.exit_code == 0
    assert "Bearer sk-secret-of-mine" in endpoint.keys
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any("cache" in str(path) for path in written)
    assert not any(b"sk-secret-of-mine" in path.read_bytes() for path in written)
    assert "sk-secret" not in result.output
