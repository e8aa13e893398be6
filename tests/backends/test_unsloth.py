"""The backend that needs a GPU: what it calls is in the pinned release, and holds there what we rely on.

Where there is no GPU, a stand-in made from the release's source takes its place.
"""

import ast
import importlib.util
import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch

from ttsi.adaptation import SequentialAdapter
from ttsi.agent import Agent
from ttsi.backends.unsloth import DTYPES, MODEL_TYPES, UnslothAdapter, UnslothAgent
from ttsi.backends.unsloth_import import PATCHED, TOO_LATE, require
from ttsi.benchmarks import load
from ttsi.models.loading import model_folder
from ttsi.prompts import answer_chat
from ttsi.records import InputError, PracticeExample
from ttsi.settings import LoraSettings
from unsloth_release import LLAMA, LOADER, ROOT, Source, StandIn, download

pytestmark = pytest.mark.xdist_group("unsloth")

SETTINGS = LoraSettings(learning_rate=5e-3, epochs=3)
START, KERNELS = "unsloth/_gpu_init.py", "unsloth/kernels/utils.py"


@pytest.fixture(scope="session")
def wheels(pytestconfig: pytest.Config) -> list[Path]:
    assert pytestconfig.cache
    return download(pytestconfig.cache.mkdir("unsloth"))


@pytest.fixture(scope="session")
def source(wheels) -> Source:
    return Source(wheels[0])


@pytest.fixture
def stand_in(source, monkeypatch) -> StandIn:
    found = StandIn(source)
    monkeypatch.setitem(sys.modules, "unsloth", found.module())
    return found


@pytest.fixture(scope="module")
def folder(tiny_config) -> Path:
    return model_folder(tiny_config.model)


def practice():
    sample = load("toolworld", "single/unseen", subset="train", seed=2, limit=1)[0]
    return PracticeExample(messages=sample.request.messages, calls=sample.gold), sample.request.tools


@contextmanager
def learned(adapter: SequentialAdapter, seed: int):
    """Inside the block the agent answers with what it learned from an example; yields the loss of each step."""
    with adapter.adapted([[practice()]], seeds=[seed]) as (losses,):
        yield losses


def answer(agent: Agent) -> list[int]:
    example, tools = practice()
    return agent.generate([agent.prompt(answer_chat(example.messages), tools)])[0]


def trace(adapter: SequentialAdapter, *, seeds: tuple[int, ...]) -> dict:
    """Return the answers before, with and after each adapter, and the losses of its training."""
    found: dict = {"base": [answer(adapter.agent)], "losses": [], "adapted": []}
    for seed in seeds:
        with learned(adapter, seed) as losses:
            found["losses"].append(losses)
            found["adapted"].append(answer(adapter.agent))
        found["base"].append(answer(adapter.agent))
    return found


def alone(program: str, *path: Path, **environment: str) -> str:
    """Run a program in a process of its own; return what it printed."""
    found = os.pathsep.join(map(str, [ROOT / "src", ROOT / "tests", Path(__file__).parent, *path]))
    environment = {**os.environ, "PYTHONPATH": found, **environment}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


# -- the machine ----------------------------------------------------------------------------------------------------


def test_without_the_extra_the_error_names_what_is_missing_and_the_other_backends(monkeypatch):
    monkeypatch.setitem(sys.modules, "unsloth", None)
    with pytest.raises(InputError, match=r"no package 'unsloth'.*'\.\[gpu\]'.*--backend batched and --backend peft"):
        require()


REFUSED = """
import sys
from ttsi.records import InputError
from ttsi.backends.unsloth_import import PATCHED, require
print([name for name in PATCHED if name in sys.modules])
try:
    require()
except InputError as error:
    print(error)
"""


def test_without_an_accelerator_unsloths_own_refusal_becomes_the_error(wheels):
    early, error = alone(REFUSED, *wheels, CUDA_VISIBLE_DEVICES="").splitlines()
    assert early == "[]"
    assert error.startswith("--backend unsloth has found no accelerator (Unsloth ")
    assert error.endswith("; --backend batched and --backend peft need neither")


