"""Activated LoRA: the adapter acts after the shared prefix alone; PEFT's, which computes everything, is the proof."""

import pytest
import torch
from peft import LoraConfig, get_peft_model
from peft.tuners.lora import LoraLayer

from ttsi.adaptation import lesson_ids
from ttsi.agent import Agent
from ttsi.backends import adapter_for
from ttsi.backends.batched.adapter import BatchedAdapter
from ttsi.backends.batched.agent import BatchedAgent
from ttsi.benchmarks import load
from ttsi.models.loading import model_folder
from ttsi.models.rows import Row
from ttsi.prompts import answer_chat
from ttsi.records import InputError, PracticeExample
from ttsi.runs.run import load_agent
from ttsi.settings import LoraSettings

SETTINGS = LoraSettings(prefix="activated")
SEED = 5


@pytest.fixture(scope="module")
def samples():
    return load("toolworld", "single/unseen", subset="validation", seed=9, limit=6)


@pytest.fixture
def agent(tiny_config) -> BatchedAgent:
    return BatchedAgent.load(model_folder(tiny_config.model), max_new_tokens=40)


def own_lesson(sample):
    return PracticeExample(messages=sample.request.messages, calls=sample.gold), sample.request.tools


def greedy(model, prompt: list[int], ends: frozenset[int], length: int) -> list[int]:
    ids = list(prompt)
    while len(ids) < len(prompt) + length and (ids == prompt or ids[-1] not in ends):
        ids.append(int(model(input_ids=torch.tensor([ids])).logits[0, -1].argmax()))
    return ids[len(prompt) :]


def test_adapters_and_answers_are_those_of_peft(tiny_config, agent, samples):
    tools = [sample.request.tools for sample in samples]
    prompts = [agent.prompt(answer_chat(s.request.messages), s.request.tools) for s in samples]
    adapter = BatchedAdapter(agent, SETTINGS)
    with agent.sharing(tools), adapter.adapted([[own_lesson(s)] for s in samples], seeds=[SEED] * 6) as losses:
        answers = agent.continued([Row(prompt, index=n) for n, prompt in enumerate(prompts)])
    for n in (0, 3, 5):
        start = len(agent.shared_prefix(tools[n]))
        reference = Agent.load(model_folder(tiny_config.model))
        config = LoraConfig(
            r=8,
            lora_alpha=16,
            target_modules="all-linear",
            task_type="CAUSAL_LM",
            alora_invocation_tokens=prompts[n][start : start + 4],
        )
        model = get_peft_model(reference.model, config)
        layers = [module for module in model.modules() if isinstance(module, LoraLayer)]
        torch.manual_seed(SEED)
        for layer in layers:
            layer.reset_lora_parameters("default", init_lora_weights=True)
        weights = [parameter for parameter in model.parameters() if parameter.requires_grad]
        optimizer = torch.optim.AdamW(weights, lr=SETTINGS.learning_rate, weight_decay=0.0)
        prompt, answer = lesson_ids(agent, own_lesson(samples[n]))
        ids, labels = torch.tensor([prompt + answer]), torch.tensor([[-100] * len(prompt) + answer])
        expected = []
        for _ in range(SETTINGS.epochs):
            loss = model(input_ids=ids, labels=labels).loss
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            expected.append(loss.item())
        assert losses[n] == pytest.approx(expected, abs=1e-4)
        for ours, theirs in zip(adapter.weights, weights, strict=True):
            assert torch.allclose(ours[n], theirs, rtol=0, atol=1e-5)
        with torch.inference_mode():
            assert greedy(model, prompts[n], agent.ends, 40) == answers[n]


def test_what_is_shared_does_not_count_as_computed(agent, samples):
    """All samples train in one group where their unread tokens fit, however long the prefixes are."""
    tools, lessons = [sample.request.tools for sample in samples], [[own_lesson(sample)] for sample in samples]
    ids = [[*prompt, *answer] for (lesson,) in lessons for prompt, answer in [lesson_ids(agent, lesson)]]
    with agent.sharing(tools):
        unread = max(map(len, agent.unread([Row(prompt, index=n) for n, prompt in enumerate(ids)])))
    assert unread < max(map(len, ids)) / 2
    adapter, batches = BatchedAdapter(agent, SETTINGS, tokens_at_once=len(samples) * max(map(len, ids)) // 2), []
    with agent.sharing(tools):
        agent.decoder.register_forward_pre_hook(
            lambda module, positional, named: batches.append(len(named["input_ids"])), with_kwargs=True
        )
        adapter.fit(lessons, seeds=range(6))
    assert batches == [6] * SETTINGS.epochs


def test_what_is_shared_changes_neither_adapters_nor_answers(agent, samples):
    """Where the adapter acts on all of a prompt, sharing the prefix in the other stages is exact."""
    rows = [Row(agent.prompt(answer_chat(s.request.messages), s.request.tools), index=n) for n, s in enumerate(samples)]
    adapter = BatchedAdapter(agent, SETTINGS.model_copy(update={"prefix": "adapted", "learning_rate": 5e-3}))
    lessons = [[own_lesson(sample)] for sample in samples]

    def learned() -> tuple[list[torch.Tensor], list[list[int]]]:
        with adapter.adapted(lessons, seeds=range(6)):
            return adapter.weights, agent.continued(rows)

    weights, answers = learned()
    with agent.sharing([sample.request.tools for sample in samples]):
        others, again = learned()
    assert all(torch.equal(one, other) for one, other in zip(weights, others, strict=True))
    assert answers == again


def test_the_two_ways_differ(agent, samples):
    tools, lessons = [sample.request.tools for sample in samples], [[own_lesson(sample)] for sample in samples]
    activated, adapted = (BatchedAdapter(agent, LoraSettings(prefix=prefix)) for prefix in ("activated", "adapted"))
    with agent.sharing(tools):
        activated.fit(lessons, seeds=range(6))
        adapted.fit(lessons, seeds=range(6))
    gaps = [(one - other).abs().max() for one, other in zip(activated.weights, adapted.weights, strict=True)]
    assert max(gaps) > 1e-5


def test_one_sample_at_a_time_has_no_activated_adapter(tiny_config):
    reference = Agent.load(model_folder(tiny_config.model))
    with pytest.raises(InputError, match="expected --backend batched"):
        adapter_for(reference, SETTINGS)


@pytest.mark.parametrize("backend", ["batched", "peft"])
@pytest.mark.parametrize("target", ["q_porj", "lm_head"])
def test_a_target_that_is_no_adapted_layer_is_named(tiny_config, backend, target):
    agent = load_agent(tiny_config.model_copy(update={"backend": backend}))
    with pytest.raises(InputError, match=f"targets holds '{target}'; expected some of q_proj, k_proj"):
        adapter_for(agent, LoraSettings(targets=("v_proj", target)))
