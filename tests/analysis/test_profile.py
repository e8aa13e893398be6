"""Seconds of a computation by kind of operation."""

import torch

from ttsi_book.analysis.profile import kinds_of_work


def test_each_operation_counts_for_its_kind():
    a = torch.randn(300, 300)
    alone = {
        "products of matrices": lambda: a @ a,
        "element by element": lambda: a * a,
        "attention": lambda: torch.nn.functional.scaled_dot_product_attention(
            a[None, None], a[None, None], a[None, None]
        ),
        "copies": lambda: torch.cat([a, a]),
    }
    for kind, compute in alone.items():
        seconds = kinds_of_work(lambda compute=compute: [compute() for _ in range(20)])
        assert seconds.idxmax() == kind
        assert (seconds >= 0).all()


def test_the_optimizer_is_a_kind_of_its_own():
    weight = torch.zeros(100_000, requires_grad=True)
    weight.grad = torch.ones(100_000)
    for fused in (True, False):
        optimizer = torch.optim.AdamW([weight], fused=fused)
        optimizer.step()  # makes what it keeps
        seconds = kinds_of_work(optimizer.step)
        assert seconds["optimizer"] > 0.9 * seconds.sum()
