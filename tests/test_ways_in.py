"""An estimator, a benchmark and a backend are added in one place each, and a run takes them."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from ttsi.agent import Agent
from ttsi.backends import BACKENDS, Backend
from ttsi.benchmarks import BENCHMARKS, Benchmark
from ttsi.benchmarks.drafts import Draft
from ttsi.cli import main
from ttsi.estimators import ESTIMATORS, Estimator
from ttsi.records import Call, InputError, Message, Subset, Tool
from ttsi.runs.config import configure
from ttsi.runs.results import read_outcomes, read_provenance
from ttsi.runs.run import run

SPLITS = ("kitchen", "garden")
PARTS: dict[str, dict[str, str]] = {"test": {}}


def read(split: str, subset: Subset, find: Callable[[str], Path]) -> Iterator[Draft]:
    """Read a benchmark as its reader does, of this module: two requests a split."""
    item = {"type": "object", "properties": {"item": {"type": "string"}}}
    tools = (Tool(name="find", parameters=item), Tool(name="clean", parameters=item))
    for index, thing in enumerate(("bucket", "brush")):
        messages = (Message(role="user", content=f"Find the {thing} of the {split}."),)
        yield Draft(f"errands/{split}/{index}", messages, tools, (Call(name="find", arguments={"item": thing}),))


class OneByOne(Agent):
    """The reference under another name."""

    backend = "one-by-one"


def test_an_estimator(tmp_path, monkeypatch):
    monkeypatch.setitem(ESTIMATORS, "tools", Estimator(lambda seen: 1 / len(seen.names)))
    config = configure("smoke", estimator="tools", also_estimate=("entropy",), tau=0.5, adapt="certain", limit=2)
    rows = run(config, tmp_path / "run")
    assert set(rows["margin"]) <= {1 / count for count in range(1, 20)}
    assert list(rows["uncertain"]) == list(rows["margin"] < 0.5)
    assert all('"tools"' in margins and '"entropy"' in margins for margins in rows["margins"])


def test_an_estimator_out_of_its_range_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(ESTIMATORS, "wrong", Estimator(lambda _: math.nan))
    with pytest.raises(InputError, match=r"estimator 'wrong' gives nan; expected a number in \[0, 1\]"):
        run(configure("smoke", estimator="wrong", limit=1), tmp_path / "run")


def test_a_benchmark(tmp_path, monkeypatch):
    monkeypatch.setitem(BENCHMARKS, "errands", Benchmark(__name__, evaluated=("kitchen",)))
    options = [
        "--profile",
        "smoke",
        "--method",
        "constrained",
        "--benchmark",
        "errands",
        "--out",
        str(tmp_path / "run"),
    ]
    result = CliRunner().invoke(main, ["run", *options])
    assert result.exit_code == 0, result.output
    rows = read_outcomes(tmp_path / "run")
    assert list(rows["sample_id"]) == ["errands/kitchen/0", "errands/kitchen/1"]
    assert all("<tool_call>" in answer for answer in rows["greedy_output"])


def test_a_backend(tmp_path, monkeypatch):
    monkeypatch.setitem(BACKENDS, "one-by-one", Backend(f"{__name__}:OneByOne", "ttsi.adaptation:SequentialAdapter"))
    added, reference = (
        run(configure("smoke", backend=name, adapt="all", limit=1), tmp_path / name) for name in ("one-by-one", "peft")
    )
    assert read_provenance(tmp_path / "one-by-one").config["backend"] == "one-by-one"
    assert list(added["adapted"]) == [True]
    for column in ("margin", "examples", "greedy_output"):
        assert list(added[column]) == list(reference[column])


def test_a_backend_whose_agent_bears_another_name_is_refused(tmp_path, monkeypatch):
    monkeypatch.setitem(BACKENDS, "careful", Backend(f"{__name__}:OneByOne", "ttsi.adaptation:SequentialAdapter"))
    with pytest.raises(InputError, match=r"OneByOne\.backend is 'one-by-one'; expected 'careful'"):
        run(configure("smoke", backend="careful", limit=1), tmp_path / "run")


@pytest.mark.parametrize("setting", ["estimator", "benchmark", "backend"])
def test_what_is_in_no_table_is_said_in_one_line(tmp_path, setting):
    result = CliRunner().invoke(main, ["run", f"--{setting}", "errands", "--out", str(tmp_path / "run")])
    assert result.exit_code == 2
    assert f"{setting} is 'errands'; expected: one of " in result.output
    assert result.output.count("\n") == 1
