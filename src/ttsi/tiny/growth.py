"""Growing a trained agent in depth, so that a larger one starts from what it knows (arXiv 2401.02415)."""

import re
from collections.abc import Mapping

import torch

_LAYER = re.compile(r"model\.layers\.(\d+)\.(.+)")
_OUTPUTS = ("self_attn.o_proj.weight", "mlp.down_proj.weight")


def grow(weights: Mapping[str, torch.Tensor], *, times: int) -> dict[str, torch.Tensor]:
    """Return weights in which each layer is followed by `times - 1` copies that add nothing yet.

    A copy's output projections are zero, so the grown model computes exactly what the smaller one does.
    """
    grown: dict[str, torch.Tensor] = {}
    for name, weight in weights.items():
        layer = _LAYER.fullmatch(name)
        if layer is None:
            grown[name] = weight
            continue
        number, part = int(layer[1]) * times, layer[2]
        grown[f"model.layers.{number}.{part}"] = weight
        for copy in range(1, times):
            grown[f"model.layers.{number + copy}.{part}"] = torch.zeros_like(weight) if part in _OUTPUTS else weight
    return grown
