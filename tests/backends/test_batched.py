"""The batched backend against its reference: PEFT, one sample at a time, and `generate` of transformers."""

import math
from random import Random
from types import SimpleNamespace
from typing import TypeVar

import psutil
import pytest
import torch
from peft import PeftModel
from torch import nn

from toolworld_rows import prompts_of, rows_of
from ttsi.adaptation import SequentialAdapter, lesson_ids
from ttsi.agent import Agent
from ttsi.backends.batched import generation
from ttsi.backends.batched.adapter import BatchedAdapter
from ttsi.backends.batched.agent import BatchedAgent
from ttsi.backends.batched.context import Context
from ttsi.backends.batched.stack import LoraStack
from ttsi.backends.batched.steps import Places
from ttsi.models.batches import OutOfMemory
from ttsi.models.constraint import OfferedCalls
from ttsi.models.loading import model_folder
from ttsi.models.rows import Row
from ttsi.records import PracticeExample
from ttsi.settings import LoraSettings

AnyAgent = TypeVar("AnyAgent", bound=Agent)
PAPER = LoraSettings()
LARGE = LoraSettings(learning_rate=5e-3)


@pytest.fixture(scope="module")
def lessons(samples):
    """One to five ragged lessons a sample: those of its neighbours, with their tools."""

    def of(first: int) -> list:
        chosen = [samples[(first + 7 * step) % len(samples)] for step in range(1 + first % 5)]
        return [(PracticeExample(messages=s.request.messages, calls=s.gold), s.request.tools) for s in chosen]

    return [of(number) for number in range(len(samples))]


def loaded(tiny_config, kind: type[AnyAgent], *, dtype: str = "float32") -> AnyAgent:
    return kind.load(model_folder(tiny_config.model), dtype=dtype, max_new_tokens=60)


@pytest.fixture
def batched(tiny_config) -> BatchedAgent:
    return loaded(tiny_config, BatchedAgent)


@pytest.fixture
def reference(tiny_config) -> Agent:
    return loaded(tiny_config, Agent)


def peft_weights(adapter: SequentialAdapter) -> list[torch.Tensor]:
    named = {name: p for name, p in adapter._peft.named_parameters() if "lora_" in name}
    return [parameter.detach().clone() for parameter in named.values()]


# -- adapters ---------------------------------------------------------------------------------------------------


SOME = {"targets": ("k_proj", "v_proj", "up_proj")}


@pytest.mark.parametrize("changes", [{}, SOME, {"max_grad_norm": 0.05}, {"stop_loss": 0.2, "learning_rate": 5e-3}])
def test_adapters_are_those_of_peft_one_by_one(reference, batched, samples, lessons, changes):
    settings = PAPER.model_copy(update=changes)
    one, many = SequentialAdapter(reference, settings), BatchedAdapter(batched, settings)
    chosen = list(range(0, 64, 13))
    seeds = [100 + n for n in chosen]
    tolerance = 1e-5 * settings.learning_rate / PAPER.learning_rate
    with many.adapted([lessons[n] for n in chosen], seeds=seeds) as losses:
        rows = rows_of(batched, [samples[n] for n in chosen])
        answers = batched.continued(rows)
        for place, n in enumerate(chosen):
            with one.adapted([lessons[n]], seeds=[seeds[place]]) as (expected,):
                assert losses[place] == pytest.approx(expected, abs=1e-4)
                assert reference.continued([rows[place]]) == [answers[place]]
            for ours, theirs in zip(many.weights, peft_weights(one), strict=True):
                assert torch.allclose(ours[place], theirs, rtol=0, atol=tolerance)
    steps = [len(of_sample) for of_sample in losses]
    if settings.stop_loss:
        assert any(count < 5 * len(lessons[n]) for count, n in zip(steps, chosen, strict=True))
    else:
        assert steps == [5 * len(lessons[n]) for n in chosen]
    assert len({*steps}) > 1


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_adapters_begin_with_the_draws_of_peft(batched, dtype):
    weights = LoraStack(batched.model, PAPER).initial([3, 4], device=batched.model.device, dtype=dtype)
    for adapter, seed in enumerate((3, 4)):
        torch.manual_seed(seed)
        for a, b in zip(weights[::2], weights[1::2], strict=True):
            drawn = nn.init.kaiming_uniform_(torch.empty_like(a[adapter]), a=math.sqrt(5))
            assert torch.allclose(a[adapter], drawn, rtol=0, atol=torch.finfo(dtype).eps)
            assert not b.any()


