"""The last layer computes what is asked for, and of that the same as the whole layer."""

from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, LlamaConfig, Qwen2Config, Qwen3Config

from ttsi.backends.batched.agent import BatchedAgent
from ttsi.backends.batched.stack import LoraStack
from ttsi.models.loading import model_folder
from ttsi.models.rows import Row
from ttsi.settings import LoraSettings

SHAPE = {
    "vocab_size": 1026,
    "hidden_size": 48,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "head_dim": 8,
}
PREFIXES = [[30, 31, 32], [30, 31], [33]]
PROMPTS = [[5, 6, 7, 8, 9, 10, 11], [5, 6, 7, 12], [20, 21, 22, 23, 24]]
SEGMENTS = [[0, 0, 0, 0, 1, 1, 2], [0, 0, 1, 2], [0, 0, 0, 0, 1]]
ASKED = [[3, 4, 5, 6], [1, 2, 3], [4]]


@pytest.fixture(params=[LlamaConfig, Qwen2Config, Qwen3Config])
def agent(request, tiny_config) -> BatchedAgent:
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(request.param(**SHAPE)).double().eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return BatchedAgent(model, BatchedAgent.load(model_folder(tiny_config.model)).tokenizer)


def read(agent: BatchedAgent, *, asked: list[list[int]] | None, segments: list[list[int]] | None, shared: bool):
    """Return hidden states at `ASKED`, gradients of the adapters, and the last layer's keys and values."""
    stack = LoraStack(agent.model, LoraSettings())
    weights = [
        torch.randn(each.shape, generator=torch.Generator().manual_seed(n), dtype=torch.float64).requires_grad_()
        for n, each in enumerate(stack.initial([0, 1, 2], device=torch.device("cpu"), dtype=torch.float64))
    ]
    before = PREFIXES if shared else [[]] * 3
    rows = [Row(prefix + prompt, index=n) for n, (prefix, prompt) in enumerate(zip(before, PROMPTS, strict=True))]
    with agent.sharing_prefixes(PREFIXES if shared else []):
        context = agent.begin(rows)
        with stack.acts(weights):
            hidden = agent.advance(context, PROMPTS, range(3), segments=segments, asked=asked)
    wanted = [hidden[n, : len(of)] if asked else hidden[n, of] for n, of in enumerate(ASKED)]
    torch.cat(wanted).square().sum().backward()
    layer: Any = context.cache.layers[-1]
    return torch.cat(wanted), [each.grad for each in weights], [layer.keys, layer.values]


@pytest.mark.parametrize("segments", [None, SEGMENTS])
@pytest.mark.parametrize("shared", [False, True])
def test_states_gradients_and_cache_are_those_of_the_whole_layer(agent, segments, shared):
    ours, gradients, cache = read(agent, asked=ASKED, segments=segments, shared=shared)
    expected, their_gradients, their_cache = read(agent, asked=None, segments=segments, shared=shared)
    torch.testing.assert_close(ours, expected, rtol=0, atol=1e-10)
    torch.testing.assert_close(gradients, their_gradients, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(cache, their_cache)


def test_nothing_else_is_computed(agent):
    computed: dict[str, int] = {}

    def note(name: str, layer: torch.nn.Module) -> None:
        layer.register_forward_hook(lambda _, args, output: computed.update({name: output.shape[1]}))

    for name, layer in agent.decoder.layers[-1].named_modules():
        if isinstance(layer, torch.nn.Linear):
            note(name.split(".")[1], layer)
    agent.advance(agent.begin([Row(PROMPTS[0])]), PROMPTS[:1], [0], asked=[[6]])
    every = {"k_proj": 7, "v_proj": 7}
    assert computed == every | dict.fromkeys(("q_proj", "o_proj", "gate_proj", "up_proj", "down_proj"), 1)
