"""Estimates of memory against what is really taken."""

from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch.profiler import ProfilerActivity, profile
from transformers import AutoConfig

import qwen2
from ttsi.adaptation import SequentialAdapter, adapted_layers
from ttsi.agent import Agent
from ttsi.backends.memory import Batch, Memory, StepMemory, memory
from ttsi.benchmarks import load
from ttsi.data import data_root
from ttsi.models.loading import pinned
from ttsi.prompts import answer_chat
from ttsi.runs.config import configure
from ttsi.runs.planning import CORES, Plan, longest_first, plan, samples_at_once, threads_of
from ttsi.settings import LoopSettings, LoraSettings

LORA = LoraSettings()
BATCH = Batch(prompt_tokens=400, new_tokens=4, rows=4, candidates=6, candidate_tokens=8)


@pytest.fixture(scope="module", params=[512, 20_000])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with a small vocabulary, whose layers take most, and one with a large one, whose logits do."""
    shape = {"hidden_size": 128, "num_hidden_layers": 4, "intermediate_size": 320, "vocab_size": request.param}
    return qwen2.save(tmp_path_factory.mktemp("qwen2"), shape=shape)


def peak(work) -> int:
    """Return the most bytes that PyTorch held at once for `work`, beyond what it held before."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        work()
    trace: Any = profiler.profiler
    events = [event for event in trace.kineto_results.events() if event.name() == "[memory]"]
    held = most = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        held += event.nbytes()
        most = max(most, held)
    return most


def size_of(model: torch.nn.Module) -> int:
    return sum(parameter.nbytes for parameter in model.parameters())


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_estimates_are_what_is_taken(folder, dtype):
    agent = Agent.load(folder, dtype=dtype, max_new_tokens=BATCH.new_tokens)
    expected = memory(agent.model.config, BATCH, lora=LORA, dtype=agent.model.dtype)
    prompt, candidate = [5] * BATCH.prompt_tokens, [6] * BATCH.candidate_tokens
    assert expected.weights == size_of(agent.model)
    scores = peak(lambda: agent.log_likelihoods(prompt, [candidate] * BATCH.candidates))
    assert expected.scores == pytest.approx(scores, rel=0.2)
    answers = peak(lambda: agent.generate([prompt] * BATCH.rows, temperature=1.0))
    assert expected.answers == pytest.approx(answers, rel=0.2)
    ids = torch.full((1, BATCH.prompt_tokens + BATCH.new_tokens), 5)
    adapter = SequentialAdapter(agent, LORA.model_copy(update={"epochs": 1}))
    with adapter.enabled({}):
        training = peak(lambda: adapter._train([(ids, ids)]))
    assert expected.training + 0.75 * expected.adapter == pytest.approx(training, rel=0.2)
    assert expected.adapter == 16 * sum(parameter.numel() for parameter in adapter._parameters)


@pytest.mark.parametrize("targets", ["all-linear", ("q_proj", "v_proj")])
def test_adapted_layers_are_those_that_peft_adapts(folder, targets):
    model = Agent.load(folder).model
    layers = adapted_layers(model, LoraSettings(targets=targets)).values()
    expected = sum(LORA.rank * (layer.in_features + layer.out_features) for layer in layers)
    named = targets if isinstance(targets, str) else list(targets)
    adapted = get_peft_model(model, LoraConfig(r=LORA.rank, target_modules=named))
    assert adapted.get_nb_trainable_parameters()[0] == expected


def test_the_embedded_agents_weights_are_counted(tiny):
    estimate = memory(tiny.model.config, BATCH, lora=None, dtype=torch.float32)
    assert estimate.weights == size_of(tiny.model)
    assert estimate.adapter == estimate.training == 0


@pytest.mark.parametrize(
    ("name", "billions", "adapter_millions"),
    [("Qwen/Qwen2.5-1.5B-Instruct", 1.543714304, 9.232384), ("Qwen/Qwen2.5-7B-Instruct", 7.615616512, 20.185088)],
)
def test_the_pinned_models_have_the_shape_of_their_cards(name, billions, adapter_millions):
    shape = pinned(name, data_root() / "models.toml").shape
    estimate = memory(AutoConfig.for_model(**shape), BATCH, lora=LORA, dtype=torch.bfloat16)
    assert estimate.weights == round(billions * 1e9) * 2
    assert estimate.adapter == round(adapter_millions * 1e6) * 16
    assert estimate.peak == estimate.weights + estimate.adapter + estimate.training


def test_a_plan_speaks_of_the_longest_request_and_of_the_settings(tiny):
    requests = [s.request for s in load("toolworld", "dialogue/unseen", subset="validation", seed=5, limit=6)]
    base = plan(tiny, requests, LoopSettings(author="nobody"))
    adapting = plan(tiny, requests, LoopSettings(draws=8, decoding="majority-vote"))
    lengths = [len(tiny.prompt([m.model_dump() for m in r.messages], r.tools)) for r in requests]
    assert base.batch.prompt_tokens >= sorted(lengths)[-2]
    assert (base.batch.rows, adapting.batch.rows) == (1, 8)
    assert adapting.memory.training > 0 == base.memory.training
    assert "free: fits" in str(base)


def test_a_plan_says_what_it_counts():
    need = Memory(weights=3_087_428_608, adapter=147_718_144, training=6 * 10**9, answers=10**9, scores=2 * 10**9)
    assert need.beside_weights == 147_718_144 + 6 * 10**9
    said = str(Plan(Batch(1650, 512), need, 5 * 10**9))
    for part in ("weights 3.1 GB", "adapter 147.7 MB", "5.0 GB free: may not fit", "1650 tokens"):
        assert part in said
    assert len(said.splitlines()) == 1


def test_threads_and_batch_follow_the_backend_unless_set(tiny):
    free = configure("tiny")
    assert (free.threads, free.batch) == (None, None)
    assert threads_of(free) == CORES
    assert threads_of(free.model_copy(update={"backend": "peft"})) == 1
    assert threads_of(free.model_copy(update={"threads": 3})) == 3
    assert samples_at_once(free, tiny, []) == 64
    assert samples_at_once(free.model_copy(update={"batch": 5}), tiny, []) == 5
    assert samples_at_once(free.model_copy(update={"backend": "peft"}), tiny, []) == 1


def test_a_batched_step_holds_less_than_the_references(tiny):
    step = StepMemory.of(tiny.model, LORA)
    reference = memory(tiny.model.config, Batch(1, 0), lora=LORA, dtype=tiny.model.dtype)
    assert 0.5 * reference.training < step.token + step.scored <= reference.training
    assert step.adapter == reference.adapter


def test_the_longest_samples_come_first_so_that_a_batch_holds_little_padding(tiny):
    samples = load("toolworld", "dialogue/seen", subset="validation", seed=8, limit=64)
    lengths = [len(tiny.prompt(answer_chat(one.request.messages), one.request.tools)) for one in samples]
    of = dict(zip((one.request.id for one in samples), lengths, strict=True))
    ordered = [of[one.request.id] for one in longest_first(samples)]

    def padding(each: list[int]) -> int:
        return sum(8 * max(each[start : start + 8]) for start in range(0, 64, 8)) - sum(each)

    assert sorted(ordered) == sorted(lengths)
    assert 0 < padding(ordered) < padding(lengths) / 2
