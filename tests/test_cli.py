"""The command line: one clear sentence and exit code 2 for what cannot be used."""

import json
import shutil

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
        (["--limit", "0"], "limit is 0; expected"),
        (["--seed", "-1"], "seed is -1; expected"),
        (["--model", "nowhere"], "nowhere is not a model folder: found no config.json; expected"),
    ],
)
def test_bad_settings_of_a_run(tmp_path, arguments, said):
    result = call("run", *arguments, "--out", str(tmp_path / "out"))
    assert result.exit_code == 2
    assert said in result.output
    assert result.output.startswith("Error: ")
    assert result.output.count("\n") == 1
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


@pytest.mark.parametrize(("text", "said"), [("rows = 'many'", "rows is 'many'"), ("a = [", "cannot be read as TOML")])
def test_bad_training_configurations(tmp_path, text, said):
    config = tmp_path / "config.toml"
    config.write_text(text)
    result = call("agent", "train", "--config", str(config), "--out", str(tmp_path / "agent"))
    assert result.exit_code == 2
    assert said in result.output


def test_a_bad_shard_is_refused(tmp_path):
    for shard in ("2/2", "x/2", "1"):
        result = call("study", "run", "results", "--shard", shard, "--out", str(tmp_path))
        assert result.exit_code == 2
        assert "expected I/N" in result.output
