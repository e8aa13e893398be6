"""Keys and values grow in place, and are those of transformers' own cache."""

import pytest
import torch
from transformers import DynamicCache

from ttsi.backends.batched.cache import ROOM, growing


def states(tokens: int) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.randn(3, 2, tokens, 4), torch.randn(3, 2, tokens, 4)


@pytest.mark.parametrize("gradients", [False, True])
def test_the_states_are_those_of_transformers_cache(gradients):
    torch.manual_seed(0)
    first = states(5)
    with torch.set_grad_enabled(gradients):
        grown, expected = growing([first]), DynamicCache([first])
        for tokens, rows, kept in [(7, 3, [0, 1, 2]), (1, 3, [2, 0]), (ROOM, 2, [0, 1]), (1, 2, [1])]:
            keys, values = (each[:rows] for each in states(tokens))
            found = grown.update(keys, values, 0)
            torch.testing.assert_close(found, expected.update(keys, values, 0), rtol=0, atol=0)
            grown.batch_select_indices(torch.tensor(kept))
            expected.batch_select_indices(torch.tensor(kept))
        assert grown.get_seq_length() == 5 + 7 + 1 + ROOM + 1


@torch.no_grad()
def test_a_token_is_written_into_place():
    cache = growing([states(5)])
    (before, _), (after, _) = cache.update(*states(1), 0), cache.update(*states(1), 0)
    assert before.data_ptr() == after.data_ptr()
    for _ in range(ROOM):
        after, _ = cache.update(*states(1), 0)
    assert before.data_ptr() != after.data_ptr()


def test_gradients_reach_what_was_appended():
    keys, values = (each.requires_grad_() for each in states(2))
    found, _ = growing([states(5)]).update(keys, values, 0)
    found.sum().backward()
    torch.testing.assert_close(keys.grad, torch.ones_like(keys))


def test_what_was_appended_with_gradients_is_kept_without():
    grown, expected, parts = growing(), DynamicCache(), [states(tokens) for tokens in (5, 2, 1)]
    for gradients, part in zip((False, True, False), parts, strict=True):
        with torch.set_grad_enabled(gradients):
            found = grown.update(*part, 0)
            torch.testing.assert_close(found, expected.update(*part, 0), rtol=0, atol=0)
