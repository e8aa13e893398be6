"""H: relative softmax scores, the margin, and both estimators behind one signature."""

import math

import pytest
import torch

from ttsi.benchmarks import load
from ttsi.prompts import answer_chat
from ttsi.uncertainty import ESTIMATORS, estimate, margin


def test_the_margin_is_the_gap_between_the_two_highest():
    assert margin([0.1, 0.7, 0.2]) == pytest.approx(0.5)
    assert margin([0.5, 0.5]) == 0.0
    assert margin([1.0]) == 1.0


@pytest.fixture(scope="module")
def asked(tiny):
    request = load("toolworld", "single/unseen", subset="validation", seed=8, limit=1)[0].request
    prompt = tiny.prompt(answer_chat(request.messages), request.tools)
    return request, prompt, tiny.generate([prompt])[0]


def test_rss_is_the_softmax_of_the_openings_likelihoods(tiny, asked):
    request, prompt, answer = asked
    awareness = estimate(tiny, request, answer, estimator="rss-margin")
    likelihoods = [tiny.log_likelihoods(prompt, [tiny.call_opening(tool.name)]).item() for tool in request.tools]
    highest = max(likelihoods)
    weights = [math.exp(value - highest) for value in likelihoods]
    assert awareness.tool_probabilities == pytest.approx([weight / sum(weights) for weight in weights], abs=1e-4)
    assert awareness.margin == pytest.approx(margin(awareness.tool_probabilities))


def test_call_probability_is_that_of_the_whole_greedy_answer(tiny, asked):
    request, prompt, answer = asked
    awareness = estimate(tiny, request, answer, estimator="call-probability")
    logits = tiny.model(torch.tensor([prompt + answer])).logits[0, len(prompt) - 1 : -1].log_softmax(-1)
    expected = logits.gather(-1, torch.tensor(answer)[:, None]).sum().exp().item()
    assert awareness.margin == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_margins_are_confidences(tiny, asked, estimator):
    request, _, answer = asked
    awareness = estimate(tiny, request, answer, estimator=estimator)
    assert 0 <= awareness.margin <= 1
    assert sum(awareness.tool_probabilities) == pytest.approx(1)
    assert len(awareness.tool_probabilities) == len(request.tools)
