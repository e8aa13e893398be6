"""A stack of LoRA adapters on one frozen model: each row of a batch goes through its own."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from peft import LoraConfig
from safetensors.torch import save_file
from torch import nn

from ttsi.adaptation.lora import LoraSettings, adapted_layers

Weights = list[torch.Tensor]
"""A, (adapters, rank, in), and B, (adapters, out, rank), of each adapted layer in turn."""


class LoraStack:
    """Adds (alpha / r) B A x to what each adapted layer computes, while it is `acting`.

    Args:
        model: the base model, whose weights stay as they are.
        settings: of every adapter.
    """

    def __init__(self, model: nn.Module, settings: LoraSettings) -> None:
        self.settings, self.layers = settings, adapted_layers(model, settings)
        self.acting: Weights | None = None
        """Those of each row of the next pass; none: the base model computes alone."""
        for number, layer in enumerate(self.layers.values()):
            layer.register_forward_hook(self._hook(2 * number))

    def _hook(self, place: int) -> Callable[..., torch.Tensor]:
        def adapt(_: nn.Module, args: tuple[torch.Tensor, ...], output: torch.Tensor) -> torch.Tensor:
            if self.acting is None:
                return output
            (x,), (a, b) = args, (weights.to(output.dtype) for weights in self.acting[place : place + 2])
            return torch.baddbmm(output, x @ a.mT, b.mT, alpha=self.settings.scaling)

        return adapt

    @contextmanager
    def acts(self, weights: Weights) -> Iterator[None]:
        """Inside the block row i of a pass goes through adapter i of `weights`."""
        self.acting = weights
        try:
            yield
        finally:
            self.acting = None

    def initial(self, seeds: Sequence[int], *, device: torch.device, dtype: torch.dtype) -> Weights:
        """Return the weights that PEFT's adapters begin with: A drawn from the adapter's seed, B zero."""
        weights: Weights = []
        for layer in self.layers.values():
            weights.append(torch.empty(len(seeds), self.settings.rank, layer.in_features, device=device, dtype=dtype))
            weights.append(torch.zeros(len(seeds), layer.out_features, self.settings.rank, device=device, dtype=dtype))
        with torch.random.fork_rng():
            for number, seed in enumerate(seeds):
                torch.manual_seed(seed)
                for a in weights[::2]:
                    nn.init.kaiming_uniform_(a[number], a=math.sqrt(5))
        return weights

    def export(self, weights: Weights, adapter: int, folder: Path) -> None:
        """Write one adapter as PEFT does; `peft.PeftModel.from_pretrained` reads it."""
        settings = self.settings
        targets = settings.targets if isinstance(settings.targets, str) else list(settings.targets)
        config = LoraConfig(r=settings.rank, lora_alpha=settings.alpha, target_modules=targets, task_type="CAUSAL_LM")
        config.save_pretrained(str(folder))
        keys = [f"base_model.model.{name}.lora_{part}.weight" for name in self.layers for part in "AB"]
        tensors = {key: stacked[adapter].clone() for key, stacked in zip(keys, weights, strict=True)}
        save_file(tensors, folder / "adapter_model.safetensors")