def test_a_sample_alone_is_the_sample_among_63_others(tiny_config, samples, lessons):
    agent = loaded(tiny_config, BatchedAgent, dtype="float64")
    chosen, seeds = [lessons[n][:1] for n in range(64)], list(range(64))
    adapter = BatchedAdapter(agent, LARGE, tokens_at_once=10**6)
    rows = rows_of(agent, samples)
    with adapter.adapted(chosen, seeds=seeds):
        among, answers = adapter.weights, agent.continued(rows)
    for n in (0, 21, 63):
        with adapter.adapted([chosen[n]], seeds=[seeds[n]]):
            assert agent.continued([Row(rows[n].prompt)]) == [answers[n]]
        for one, many in zip(adapter.weights, among, strict=True):
            assert torch.allclose(one[0], many[n], rtol=0, atol=1e-12)


@pytest.mark.parametrize("at_once", [1, 3, 64])
def test_neither_order_nor_batch_changes_an_answer(batched, samples, lessons, at_once):
    order = Random(at_once).sample(range(64), 12)
    adapter = BatchedAdapter(batched, LARGE)
    rows = rows_of(batched, samples)

    def answered(numbers: list[int]) -> dict[int, list[int]]:
        with adapter.adapted([lessons[n][:1] for n in numbers], seeds=numbers, indices=numbers):
            found = batched.continued([rows[n] for n in numbers])
        return dict(zip(numbers, found, strict=True))

    whole = answered(sorted(order))
    parts: dict[int, list[int]] = {}
    for start in range(0, len(order), at_once):
        parts |= answered(order[start : start + at_once])
    assert parts == whole


def test_groups_that_are_trained_one_after_the_other_count_their_own_steps(batched, lessons):
    seeds = list(range(8))
    together = BatchedAdapter(batched, PAPER, tokens_at_once=10**6)
    together.fit(lessons[:8], seeds=seeds)
    apart = BatchedAdapter(batched, PAPER, tokens_at_once=300)
    apart.fit(lessons[:8], seeds=seeds)
    for one, other in zip(together.weights, apart.weights, strict=True):
        assert torch.allclose(one, other, rtol=0, atol=1e-5)


def test_a_loss_is_a_mean_over_its_own_tokens_and_reaches_no_other_adapter(batched, lessons):
    adapter = BatchedAdapter(batched, PAPER.model_copy(update={"epochs": 1}))
    short, long = sorted(lessons, key=lambda of_sample: len(lesson_ids(batched, of_sample[0])[1]))[:: len(lessons) - 1]
    ((alone,),) = adapter.fit([short[:1]], seeds=[1])
    first = [weights[0].clone() for weights in adapter.weights]
    ((beside,), _) = adapter.fit([short[:1], long[:1]], seeds=[1, 2])
    assert beside == pytest.approx(alone, rel=1e-5)
    for one, many in zip(first, adapter.weights, strict=True):
        assert torch.allclose(one, many[0], rtol=0, atol=1e-5)
    prompt, answer = lesson_ids(batched, short[0])
    assert alone == pytest.approx(-batched.log_likelihoods(prompt, [answer]).item() / len(answer), abs=1e-4)


def test_the_norm_that_is_cut_is_an_adapters_own(batched, lessons):
    """A neighbour with a large gradient changes nothing; one global norm would make the step of both smaller."""
    cut = PAPER.model_copy(update={"max_grad_norm": 1e-3, "epochs": 2})
    adapter = BatchedAdapter(batched, cut)
    adapter.fit([lessons[0]], seeds=[1])
    alone = [weights[0].clone() for weights in adapter.weights]
    adapter.fit([lessons[0], *lessons[5:20]], seeds=[1, *range(5, 20)])
    for one, many in zip(alone, adapter.weights, strict=True):
        assert torch.allclose(one, many[0], rtol=0, atol=1e-5)


