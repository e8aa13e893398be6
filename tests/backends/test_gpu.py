"""The batched backend on a GPU against PEFT there, and against itself; `make test-gpu` runs this file."""

from random import Random

import pytest
import torch

from toolworld_rows import rows_of
from ttsi.adaptation import SequentialAdapter
from ttsi.agent import Agent
from ttsi.backends.batched import generation
from ttsi.backends.batched.adapter import BatchedAdapter
from ttsi.backends.batched.agent import BatchedAgent
from ttsi.backends.batched.steps import Passes
from ttsi.models.loading import model_folder
from ttsi.models.rows import Row
from ttsi.records import PracticeExample
from ttsi.settings import LoraSettings

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU"),
]
PAPER = LoraSettings()
LARGE = LoraSettings(learning_rate=5e-3)


@pytest.fixture(scope="module")
def lessons(samples):
    """A lesson for each sample: another's request and answer, with that one's tools."""
    others = [samples[(number + 7) % len(samples)] for number in range(len(samples))]
    return [[(PracticeExample(messages=one.request.messages, calls=one.gold), one.request.tools)] for one in others]


def loaded(kind, dtype: str):
    return kind.load(model_folder("agents/tiny"), device="cuda", dtype=dtype, max_new_tokens=60)


def test_adapters_are_those_of_peft_one_by_one(samples, lessons, monkeypatch):
    """From the same initial weights: on a GPU PEFT draws other numbers than one kernel for all layers does."""
    agent, reference = loaded(BatchedAgent, "float32"), loaded(Agent, "float32")
    many, one = BatchedAdapter(agent, PAPER), SequentialAdapter(reference, PAPER)
    parameters = [parameter for name, parameter in one._peft.named_parameters() if "lora_" in name]

    def reset(seed: int) -> None:
        drawn = many.stack.initial([seed], device=agent.model.device, dtype=torch.float32)
        for parameter, (first,) in zip(parameters, drawn, strict=True):
            parameter.data.copy_(first)

    monkeypatch.setattr(one, "reset", reset)
    chosen = range(0, 64, 13)
    with many.adapted([lessons[n] for n in chosen], seeds=list(chosen)) as losses:
        rows = rows_of(agent, [samples[n] for n in chosen])
        answers = agent.continued(rows)
        for place, n in enumerate(chosen):
            with one.adapted([lessons[n]], seeds=[n]) as (expected,):
                assert losses[place] == pytest.approx(expected, abs=1e-4)
                assert reference.continued([rows[place]]) == [answers[place]]
            for ours, theirs in zip(many.weights, parameters, strict=True):
                assert torch.allclose(ours[place], theirs, rtol=0, atol=1e-5)


def test_a_sample_alone_is_the_sample_among_63_others(samples, lessons):
    agent = loaded(BatchedAgent, "float64")
    adapter, rows = BatchedAdapter(agent, LARGE, tokens_at_once=10**6), rows_of(agent, samples)
    with adapter.adapted(lessons, seeds=list(range(64))):
        among, answers = adapter.weights, agent.continued(rows)
    for n in (0, 21, 63):
        with adapter.adapted([lessons[n]], seeds=[n]):
            assert agent.continued([Row(rows[n].prompt)]) == [answers[n]]
        for one, many in zip(adapter.weights, among, strict=True):
            assert torch.allclose(one[0], many[n], rtol=0, atol=1e-12)


@pytest.mark.parametrize("at_once", [1, 5, 12])
def test_neither_order_nor_batch_changes_an_answer(samples, lessons, at_once):
    agent = loaded(BatchedAgent, "float32")
    adapter, rows = BatchedAdapter(agent, LARGE), rows_of(agent, samples)
    order = Random(at_once).sample(range(64), 12)

    def answered(numbers: list[int]) -> dict[int, list[int]]:
        with adapter.adapted([lessons[n] for n in numbers], seeds=numbers, indices=numbers):
            return dict(zip(numbers, agent.continued([rows[n] for n in numbers]), strict=True))

    parts: dict[int, list[int]] = {}
    for start in range(0, len(order), at_once):
        parts |= answered(order[start : start + at_once])
    assert parts == answered(sorted(order))


def test_the_base_is_bit_equal_afterwards(samples, lessons):
    agent = loaded(BatchedAgent, "float32")
    before = {name: value.clone() for name, value in agent.model.state_dict().items()}
    adapter, rows = BatchedAdapter(agent, LARGE), rows_of(agent, samples)[:5]
    answers = agent.continued(rows)
    with adapter.adapted(lessons[:5], seeds=range(5)):
        assert agent.continued(rows) != answers
    assert agent.continued(rows) == answers
    assert all(torch.equal(value, before[name]) for name, value in agent.model.state_dict().items())


@pytest.mark.parametrize("temperature", [0.0, 1.0])
@pytest.mark.parametrize("shared", [False, True])
def test_captured_steps_write_what_passes_write(samples, lessons, monkeypatch, temperature, shared):
    agent = loaded(BatchedAgent, "float64")
    rows = rows_of(agent, samples, draws=1 if temperature == 0 else 3)
    replays: list[int] = []
    replay = torch.cuda.CUDAGraph.replay
    monkeypatch.setattr(torch.cuda.CUDAGraph, "replay", lambda graph: replays.append(1) or replay(graph))

    def written() -> list[list[int]]:
        adapter = BatchedAdapter(agent, LoraSettings(learning_rate=5e-3, prefix="activated"))
        with (
            agent.sharing([one.request.tools for one in samples] if shared else ()),
            adapter.adapted(lessons, seeds=range(64)),
        ):
            return agent.continued(rows, temperature=temperature)

    captured = written()
    assert len(replays) >= max(map(len, captured)) - 1
    monkeypatch.setattr(generation, "stepping", lambda agent, context, indices, tokens: Passes(agent, context, indices))
    assert written() == captured
