"""Tuning a pretrained model to call tools: a run that can be cut off, and an adapter that PEFT reads."""

import itertools
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

import qwen2
from bfcl_files import AREA, CATEGORIES, category, record
from ttsi.agent import Agent
from ttsi.benchmarks import load
from ttsi.models.adapters import CONFIG, WEIGHTS, merge
from ttsi.records import InputError
from ttsi.tuning import run as module
from ttsi.tuning.lessons import Lessons
from ttsi.tuning.run import TuningConfig, learning_rate, tune
from upstream_files import write


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("data"), "bfcl")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return qwen2.save(tmp_path_factory.mktemp("base"))


@pytest.fixture
def config(base: Path) -> TuningConfig:
    """A short tuning of a small model, in a folder of its own."""
    return TuningConfig(
        base=str(base), rank=4, alpha=8, learning_rate=1e-2, warmup_steps=2, steps=6, lessons_per_step=3, longest=3000,
        checkpoint_steps=2,
    )  # fmt: skip


def tuned(config: TuningConfig, folder: Path, data: Path, **options: Any) -> pd.DataFrame:
    return tune(config, folder, data_dir=data, progress=False, **options)


def steps_of(config: TuningConfig, data: Path) -> module._Steps:
    samples = load("bfcl", "all", subset="train", limit=None, data_dir=data)
    return module._Steps(config, Agent.load(config.base), Lessons(samples, seed=config.seed))


# -- the run --------------------------------------------------------------------------------------------------------


def test_the_rate_warms_up_and_falls_as_a_cosine():
    config = TuningConfig(learning_rate=2.0, warmup_steps=10, steps=110)
    rates = [learning_rate(config, step) for step in range(110)]
    assert rates[:10] == pytest.approx([0.2 * step for step in range(1, 11)])
    assert rates[10] == pytest.approx(2.0)
    assert rates[60] == pytest.approx(1.0)
    assert 0 < rates[109] < 0.01
    assert all(one > other for one, other in itertools.pairwise(rates[10:]))
    short = TuningConfig(learning_rate=2.0, warmup_steps=10, steps=5)
    assert [learning_rate(short, step) for step in range(5)] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])


