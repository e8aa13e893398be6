"""Grouped attention is that of transformers, which repeats keys and values for each query head."""

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from ttsi.backends.batched.attention import GROUPED, additive, grouped_attention, within

SMALL = LlamaConfig(
    vocab_size=50,
    hidden_size=48,
    intermediate_size=64,
    num_hidden_layers=2,
    num_attention_heads=6,
    num_key_value_heads=2,
)


def states(queries: int) -> list[torch.Tensor]:
    """Query, key and value of 3 rows with 6 heads, 2 key heads and 9 keys, in double precision."""
    generator = torch.Generator().manual_seed(queries)
    shapes = [(3, 6, queries, 8), (3, 2, 9, 8), (3, 2, 9, 8)]
    return [torch.randn(shape, generator=generator, dtype=torch.float64).requires_grad_() for shape in shapes]


def by_hand(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, reads: torch.Tensor) -> torch.Tensor:
    keys, values = (each.repeat_interleave(3, 1) for each in (key, value))
    scores = (query @ keys.mT / 8**0.5).masked_fill(~reads[:, None], -torch.inf)
    return (scores.softmax(-1) @ values).transpose(1, 2)


@pytest.mark.parametrize("queries", [1, 4])
@pytest.mark.parametrize("kind", ["additive", "boolean"])
def test_states_and_gradients_are_those_of_repeated_heads(queries, kind):
    before = torch.arange(9 - queries) >= torch.tensor([0, 2, 4])[:, None]
    new, _ = within(torch.arange(queries), None)
    reads = torch.cat([before[:, None].expand(-1, queries, -1), new.expand(3, -1, -1)], -1)
    mask = additive(reads, 3, torch.float64) if kind == "additive" else reads[:, None]
    found, expected = states(queries), states(queries)
    ours, _ = grouped_attention(torch.nn.Identity(), found[0], found[1], found[2], mask, scaling=8**-0.5)
    theirs = by_hand(expected[0], expected[1], expected[2], reads)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)
    for out in (ours, theirs):
        out.square().sum().backward()
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=0, atol=1e-12)


def test_a_single_query_without_a_mask_reads_all_keys():
    query, key, value = states(1)
    ours, _ = grouped_attention(torch.nn.Identity(), query, key, value, None)
    everything = torch.ones(3, 1, 9, dtype=torch.bool)
    torch.testing.assert_close(ours, by_hand(query, key, value, everything), rtol=0, atol=1e-12)


def test_segments_are_read_by_themselves_and_go_on_from_the_first():
    reads, places = within(torch.arange(6), torch.tensor([[0, 0, 1, 1, 2, -1]]))
    assert reads[0].int().tolist()[:5] == [
        [1, 0, 0, 0, 0, 0],
        [1, 1, 0, 0, 0, 0],
        [1, 1, 1, 0, 0, 0],
        [1, 1, 1, 1, 0, 0],
        [1, 1, 0, 0, 1, 0],
    ]
    assert places[0, :5].tolist() == [0, 1, 2, 3, 2]


@pytest.mark.parametrize("padded", [False, True])
def test_a_model_that_transformers_masks_computes_the_same(padded):
    torch.manual_seed(0)
    model = LlamaForCausalLM(SMALL).double().eval()
    ids, mask = torch.randint(50, (2, 7)), torch.ones(2, 7, dtype=torch.long)
    mask[0, :3] = int(not padded)
    expected = model(input_ids=ids, attention_mask=mask).logits
    model.set_attn_implementation(GROUPED)
    found = model(input_ids=ids, attention_mask=mask).logits
    torch.testing.assert_close(found[:, 3:], expected[:, 3:], rtol=0, atol=1e-12)
    torch.testing.assert_close(found[1], expected[1], rtol=0, atol=1e-12)