def test_what_pads_a_shorter_row_reaches_nothing(batched, samples, lessons, monkeypatch):
    adapter = BatchedAdapter(batched, LARGE, tokens_at_once=10**6)
    rows = rows_of(batched, samples)[:6]

    def learned() -> tuple[list[torch.Tensor], list[list[int]]]:
        with adapter.adapted(lessons[:6], seeds=range(6)):
            return [weights.clone() for weights in adapter.weights], batched.continued(rows)

    weights, answers = learned()
    monkeypatch.setattr(batched.tokenizer, "pad_token", batched.tokenizer.convert_ids_to_tokens(77))
    others, again = learned()
    assert all(torch.equal(one, other) for one, other in zip(weights, others, strict=True))
    assert answers == again


def test_the_base_is_bit_equal_afterwards(batched, samples, lessons):
    before = {name: value.clone() for name, value in batched.model.state_dict().items()}
    prompt = torch.tensor([prompts_of(batched, samples[:1])[0]])
    logits = batched.model(prompt).logits
    adapter = BatchedAdapter(batched, LARGE)
    with adapter.adapted(lessons[:5], seeds=range(5)):
        batched.continued(rows_of(batched, samples)[:5])
    assert all(torch.equal(value, before[name]) for name, value in batched.model.state_dict().items())
    assert torch.equal(batched.model(prompt).logits, logits)


def test_an_exported_adapter_is_one_of_peft(tiny_config, batched, samples, lessons, tmp_path):
    adapter, rows = BatchedAdapter(batched, LARGE), rows_of(batched, samples)[:3]
    with adapter.adapted(lessons[:3], seeds=range(3)):
        answers = batched.continued(rows)
    adapter.export(2, tmp_path)
    other = loaded(tiny_config, Agent)
    other.model = PeftModel.from_pretrained(other.model, tmp_path).eval()
    other.model.generation_config = batched.model.generation_config
    assert other.continued([rows[2]]) == [answers[2]]


def test_where_memory_is_short_fewer_adapters_are_trained_at_once(batched, lessons):
    batches: list[int] = []

    def refuse(module, positional, named):
        batches.append(len(named["input_ids"]))
        if batches[-1] > limit:
            raise torch.OutOfMemoryError("CUDA out of memory.")

    adapter, limit = BatchedAdapter(batched, PAPER, tokens_at_once=10**6), 64
    adapter.fit(lessons[:8], seeds=range(8))
    expected = [weights.clone() for weights in adapter.weights]
    handle, limit = batched.decoder.register_forward_pre_hook(refuse, with_kwargs=True), 2
    adapter.fit(lessons[:8], seeds=range(8))
    assert max(batches) == 8
    assert {*batches[2:]} <= {1, 2}
    for one, other in zip(expected, adapter.weights, strict=True):
        assert torch.allclose(one, other, rtol=0, atol=1e-5)
    limit = 0
    with pytest.raises(OutOfMemory):
        adapter.fit(lessons[:2], seeds=range(2))
    handle.remove()


# -- answers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_answers_are_those_of_transformers_row_by_row(reference, batched, samples, temperature, shared):
    rows = rows_of(batched, samples[::6], draws=1 if temperature == 0 else 3)
    expected = [reference.continued([row], temperature=temperature)[0] for row in rows]
    with batched.sharing([s.request.tools for s in samples[::6]] if shared else ()):
        assert batched.continued(rows, temperature=temperature) == expected
    assert len({len(answer) for answer in expected}) > 2, "rows leave at different times"


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_steps_over_fixed_places_write_what_passes_write(batched, samples, lessons, monkeypatch, temperature):
    """A CUDA graph replays such steps; here they are computed one by one."""
    rows = rows_of(batched, samples[:24], draws=1 if temperature == 0 else 2)
    adapter = BatchedAdapter(batched, LARGE.model_copy(update={"prefix": "activated"}))

    def written() -> list[list[int]]:
        with (
            batched.sharing([one.request.tools for one in samples[:24]]),
            adapter.adapted([of[:1] for of in lessons[:24]], seeds=range(24)),
        ):
            return batched.continued(rows, temperature=temperature)

    passes = written()
    made: list[Places] = []

    def places(agent: BatchedAgent, context: Context, indices: torch.Tensor, *, tokens: int) -> Places:
        made.append(Places(agent, context, indices, tokens))
        return made[-1]

    monkeypatch.setattr(generation, "stepping", places)
    assert written() == passes
    assert made