def cut_off(config: TuningConfig, folder: Path, data: Path, monkeypatch: pytest.MonkeyPatch, *, steps: int) -> None:
    """Tune for a number of steps, and be interrupted in the middle of the next."""
    seen = itertools.count()

    def interrupted(*arguments: Any) -> float:
        if next(seen) == steps:
            raise KeyboardInterrupt
        return learning_rate(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(module, "learning_rate", interrupted)
        with pytest.raises(KeyboardInterrupt):
            tuned(config, folder, data)


def test_an_interrupted_tuning_goes_on_to_the_same_adapter(config, data, tmp_path, monkeypatch):
    whole = tuned(config, tmp_path / "whole", data)
    cut_off(config, tmp_path / "cut", data, monkeypatch, steps=5)
    assert [path.name for path in (tmp_path / "cut").iterdir()] == ["checkpoint.pt"]
    resumed = tuned(config, tmp_path / "cut", data)
    exact = ["step", "loss", "tokens"]
    assert resumed[exact].equals(whole[exact])
    first, second = (load_file(tmp_path / name / WEIGHTS) for name in ("whole", "cut"))
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert {path.name for path in (tmp_path / "cut").iterdir()} >= {CONFIG, WEIGHTS, "tuning.json"}
    assert not (tmp_path / "cut" / "checkpoint.pt").exists()
    assert pd.read_parquet(tmp_path / "cut" / "tuning.parquet").equals(resumed)


def test_a_checkpoint_of_another_configuration_is_refused(config, data, tmp_path, monkeypatch):
    cut_off(config, tmp_path, data, monkeypatch, steps=2)
    other = config.model_copy(update={"lessons_per_step": 4})
    with pytest.raises(InputError, match="another configuration: lessons_per_step is 3, expected 4"):
        tuned(other, tmp_path, data)


def test_the_adapter_is_read_by_peft_and_merged_and_says_what_made_it(config, base, data, tmp_path):
    folder = tmp_path / "adapter"
    tuned(config, folder, data)
    weights = load_file(folder / WEIGHTS)
    assert {weight.dtype for weight in weights.values()} == {torch.bfloat16}
    assert len(weights) == 2 * 2 * 7, "two matrices, two layers, all linear ones"
    assert any(bool(weight.any()) for name, weight in weights.items() if "lora_B" in name)
    model = AutoModelForCausalLM.from_pretrained(base)
    ids = torch.arange(10, 60)[None]
    before = model(ids).logits
    adapted = PeftModel.from_pretrained(model, str(folder))(ids).logits
    assert not torch.allclose(adapted, before, atol=1e-2)
    merge(base, folder, tmp_path / "merged")
    assert torch.allclose(Agent.load(tmp_path / "merged").model(ids).logits, adapted, atol=1e-3)
    assert json.loads((folder / CONFIG).read_text())["base_model_name_or_path"] == config.base
    made = json.loads((folder / "tuning.json").read_text())
    assert TuningConfig.model_validate(made["config"]) == config
    assert set(made["hashes"]) == {"base", "bfcl", "adapter"}


def test_the_loss_falls_and_does_not_depend_on_how_many_lessons_a_pass_takes(config, data, tmp_path):
    longer = config.model_copy(update={"steps": 12, "lessons_per_step": 4, "learning_rate": 3e-2})
    one_by_one = tuned(longer, tmp_path / "one", data, tokens_at_once=1)
    together = tuned(longer, tmp_path / "all", data, tokens_at_once=100_000)
    assert together["tokens"].tolist() == one_by_one["tokens"].tolist()
    assert together["loss"].head(3).tolist() == pytest.approx(one_by_one["loss"].head(3).tolist(), rel=1e-4)
    losses = together["loss"].tolist()
    assert sum(losses[-3:]) < sum(losses[:3]) - 0.3


def test_the_loss_is_that_of_the_answers_tokens_alone(config, data, tmp_path):
    first = tuned(config.model_copy(update={"steps": 1}), tmp_path, data)
    steps = steps_of(config, data)
    ids = steps[0]
    scores = [float(steps.agent.log_likelihoods(prompt, [answer])[0]) for prompt, answer in ids]
    loss = -sum(scores) / sum(len(answer) for _, answer in ids)
    assert first["loss"].tolist() == pytest.approx([loss], rel=1e-4)
    assert first["tokens"].tolist() == [sum(len(prompt) + len(answer) for prompt, answer in ids)]


def test_a_lesson_that_is_too_long_is_left_out(config, data, tmp_path):
    every = [len(prompt) + len(answer) for prompt, answer in steps_of(config, data)[0]]
    assert every == sorted(every)
    assert len(every) == 3
    shorter = config.model_copy(update={"longest": every[1], "steps": 1})
    kept = [len(prompt) + len(answer) for prompt, answer in steps_of(shorter, data)[0]]
    assert kept == [length for length in every if length <= every[1]] != every
    with pytest.raises(InputError, match="longest is 64; expected more: step 0 has no lesson so short"):
        tuned(config.model_copy(update={"longest": 64, "steps": 1}), tmp_path, data)


# -- its configuration ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rank = 0", "config.toml: rank is 0; expected: Input should be greater than or equal to 1"),
        ("learning_rate = inf", "config.toml: learning_rate is inf; expected: "),
        ("longest = 'all'", "config.toml: longest is 'all'; expected: "),
        ("speed = 1", "config.toml: speed is 1; expected: no field of this name"),
        ("rank = ", "config.toml cannot be read as TOML: "),
    ],
)
def test_a_bad_configuration_is_named_with_its_field(tmp_path, text, said):
    path = tmp_path / "config.toml"
    path.write_text(text)
    with pytest.raises(InputError) as raised:
        TuningConfig.read(path)
    assert said in str(raised.value)
    with pytest.raises(InputError, match=r"nowhere\.toml cannot be read"):
        TuningConfig.read(tmp_path / "nowhere.toml")


def test_a_configuration_is_the_default_with_what_a_file_changes(tmp_path):
    assert TuningConfig.read(None) == TuningConfig()
    (tmp_path / "config.toml").write_text("rank = 8\nbase = 'mine'\n")
    assert TuningConfig.read(tmp_path / "config.toml") == TuningConfig(rank=8, base="mine")


def test_what_is_missing_is_said_before_anything_is_written(config, data, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(InputError, match="run: ttsi benchmarks fetch bfcl"):
        tuned(config, out, tmp_path)
    with pytest.raises(InputError, match="nowhere is not a model folder"):
        tuned(config.model_copy(update={"base": "nowhere"}), out, data)
    wrong = [category(name, record("Say.", [AREA], {AREA["name"]: {"base": ["x"]}})) for name in CATEGORIES]
    useless = write(tmp_path / "useless", "bfcl", **{path: text for files in wrong for path, text in files.items()})
    with pytest.raises(InputError, match="of 8 samples no two different ones can be practised"):
        tuned(config, out, useless)
    assert not out.exists()
