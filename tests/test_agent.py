"""The agent: loading, scoring, generating, and names limited to the offered ones."""

import json
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import chi2_contingency, chisquare

from ttsi.agent import Agent
from ttsi.benchmarks import load
from ttsi.calls import parse_calls, render_calls
from ttsi.models.batches import OutOfMemory, fitting
from ttsi.models.constraint import OfferedCalls
from ttsi.models.loading import model_folder
from ttsi.models.rows import Row
from ttsi.models.sampling import Draws
from ttsi.prompts import answer_chat
from ttsi.records import Call, InputError
from ttsi.scoring import score


@pytest.fixture(scope="module")
def samples():
    return load("toolworld", "single/unseen", subset="validation", seed=5, limit=6)


def prompt_of(agent: Agent, sample) -> list[int]:
    return agent.prompt(answer_chat(sample.request.messages), sample.request.tools)


def test_the_tokenizer_is_the_same_after_reload(tiny, samples):
    text = render_calls(samples[0].gold) + "\nFind it on 3 May 2026, ok?"
    assert tiny.decode(tiny.encode(text)) == text
    assert all("\n" not in token for token in tiny.tokenizer.tokenize("a b\nc") if len(token) > 1)


def test_likelihoods_are_those_of_one_candidate_at_a_time(tiny, samples):
    prompt = prompt_of(tiny, samples[0])
    candidates = [tiny.call_opening(tool.name) for tool in samples[0].request.tools]
    together = tiny.log_likelihoods(prompt, candidates)
    for candidate, likelihood in zip(candidates, together, strict=True):
        logits = tiny.model(torch.tensor([prompt + candidate])).logits[0].log_softmax(-1)
        steps = [logits[len(prompt) - 1 + i, token] for i, token in enumerate(candidate)]
        assert likelihood.item() == pytest.approx(torch.stack(steps).sum().item(), abs=1e-4)


def test_greedy_answers_do_not_depend_on_the_batch(tiny, samples):
    prompts = [prompt_of(tiny, sample) for sample in samples]
    assert tiny.generate(prompts) == [tiny.generate([prompt])[0] for prompt in prompts]


@contextmanager
def memory_for(agent: Agent, *, rows: int):
    """Let the model run out of memory, as the allocator reports it, on a batch of more than `rows` rows."""

    def refuse(module, positional, named):
        batches.append(len(named["input_ids"]))
        if batches[-1] > rows:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    batches: list[int] = []
    handle = agent.model.get_decoder().register_forward_pre_hook(refuse, with_kwargs=True)
    try:
        yield batches
    finally:
        handle.remove()


def test_draws_are_seeded_and_leave_the_global_generator_alone(tiny, samples):
    prompt = prompt_of(tiny, samples[0])
    state = torch.random.get_rng_state()
    draws = [tiny.generate([prompt] * 4, temperature=1.5, seed=seed) for seed in (1, 1, 2)]
    assert draws[0] == draws[1] != draws[2]
    assert len({tuple(row) for row in draws[0]}) > 1
    assert torch.equal(torch.random.get_rng_state(), state)


def test_a_row_draws_the_same_whatever_stands_beside_it(tiny, samples):
    prompts = [prompt_of(tiny, sample) for sample in samples[:5]]
    together = tiny.generate(prompts, temperature=1.5, seed=3)
    assert tiny.generate(prompts[:2], temperature=1.5, seed=3) == together[:2]
    swapped = [prompts[0], prompts[3], *prompts[2:]]
    assert tiny.generate(swapped, temperature=1.5, seed=3)[2:] == together[2:]


def test_draws_follow_the_softmax_of_the_scores():
    scores, temperature, rows = torch.tensor([1.0, 0.0, -1.0, 2.0, -torch.inf]), 0.7, 4
    draws = Draws(temperature, [Row([], (0, row)) for row in range(rows)], torch.device("cpu"))
    drawn = torch.stack([draws(scores.expand(rows, -1)).argmax(-1) for _ in range(2000)])
    expected = 2000 * torch.softmax(scores.double() / temperature, 0)[:4].numpy()
    for row in drawn.T:
        counts = torch.bincount(row, minlength=5)
        assert counts[4] == 0
        assert chisquare(counts[:4].numpy(), expected).pvalue > 0.01
    pairs = torch.bincount(drawn[:, 0] * 4 + drawn[:, 1], minlength=16).reshape(4, 4)
    independence: Any = chi2_contingency(pairs.numpy())
    assert independence.pvalue > 0.01


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_a_batch_that_does_not_fit_is_halved_and_gives_the_same(tiny, samples, rows):
    prompts = [prompt_of(tiny, sample) for sample in samples[:5]]
    candidates = [tiny.call_opening(tool.name) for tool in samples[0].request.tools]
    drawn, scored = tiny.generate(prompts, temperature=1.5, seed=3), tiny.log_likelihoods(prompts[0], candidates)
    with memory_for(tiny, rows=rows) as batches:
        assert tiny.generate(prompts, temperature=1.5, seed=3) == drawn
        assert torch.allclose(tiny.log_likelihoods(prompts[0], candidates), scored, atol=1e-4)
    assert max(batches) == 5
    assert sorted(set(batches))[0] <= rows


