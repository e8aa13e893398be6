"""The command line: one clear sentence and exit code 2 for what cannot be used."""

import json
import shutil
from unittest.mock import Mock

import click
import pytest
from click.testing import CliRunner

from ttsi.cli import main
from ttsi.cli.options import settings_of
from ttsi.cli.run import run
from ttsi.models.loading import model_folder
from ttsi.runs.config import RunConfig


def call(*arguments: str):
    return CliRunner().invoke(main, list(arguments))


def refused(result, *said: str) -> None:
    assert result.exit_code == 2, result.output
    assert result.output.startswith("Error: ")
    assert result.output.count("\n") == 1
    assert all(part in result.output for part in said), result.output


@pytest.fixture
def without_tokenizer(tiny_config, tmp_path) -> str:
    folder = tmp_path / "agent"
    shutil.copytree(model_folder(tiny_config.model), folder)
    (folder / "tokenizer.json").unlink()
    return str(folder)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--split", "single/hidden"], "unknown split 'single/hidden' of toolworld; expected one of single/seen"),
        (["--tau", "1.5"], "tau is 1.5; expected"),
        (["--tau", "nan"], "tau is nan; expected"),
        (["--profile", "huge"], "unknown profile 'huge'; expected one of paper, real, smoke, tiny"),
        (["--method", "magic"], "method is 'magic'; expected"),
        (["--estimator", "mood"], "estimator is 'mood'; expected"),
        (["--benchmark", "raven"], "benchmark is 'raven'; expected"),
        (["--adapt", "sometimes"], "adapt is 'sometimes'; expected"),
        (["--decoding", "beam"], "decoding is 'beam'; expected"),
        (["--teacher", "guru"], "teacher is 'guru'; expected"),
        (["--tool-order", "random"], "tool_order is 'random'; expected"),
        (["--subset", "dev"], "subset is 'dev'; expected"),
        (["--k", "0"], "k is 0; expected"),
        (["--k", "9" * 21], f"k is {'9' * 21}; expected"),
        (["--limit", "9" * 21], f"limit is {'9' * 21}; expected"),
        (["--epochs", "9" * 21], f"epochs is {'9' * 21}; expected"),
        (["--seed", "9" * 21], f"seed is {'9' * 21}; expected"),
        (["--learning-rate", "inf"], "learning_rate is inf; expected"),
        (["--learning-rate", "nan"], "learning_rate is nan; expected"),
        (["--device", "cpu:5"], "device is 'cpu:5'; expected cpu, cuda, or cuda:N"),
        (["--device", "meta"], "device is 'meta'; expected cpu, cuda, or cuda:N"),
        (["--device", "cpu:5", "--workers", "2"], "device is 'cpu:5'; expected"),
        (["--limit", "0"], "limit is 0; expected"),
        (["--seed", "-1"], "seed is -1; expected"),
        (
            ["--model", "nowhere"],
            "nowhere is not a model folder: nothing is there; expected one, or one of agents/smollm2-tools, ",
        ),
    ],
)
def test_bad_settings_of_a_run(tmp_path, arguments, said):
    refused(call("run", *arguments, "--out", str(tmp_path / "out")), said)
    assert not (tmp_path / "out").exists()


def test_every_setting_has_its_option_and_says_what_it_is():
    options = {option.name for option in run.get_params(click.Context(run))}
    fields = dict(settings_of(RunConfig))
    assert set(fields) - options == {"author", "in_context"}, "which the method fixes"
    assert [name for name, field in fields.items() if not (field.description or "").endswith(".")] == []


def test_options_are_the_settings_of_the_run(tmp_path, monkeypatch):
    taken = []
    monkeypatch.setattr("ttsi.runs.run.run", lambda config, *_, **__: taken.append(config) or 1 / 0)
    options = ["--alpha", "4", "--max-grad-norm", "0.5", "--constrained", "--also-estimate", "entropy,perplexity"]
    for targets in ("q_proj,v_proj", "q_proj", "all-linear"):
        call("run", *options, "--targets", targets, "--lessons-split", "typed/seen", "--out", str(tmp_path))
    assert [one.loop.lora.targets for one in taken] == [("q_proj", "v_proj"), ("q_proj",), "all-linear"]
    assert {(one.loop.lora.alpha, one.loop.lora.max_grad_norm, one.lessons_split) for one in taken} == {
        (4, 0.5, "typed/seen")
    }
    assert {(one.loop.constrained, one.loop.also_estimate) for one in taken} == {(True, ("entropy", "perplexity"))}


def test_a_model_folder_without_a_tokenizer(tmp_path, without_tokenizer):
    result = call("run", "--model", without_tokenizer, "--out", str(tmp_path / "out"))
    assert result.exit_code == 2
    assert "found no tokenizer.json; expected config, tokenizer and weights" in result.output


