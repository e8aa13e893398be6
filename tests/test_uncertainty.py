"""H: relative softmax scores, the margin, and all estimators behind one signature."""

import math

import pytest
import torch

from ttsi.benchmarks import load
from ttsi.estimators import ESTIMATORS
from ttsi.estimators.tools import margin
from ttsi.prompts import answer_chat
from ttsi.scoring import answer_form
from ttsi.uncertainty import Evidence, estimate


def test_the_margin_is_the_gap_between_the_two_highest():
    assert margin([0.1, 0.7, 0.2]) == pytest.approx(0.5)
    assert margin([0.5, 0.5]) == 0.0
    assert margin([1.0]) == 1.0


@pytest.fixture(scope="module")
def asked(tiny):
    request = load("toolworld", "single/unseen", subset="validation", seed=8, limit=1)[0].request
    prompt = tiny.prompt(answer_chat(request.messages), request.tools)
    return request, prompt, tiny.generate([prompt])[0]


@pytest.fixture(scope="module")
def awareness(tiny, asked):
    request, _, answer = asked
    return estimate(Evidence(tiny, request, answer), tuple(ESTIMATORS))


def of_candidates(log_likelihoods: list[float]) -> list[float]:
    highest = max(log_likelihoods)
    weights = [math.exp(value - highest) for value in log_likelihoods]
    return [weight / sum(weights) for weight in weights]


def test_rss_is_the_softmax_of_the_openings_likelihoods(tiny, asked, awareness):
    request, prompt, _ = asked
    openings = [tiny.call_opening(tool.name) for tool in request.tools]
    likelihoods = [tiny.log_likelihoods(prompt, [opening]).item() for opening in openings]
    p = of_candidates(likelihoods)
    assert awareness.tool_probabilities == pytest.approx(p, abs=1e-4)
    assert awareness.margins["rss-margin"] == pytest.approx(margin(p), abs=1e-4)
    assert awareness.margins["maximum-probability"] == pytest.approx(max(p), abs=1e-4)
    entropy = -sum(share * math.log(share) for share in p if share > 0)
    assert awareness.margins["entropy"] == pytest.approx(1 - entropy / math.log(len(p)), abs=1e-3)
    per_token = [value / len(opening) for value, opening in zip(likelihoods, openings, strict=True)]
    assert awareness.margins["rss-margin-normalised"] == pytest.approx(margin(of_candidates(per_token)), abs=1e-4)


def test_whole_calls_are_the_agents_best_of_each_tool(tiny, asked, awareness):
    request, prompt, _ = asked
    openings = [tiny.call_opening(tool.name) for tool in request.tools]
    calls = [opening + tiny.generate([prompt + opening])[0] for opening in openings]
    for call, tool in zip(calls, request.tools, strict=True):
        assert f'"name": "{tool.name}"' in tiny.decode(call)
    likelihoods = [tiny.log_likelihoods(prompt, [call]).item() for call in calls]
    assert awareness.margins["rss-call"] == pytest.approx(margin(of_candidates(likelihoods)), abs=1e-4)
    per_token = [value / len(call) for value, call in zip(likelihoods, calls, strict=True)]
    assert awareness.margins["rss-call-normalised"] == pytest.approx(margin(of_candidates(per_token)), abs=1e-4)


def test_call_probability_and_perplexity_are_those_of_the_greedy_answer(tiny, asked, awareness):
    _, prompt, answer = asked
    logits = tiny.model(torch.tensor([prompt + answer])).logits[0, len(prompt) - 1 : -1].log_softmax(-1)
    log_likelihood = logits.gather(-1, torch.tensor(answer)[:, None]).sum().item()
    assert awareness.margins["call-probability"] == pytest.approx(math.exp(log_likelihood), rel=1e-3)
    assert awareness.margins["perplexity"] == pytest.approx(math.exp(log_likelihood / len(answer)), rel=1e-3)


def test_self_consistency_is_the_share_of_sampled_answers_that_agree(tiny, asked):
    request, _, answer = asked
    evidence = Evidence(tiny, request, answer, temperature=2.0, seed=4)
    agreeing = [answer_form(text) == answer_form(tiny.decode(answer)) for text in evidence.samples]
    found = estimate(evidence, ["self-consistency"]).margins["self-consistency"]
    assert found == sum(agreeing) / len(agreeing)
    assert found < 1, "at this temperature the samples should differ"


def test_margins_are_confidences(asked, awareness):
    assert list(awareness.margins) == list(ESTIMATORS)
    assert all(0 <= value <= 1 for value in awareness.margins.values())
    assert sum(awareness.tool_probabilities) == pytest.approx(1)
    assert len(awareness.tool_probabilities) == len(asked[0].tools)