def test_an_import_after_what_it_replaces_is_told_in_our_words(tmp_path, monkeypatch, source):
    assert source.constant(START, "critical_modules") == list(PATCHED)
    assert TOO_LATE in ast.unparse(source.tree(START))
    (tmp_path / "unsloth.py").write_text(f"import warnings\nwarnings.warn('{TOO_LATE} [peft]')\nprint('banner')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("UNSLOTH_COMPILE_LOCATION", str(tmp_path))
    monkeypatch.setitem(sys.modules, "unsloth", None)  # and so it is gone again after the test
    del sys.modules["unsloth"]
    with pytest.warns(UserWarning, match="^Unsloth was imported after transformers, peft, ") as told:
        require()
    assert len(told) == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"device": "cpu"}, "device is 'cpu'; expected cuda, or --backend batched or --backend peft"),
        ({"dtype": "float32"}, "dtype is 'float32'; expected bfloat16 or float16, or --backend batched or"),
    ],
)
def test_only_cuda_and_16_bits(stand_in, folder, changes, message):
    with pytest.raises(InputError, match=message):
        UnslothAgent.load(folder, **changes)


def test_a_model_of_another_family_or_none_is_refused(stand_in, folder, tmp_path):
    with pytest.raises(InputError, match=r"is not a model folder: found no config\.json"):
        UnslothAgent.load(tmp_path)
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    config = json.loads((folder / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"model_type": "gemma"}))
    with pytest.raises(InputError, match=r"of type 'gemma'; expected llama, mistral, qwen2, qwen3, or --backend peft"):
        UnslothAgent.load(tmp_path)
    assert not stand_in.calls


def test_a_gpu_that_takes_another_dtype_is_told(stand_in, folder, monkeypatch):
    load_16 = stand_in.from_pretrained
    monkeypatch.setattr(stand_in, "from_pretrained", lambda **named: load_16(**named | {"dtype": torch.float16}))
    with pytest.raises(InputError, match=r"dtype is 'bfloat16'; found a GPU on which Unsloth loads torch\.float16"):
        UnslothAgent.load(folder)


def test_a_package_that_unsloth_lacks_is_named_with_the_extra_that_has_it(stand_in, folder, monkeypatch):
    def refuses(**_):
        raise ImportError("Unsloth: Please install bitsandbytes")

    monkeypatch.setattr(stand_in, "from_pretrained", refuses)
    with pytest.raises(InputError, match=r"Please install bitsandbytes.*'\.\[gpu\]'"):
        UnslothAgent.load(folder)


# -- the pinned release ---------------------------------------------------------------------------------------------


def test_what_we_call_is_what_the_package_exports(source):
    assert source.imports("unsloth/__init__.py")["*"] == "_gpu_init"
    assert "from .models import *" in ast.unparse(source.tree(START))
    assert source.imports("unsloth/models/__init__.py")["FastLanguageModel"] == "loader"


def test_every_call_fits_the_declared_signatures_and_training_is_switched_on_and_off(stand_in, folder):
    adapter = UnslothAdapter(UnslothAgent.load(folder), SETTINGS)
    with learned(adapter, seed=0):
        assert not adapter.agent.model.training
    names = [name for name, _ in stand_in.calls]
    assert names == ["from_pretrained", "get_peft_model", "for_inference", "for_training", "for_inference"]
    loading, lora = stand_in.calls[0][1], stand_in.calls[1][1]
    assert loading["max_seq_length"] == json.loads((folder / "config.json").read_text())["max_position_embeddings"]
    assert (loading["dtype"], loading["load_in_4bit"]) == (torch.bfloat16, False)
    assert (lora["r"], lora["lora_alpha"], lora["target_modules"]) == (SETTINGS.rank, SETTINGS.alpha, "all-linear")
    assert (lora["lora_dropout"], lora["use_gradient_checkpointing"]) == (0, False)


def test_a_call_that_does_not_fit_is_seen(stand_in):
    with pytest.raises(TypeError, match="unexpected keyword argument 'use_checkpoints'"):
        stand_in.for_training(None, use_checkpoints=True)
    with pytest.raises(AssertionError, match="reads no argument load_in_2bit"):
        stand_in.from_pretrained(load_in_2bit=True)


def test_it_computes_what_the_reference_does_and_forgets(stand_in, folder):
    reference = SequentialAdapter(Agent.load(folder, dtype="bfloat16"), SETTINGS)
    adapter = UnslothAdapter(UnslothAgent.load(folder), SETTINGS)
    found = trace(adapter, seeds=(1, 2, 1))
    assert found == trace(reference, seeds=(1, 2, 1))
    assert found["losses"][0] == found["losses"][2] != found["losses"][1]


def test_training_is_off_after_an_error_in_it(stand_in, folder, monkeypatch):
    adapter = UnslothAdapter(UnslothAgent.load(folder), SETTINGS)

    def fail(*given, **named):
        assert adapter.agent.model.training
        raise RuntimeError("stop")

    monkeypatch.setattr(torch.optim.AdamW, "step", fail)
    with pytest.raises(RuntimeError, match="stop"), learned(adapter, seed=0):
        pass
    assert not adapter.agent.model.training


