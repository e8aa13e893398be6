"""T: the adapter learns its example, forgets it, and leaves the base model as it was."""

import pytest
import torch

from ttsi.adaptation import SequentialAdapter
from ttsi.benchmarks import load
from ttsi.prompts import answer_chat
from ttsi.records import InputError, PracticeExample
from ttsi.runs.run import load_agent
from ttsi.settings import LoraSettings

SETTINGS = LoraSettings(learning_rate=5e-3)


@pytest.fixture(scope="module")
def sample():
    return load("toolworld", "single/unseen", subset="train", seed=2, limit=1)[0]


@pytest.fixture(scope="module")
def example(sample):
    return PracticeExample(messages=sample.request.messages, calls=sample.gold)


@pytest.fixture
def adapter(tiny_config):
    return SequentialAdapter(load_agent(tiny_config.model_copy(update={"backend": "peft"})), SETTINGS)


def logits_of(agent, sample) -> torch.Tensor:
    prompt = agent.prompt(answer_chat(sample.request.messages), sample.request.tools)
    with torch.inference_mode():
        return agent.model(torch.tensor([prompt])).logits


def test_a_second_adapter_takes_the_place_of_the_first(adapter, sample, example):
    lessons = [[(example, sample.request.tools)]]
    first = adapter.fit(lessons, seeds=[0])
    second = SequentialAdapter(adapter.agent, SETTINGS)
    assert second.fit(lessons, seeds=[0]) == first
    with pytest.raises(InputError, match="no longer on its agent's model"):
        adapter.fit(lessons, seeds=[0])


def test_the_loss_falls_and_the_adapted_model_differs(adapter, sample, example):
    before = logits_of(adapter.agent, sample)
    with adapter.adapted([[(example, sample.request.tools)]], seeds=[0]) as (losses,):
        assert not torch.equal(logits_of(adapter.agent, sample), before)
    assert len(losses) == SETTINGS.epochs
    assert losses[-1] < losses[0]


def test_the_first_loss_is_the_base_models_on_the_answer_alone(tiny, adapter, sample, example):
    prompt = tiny.prompt(answer_chat(sample.request.messages), sample.request.tools)
    from ttsi.calls import render_calls

    answer = tiny.completion(render_calls(example.calls))
    expected = -tiny.log_likelihoods(prompt, [answer]).item() / len(answer)
    with adapter.adapted([[(example, sample.request.tools)]], seeds=[0]) as (losses,):
        assert losses[0] == pytest.approx(expected, abs=1e-4)


def test_one_step_an_example_and_epoch(adapter, sample, example):
    with adapter.adapted([[(example, sample.request.tools)] * 2], seeds=[0]) as (losses,):
        assert len(losses) == 2 * SETTINGS.epochs


def test_the_same_seed_gives_the_same_adapter_whatever_came_before(adapter, sample, example):
    def adapted(seed: int) -> torch.Tensor:
        with adapter.adapted([[(example, sample.request.tools)]], seeds=[seed]):
            return logits_of(adapter.agent, sample)

    first, other, again = adapted(1), adapted(2), adapted(1)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_after_200_adaptations_the_base_is_bit_equal(adapter, sample, example):
    agent = adapter.agent
    weights = {name: value.clone() for name, value in agent.model.state_dict().items() if "lora_" not in name}
    before = logits_of(agent, sample)
    prompt = agent.prompt(answer_chat(sample.request.messages), sample.request.tools)
    answer = agent.generate([prompt])
    for seed in range(200):
        with adapter.adapted([[(example, sample.request.tools)]], seeds=[seed]):
            pass
    assert all(torch.equal(value, agent.model.state_dict()[name]) for name, value in weights.items())
    assert torch.equal(logits_of(agent, sample), before)
    assert agent.generate([prompt]) == answer


def test_an_error_inside_the_block_leaves_the_adapter_off(adapter, sample, example):
    before = logits_of(adapter.agent, sample)
    with pytest.raises(RuntimeError, match="stop"), adapter.adapted([[(example, sample.request.tools)]], seeds=[0]):
        raise RuntimeError("stop")
    assert torch.equal(logits_of(adapter.agent, sample), before)


def test_wrapping_the_base_changes_nothing(tiny, adapter, sample):
    assert torch.equal(logits_of(tiny, sample), logits_of(adapter.agent, sample))


def test_all_linear_layers_are_adapted_and_nothing_else_learns(adapter, sample, example):
    with adapter.adapted([[(example, sample.request.tools)]], seeds=[0]):
        learning = [name for name, value in adapter.agent.model.named_parameters() if value.requires_grad]
    assert all("lora_" in name for name in learning)
    layers = {name.split(".")[-4] for name in learning}
    assert layers == {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}


def test_a_fitted_adapter_is_off_until_it_is_enabled_and_serves_again_and_again(adapter, sample, example):
    before = logits_of(adapter.agent, sample)
    adapter.fit([[(example, sample.request.tools)]], seeds=[3])
    assert torch.equal(logits_of(adapter.agent, sample), before)
    answers = []
    for _ in range(2):
        with adapter.enabled({}):
            answers.append(logits_of(adapter.agent, sample))
    assert torch.equal(*answers)
    assert not torch.equal(answers[0], before)