def test_a_run_writes_its_rows_where_it_was_told(tmp_path):
    out = tmp_path / "out"
    result = call("run", "--profile", "smoke", "--method", "constrained", "--limit", "2", "--out", str(out))
    assert result.exit_code == 0, result.output
    assert "2 samples, exact match" in result.output
    assert (out / "outcomes.parquet").exists()
    assert json.loads((out / "provenance.json").read_text())["config"]["method"] == "constrained"


def test_samples_are_printed_as_json():
    result = call("toolworld", "sample", "--split", "typed/unseen", "--seed", "3", "-n", "4")
    samples = [json.loads(line) for line in result.output.splitlines()]
    assert len(samples) == 4
    assert all(sample["request"]["id"].startswith("toolworld/typed/unseen/test/3/") for sample in samples)
    assert call("toolworld", "sample", "--split", "typed").exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--seed", "-1"], "seed is -1; expected 0 to"),
        (["--seed", "9" * 21], f"seed is {'9' * 21}; expected 0 to"),
        (["-n", "-1"], "limit is -1; expected 0 to"),
        (["-n", "9" * 21], f"limit is {'9' * 21}; expected 0 to"),
    ],
)
def test_bad_seeds_and_counts_of_samples(arguments, said):
    refused(call("toolworld", "sample", *arguments), said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rows = 'many'", "rows is 'many'"),
        ("a = [", "cannot be read as TOML"),
        ("layers = 0", "layers is 0; expected"),
        ("rows = 999999999999999999999", "rows is 999999999999999999999; expected"),
        ("hidden_size = 100", "heads is 6; expected: heads of an even size, in which hidden_size 100"),
        ("learning_rate = inf", "learning_rate is inf; expected"),
        ("weight_decay = nan", "weight_decay is nan; expected"),
        ("seed = -1", "seed is -1; expected"),
        ("schedule = []", "schedule is []; expected: steps from 0 on"),
        ("schedule = [[5, 1.0], [3, 0.0]]", "expected: steps from 0 on, each above the one before"),
        ("schedule = [[0, 1.0], [3, inf]]", "schedule.1.1 is inf; expected"),
        ("grown_from = 'nowhere'", "grown_from is 'nowhere', which lacks config.json"),
        ("grown_from = 'agents/tiny'\nlayers = 6", "layers a multiple of its 4"),
    ],
)
def test_bad_training_configurations(tmp_path, text, said):
    config = tmp_path / "config.toml"
    config.write_text(text)
    refused(call("agent", "train", "--config", str(config), "--out", str(tmp_path / "agent")), said)


WRITING = [
    ["run", "--profile", "smoke", "--limit", "1"],
    ["study", "run", "timing"],
    ["study", "collect", "RUNS"],
    ["agent", "train"],
    ["agent", "tune"],
    ["bench", "cpu"],
    ["book", "--profile", "smoke", "--only", "01"],
]


@pytest.mark.parametrize("command", WRITING, ids=lambda command: " ".join(command[:2]))
def test_results_cannot_go_below_a_file_or_where_nothing_can_be_written(tmp_path, monkeypatch, command):
    for loaded in ("load", "model_folder", "Agent", "Lessons", "_Training"):
        monkeypatch.setattr(f"ttsi.tuning.run.{loaded}", Mock())
    (tmp_path / "runs" / "base" / "split" / "seed-0").mkdir(parents=True)
    (tmp_path / "runs" / "base" / "split" / "seed-0" / "outcomes.parquet").touch()
    file = tmp_path / "file"
    file.touch()
    arguments = [str(tmp_path / "runs") if argument == "RUNS" else argument for argument in command]
    refused(call(*arguments, "--out", str(file / "out" / "rows")), "is a file or lies below one; expected a folder")
    nowhere = "/proc/nowhere/out"  # no file can be made there, whoever tries
    refused(call(*arguments, "--out", nowhere), "cannot be written: ", "; expected a folder for the results")


def test_a_bench_is_written_to_a_file(tmp_path):
    refused(call("bench", "cpu", "--out", str(tmp_path)), f"{tmp_path} is a folder; expected a Parquet file")


@pytest.mark.parametrize("command", [["study", "run", "timing"], ["agent", "tune"]])
def test_a_device_that_is_neither_cpu_nor_cuda(tmp_path, command):
    result = call(*command, "--device", "cpu:5", "--out", str(tmp_path / "out"))
    refused(result, "device is 'cpu:5'; expected cpu, cuda, or cuda:N")


def test_a_bad_shard_is_refused(tmp_path):
    for shard in ("2/2", "x/2", "1", "²/3", f"0/{'9' * 21}"):
        result = call("study", "run", "results", "--shard", shard, "--out", str(tmp_path))
        assert result.exit_code == 2
        assert "expected I/N" in result.output
