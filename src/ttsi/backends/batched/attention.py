"""Attention in which several queries share a key head, without a copy of the keys and values for each of them.

Where there is a mask, transformers repeats keys and values up to the number of query heads, in every layer and at every
step. Here the g heads that share a key head stand as g times as many queries of that one head.
"""

from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

GROUPED = "ttsi_grouped"
"""Name of this attention among those of transformers."""

ALIGNED = 8
"""Rows of a mask begin at multiples of it, as CUDA's kernels ask for; otherwise each layer would copy the mask."""


def grouped_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **others: Any,
) -> tuple[torch.Tensor, None]:
    """Return (rows, queries, heads, head size), as transformers' attention functions do.

    Args:
        module: the layer.
        query: (rows, heads, queries, head size); head h reads key head h // (heads / key heads).
        key: (rows, key heads, keys, head size).
        value: as `key`.
        attention_mask: of `additive`, or transformers' of shape (rows, 1, queries, keys); without one a single query
            reads all keys, and several read causally.
        dropout: share of the attention weights that are set to zero.
        scaling: of the products of queries and keys.
        others: what transformers hands over besides.
    """
    rows, heads, queries, size = query.shape
    if attention_mask is None and queries > 1:
        return sdpa_attention_forward(module, query, key, value, None, dropout=dropout, scaling=scaling, **others)
    key_heads = key.shape[1]
    together = heads // key_heads * queries
    if attention_mask is not None and attention_mask.shape[-2] != together:
        attention_mask = attention_mask.repeat(1, 1, heads // key_heads, 1)
    attended = scaled_dot_product_attention(
        query.reshape(rows, key_heads, together, size),
        key,
        value,
        attn_mask=attention_mask,
        dropout_p=dropout,
        scale=scaling,
    )
    return attended.reshape(rows, heads, queries, size).transpose(1, 2).contiguous(), None


AttentionInterface.register(GROUPED, grouped_attention)
AttentionMaskInterface.register(GROUPED, sdpa_mask)


def additive(reads: torch.Tensor, groups: int, dtype: torch.dtype) -> torch.Tensor:
    """Return 0 where a query reads a key and -inf elsewhere, (rows, 1, groups * queries, keys), once for all layers.

    Args:
        reads: which query reads which key: (rows, queries, keys), bool.
        groups: query heads of a key head.
        dtype: of the model.
    """
    rows, queries, keys = reads.shape
    mask = torch.full((rows, queries, keys + -keys % ALIGNED), -torch.inf, dtype=dtype, device=reads.device)
    mask[:, :, :keys].masked_fill_(reads, 0.0)
    return mask.repeat(1, groups, 1)[:, None, :, :keys]


def within(order: torch.Tensor, segments: torch.Tensor | None) -> tuple[torch.Tensor, torch.Tensor]:
    """Return which new token reads which, (rows or 1, queries, queries), and how far each is from the context's end.

    Args:
        order: the places of the new tokens, from 0 on: (queries,).
        segments: of each token, (rows, queries): 0 is read by all that follow, any other by itself alone.
    """
    causal = order[:, None] >= order
    if segments is None:
        return causal[None], order[None]
    same = segments[:, :, None] == segments[:, None, :]
    reads = causal & (same | (segments == 0)[:, None, :])
    return reads, reads.sum(-1) - 1
