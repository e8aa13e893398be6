"""The agent: loading, scoring, generating, and names limited to the offered ones."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from ttsi.agent import Agent, OfferedNames
from ttsi.benchmarks import load
from ttsi.calls import parse_calls, render_calls
from ttsi.profiles import agent_folder
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


def test_draws_are_seeded_and_leave_the_global_generator_alone(tiny, samples):
    prompt = prompt_of(tiny, samples[0])
    state = torch.random.get_rng_state()
    draws = [tiny.generate([prompt] * 4, temperature=1.5, seed=seed) for seed in (1, 1, 2)]
    assert draws[0] == draws[1] != draws[2]
    assert torch.equal(torch.random.get_rng_state(), state)


def test_a_call_opening_ends_where_the_tokenizer_ends_a_token_for_any_arguments(tiny):
    opening = tiny.call_opening("find_hotel")
    for arguments in ({}, {"city": "Rome"}, {"9": [1]}):
        ids = tiny.encode(render_calls([Call(name="find_hotel", arguments=arguments)]))
        assert ids[: len(opening)] == opening
    assert "find_hotel" in tiny.decode(opening)
    assert tiny.call_opening("find_hot") != opening[: len(tiny.call_opening("find_hot"))]


def test_constrained_names_are_offered_ones_and_free_text_stays_free(tiny):
    for sample in load("toolworld", "parallel/unseen", subset="validation", seed=5, limit=10):
        prompt = prompt_of(tiny, sample)
        allowed = OfferedNames(tiny, prompt, sample.request.tools)
        output = tiny.decode(tiny.generate([prompt], allowed=allowed)[0])
        if score(output, sample.gold).well_formed:
            assert {call.name for call in parse_calls(output)} <= {tool.name for tool in sample.request.tools}
        assert len(allowed(0, torch.tensor(prompt))) == tiny.model.config.vocab_size
        inside = torch.tensor(prompt + tiny.call_opening(sample.request.tools[0].name)[:2])
        assert len(allowed(0, inside)) < 20


@pytest.mark.parametrize("missing", ["tokenizer.json", "config.json", "model.safetensors"])
def test_an_incomplete_model_folder_is_refused(tiny_config, tmp_path: Path, missing: str):
    folder = tmp_path / "agent"
    shutil.copytree(agent_folder(tiny_config), folder)
    (folder / missing).unlink()
    with pytest.raises(InputError, match=f"found no {missing}"):
        Agent.load(folder)


def test_unreadable_weights_and_a_missing_template_are_refused(tiny_config, tmp_path: Path):
    folder = tmp_path / "agent"
    shutil.copytree(agent_folder(tiny_config), folder)
    (folder / "chat_template.jinja").unlink()
    with pytest.raises(InputError, match="without a chat template"):
        Agent.load(folder)
    (folder / "model.safetensors").write_bytes(b"cut")
    with pytest.raises(InputError, match="cannot be read as a model"):
        Agent.load(folder)
    with pytest.raises(InputError, match="is not a model folder"):
        Agent.load(tmp_path / "nowhere")


def test_the_shipped_agent_is_what_its_card_says(tiny_config):
    folder = agent_folder(tiny_config)
    config = json.loads((folder / "config.json").read_text())
    assert config["model_type"] == "qwen3"
    size = (folder / "model.safetensors").stat().st_size
    assert 2e6 < size < 9e6
    assert "auto_map" not in config