def test_a_limit_on_the_next_token_knows_its_row_in_a_halved_batch(tiny, samples):
    prompt, words = prompt_of(tiny, samples[0]), [tiny.encode(word)[0] for word in ("one", "two", "six")]
    with memory_for(tiny, rows=1):
        vocabulary = np.arange(tiny.model.config.vocab_size)
        found = tiny.generate([prompt] * 3, allowed=[lambda ids, word=word: vocabulary == word for word in words])
    assert [set(row) for row in found] == [{word} for word in words]


def test_one_row_that_does_not_fit_is_named(tiny, samples):
    prompt = prompt_of(tiny, samples[0])
    with memory_for(tiny, rows=0):
        with pytest.raises(OutOfMemory, match=rf"one row of {len(prompt) + tiny.max_new_tokens} tokens"):
            tiny.generate([prompt] * 3)
        with pytest.raises(OutOfMemory, match=rf"one row of {len(prompt) + 3} tokens"):
            tiny.log_likelihoods(prompt, [[1], [1, 2]])


def test_an_allocation_that_the_machine_refuses_counts_as_out_of_memory():
    with pytest.raises(OutOfMemory, match="one row of 7 tokens"), fitting(tokens=7):
        torch.empty(2**60, dtype=torch.uint8)
    with pytest.raises(RuntimeError, match="shape"), fitting(tokens=7):
        torch.matmul(torch.ones(2, 3), torch.ones(2, 3))


def test_a_call_opening_ends_where_the_tokenizer_ends_a_token_for_any_arguments(tiny):
    opening = tiny.call_opening("find_hotel")
    for arguments in ({}, {"city": "Rome"}, {"9": [1]}):
        ids = tiny.encode(render_calls([Call(name="find_hotel", arguments=arguments)]))
        assert ids[: len(opening)] == opening
    assert "find_hotel" in tiny.decode(opening)
    assert tiny.call_opening("find_hot") != opening[: len(tiny.call_opening("find_hot"))]


def test_constrained_answers_call_offered_tools_with_arguments_of_their_schemas(tiny):
    for sample in load("toolworld", "parallel/unseen", subset="validation", seed=5, limit=6):
        prompt = prompt_of(tiny, sample)
        allowed = OfferedCalls(tiny, sample.request.tools)
        output = tiny.decode(tiny.generate([prompt], allowed=[allowed])[0])
        named = {tool.name: set(tool.parameters["properties"]) for tool in sample.request.tools}
        if score(output, sample.gold).well_formed:
            assert all(set(call.arguments) <= named[call.name] for call in parse_calls(output))
        inside = tiny.call_opening(sample.request.tools[0].name)[:2]
        assert 0 < OfferedCalls(tiny, sample.request.tools)(inside).sum() < 20


@pytest.mark.parametrize("missing", ["tokenizer.json", "config.json", "model.safetensors"])
def test_an_incomplete_model_folder_is_refused(tiny_config, tmp_path: Path, missing: str):
    folder = tmp_path / "agent"
    shutil.copytree(model_folder(tiny_config.model), folder)
    (folder / missing).unlink()
    with pytest.raises(InputError, match=f"found no {missing}"):
        Agent.load(folder)


def test_unreadable_weights_and_a_missing_template_are_refused(tiny_config, tmp_path: Path):
    folder = tmp_path / "agent"
    shutil.copytree(model_folder(tiny_config.model), folder)
    (folder / "chat_template.jinja").unlink()
    with pytest.raises(InputError, match="without a chat template"):
        Agent.load(folder)
    (folder / "model.safetensors").write_bytes(b"cut")
    with pytest.raises(InputError, match="cannot be read as a model"):
        Agent.load(folder)
    with pytest.raises(InputError, match="is not a model folder"):
        Agent.load(tmp_path / "nowhere")


def test_the_shipped_agent_is_what_its_card_says(tiny_config):
    folder = model_folder(tiny_config.model)
    config = json.loads((folder / "config.json").read_text())
    assert config["model_type"] == "qwen3"
    size = (folder / "model.safetensors").stat().st_size
    assert 2e6 < size < 9e6
    assert "auto_map" not in config