def test_limits_keep_to_their_rows(reference, batched, samples):
    chosen = samples[::8]

    def rows() -> list[Row]:
        prompts = zip(prompts_of(batched, chosen), chosen, strict=True)
        return [Row(p, allowed=OfferedCalls(batched, s.request.tools), index=n) for n, (p, s) in enumerate(prompts)]

    assert batched.continued(rows()) == [reference.continued([row])[0] for row in rows()]


@pytest.mark.parametrize("shared", [False, True])
def test_scores_of_all_candidates_in_one_pass_are_those_of_one_by_one(reference, batched, samples, shared):
    rows = rows_of(batched, samples[::5])
    candidates = [[batched.call_opening(tool.name) for tool in s.request.tools] for s in samples[::5]]
    expected = reference.scored(rows, candidates)
    with batched.sharing([s.request.tools for s in samples[::5]] if shared else ()):
        found = batched.scored(rows, candidates)
    for ours, theirs in zip(found, expected, strict=True):
        assert torch.allclose(ours, theirs, rtol=0, atol=2e-4)


@pytest.mark.parametrize("shared", [False, True])
def test_no_more_rows_are_computed_at_once_than_free_memory_holds(batched, samples, monkeypatch, shared):
    rows, batches = rows_of(batched, samples[:8]), set()
    candidates = [[batched.call_opening(tool.name) for tool in s.request.tools] for s in samples[:8]]
    with batched.sharing([s.request.tools for s in samples[:8]] if shared else ()):
        answers, scores = batched.continued(rows), batched.scored(rows, candidates)
        batched.decoder.register_forward_pre_hook(
            lambda module, positional, named: batches.add(len(named["input_ids"])), with_kwargs=True
        )
        monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=25_000_000))
        assert batched.continued(rows) == answers
        assert all(
            torch.allclose(*pair, atol=1e-4) for pair in zip(batched.scored(rows, candidates), scores, strict=True)
        )
    assert 1 < max(batches) < 8


def test_the_shared_prefix_is_computed_once(batched, samples):
    tokens: list[int] = []
    handle = batched.decoder.register_forward_pre_hook(
        lambda module, positional, named: tokens.append(named["input_ids"].numel()), with_kwargs=True
    )
    rows = rows_of(batched, samples[:4])
    prefixes = [batched.shared_prefix(s.request.tools) for s in samples[:4]]
    with batched.sharing([s.request.tools for s in samples[:4]]):
        batched.continued(rows)
    handle.remove()
    assert tokens[0] == 4 * max(map(len, prefixes))
    rest = max(len(row.prompt) - len(prefix) for row, prefix in zip(rows, prefixes, strict=True))
    assert tokens[1] == 4 * rest
    assert all(row.prompt[: len(prefix)] == prefix for row, prefix in zip(rows, prefixes, strict=True))
    assert math.prod(map(len, prefixes)) > 0


def test_draws_of_a_prompt_read_it_once(batched, samples):
    passes: list[tuple[int, ...]] = []
    handle = batched.decoder.register_forward_pre_hook(
        lambda module, positional, named: passes.append(tuple(named["input_ids"].shape)), with_kwargs=True
    )
    rows = rows_of(batched, samples[:4], draws=5)
    batched.continued(rows, temperature=1.0)
    handle.remove()
    assert passes[0] == (4, max(len(row.prompt) for row in rows))
    assert passes[1] == (20, 1)