def test_what_it_would_train_whole_is_refused(stand_in, folder, monkeypatch):
    def whole(model, **named):
        model.lm_head.weight.requires_grad_(True)
        return model

    monkeypatch.setattr(stand_in, "get_peft_model", whole)
    agent = UnslothAgent.load(folder)
    with pytest.raises(InputError, match=r"targets is 'all-linear': Unsloth would train all of .*weight"):
        UnslothAdapter(agent, LoraSettings())


@pytest.mark.parametrize("target", ["lm_head", "embed_tokens"])
def test_targets_that_are_no_linear_layer_between_are_refused(stand_in, folder, target):
    with pytest.raises(InputError, match=f"targets holds '{target}'; expected some of q_proj"):
        UnslothAdapter(UnslothAgent.load(folder), LoraSettings(targets=(target,)))


def test_its_loader_and_its_kernels_know_our_families_and_dtypes(source):
    loader = source.body(LOADER, "FastLanguageModel", "from_pretrained")
    kernels = source.body(LLAMA, "FastLlamaModel", "patch_peft_model")
    known = [family for family in MODEL_TYPES for body in (loader, kernels) if f"model_type == '{family}'" in body]
    assert known == [family for family in MODEL_TYPES for _ in "12"]
    assert f"isinstance(dtype, str) and dtype in {sorted(DTYPES, reverse=True)}" in loader
    assert "and (not float32_base)" in kernels


def test_its_decoding_reads_an_adapter_in_place_once_training_was_switched_on(source, folder):
    """Run the release's own function for one token, and its own switch, on a layer of PEFT's."""
    constants = {"torch_Tensor", "torch_matmul", "torch_mv", "torch_mm", "_FSDP2_QLORA_PREPARED", "_FP8_WEIGHT_DTYPES"}
    checks = ("non_lora_adapter", "multiple_active_adapters", "active_dora_adapter", "active_lora_bias")
    functions = {"fast_linear_forward", "get_lora_parameters_bias", "_packed_base", "_has_packed_qweight"}
    linear = source.run(KERNELS, constants | functions | {f"_has_{name}" for name in checks})["fast_linear_forward"]
    adapter = SequentialAdapter(Agent.load(folder, dtype="bfloat16"), SETTINGS)
    layer: Any = adapter._layers[0]
    x = torch.randn(1, 1, layer.in_features, dtype=torch.bfloat16, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        base = layer.base_layer(x)
        assert torch.equal(linear(layer, x), base)  # the adapter is off
        adapter._peft.base_model.enable_adapter_layers()
        torch.nn.init.ones_(layer.lora_B["default"].weight)
        trained = linear(layer, x)
        torch.testing.assert_close(trained, layer(x), rtol=0.02, atol=0.02)
        assert not torch.equal(trained, base)
        adapter.reset(seed=0)
        assert torch.equal(linear(layer, x), trained)  # from its copies in 16 bits
        StandIn(source).for_training(adapter._peft)
        assert torch.equal(linear(layer, x), base)


# -- with a GPU -----------------------------------------------------------------------------------------------------

ON_A_GPU = """
import json, os, sys
from ttsi.backends.unsloth_import import require
backend, folder = os.environ["BACKEND"], os.environ["FOLDER"]
if backend == "unsloth":
    require()
from test_unsloth import *
kinds = {"unsloth": (UnslothAgent, UnslothAdapter), "peft": (Agent, SequentialAdapter)}[backend]
print(json.dumps(trace(kinds[1](kinds[0].load(folder, device="cuda", dtype="bfloat16"), SETTINGS), seeds=(1, 2, 1))))
"""


@pytest.mark.skipif(
    not (torch.cuda.is_available() and importlib.util.find_spec("unsloth")), reason="needs a GPU and the extra gpu"
)
def test_on_a_gpu_it_learns_as_the_reference_does_and_forgets(folder):
    expected, found = (
        json.loads(alone(ON_A_GPU, BACKEND=backend, FOLDER=str(folder))) for backend in ("peft", "unsloth")
    )
    for losses, of_reference in zip(found["losses"], expected["losses"], strict=True):
        assert losses == pytest.approx(of_reference, rel=0.1, abs=0.05)
    assert found["base"] == found["base"][:1] * 4
    assert found["losses"][2] == pytest.approx(found["losses"][0], rel=0.02, abs=0.01)
    assert found["adapted"][2] == found["adapted"][0]
