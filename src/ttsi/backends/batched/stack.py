"""A stack of LoRA adapters on one frozen model: each row of a batch goes through its own.

What a layer with weights W computes of its input x, and what is added to it:

        x  (rows, tokens, in)
        |
        +------------------------+
        |                        |
        |  W (out, in), frozen   |  A (rows, rank, in): that of each row's sample
        |                        |
        |                       A x  (rows, tokens, rank), once for all layers that read x
        |                        |
        |                        |  B (rows, out, rank)
        |                        |
        +-----------(+)----------+  times alpha / r
                     |
                     y  (rows, tokens, out)
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from peft import LoraConfig
from safetensors.torch import save_file
from torch import nn

from ttsi.adaptation import adapted_layers
from ttsi.backends.memory import input_of
from ttsi.settings import LoraSettings

Weights = list[torch.Tensor]
"""A, (adapters, rank, in), and B, (adapters, out, rank), of each adapted layer in turn."""


class LoraStack:
    """Adds (alpha / r) B A x to what each adapted layer of a model computes, while it acts; its weights stay.

    Raises:
        InputError: a target of the settings is no linear layer of the model.
    """

    def __init__(self, model: nn.Module, settings: LoraSettings) -> None:
        self.settings, self.layers = settings, adapted_layers(model, settings)
        self._acting: list[tuple[torch.Tensor, Sequence[torch.Tensor]]] = []
        """A of each input, and B of each layer that reads it, for each row of the next pass."""
        self._read: tuple[torch.Tensor, Sequence[torch.Tensor]] | None = None
        """The last input x, and A x of each layer that reads it."""
        layers, together = list(self.layers.values()), defaultdict[str, list[int]](list)
        for number, name in enumerate(self.layers):
            together[input_of(name)].append(number)
        self._together = list(together.values())
        """Numbers of the layers that read the same input, for each input in turn."""
        self._outputs = [[layers[number].out_features for number in numbers] for numbers in self._together]
        self._hooks = [
            (layers[number], self._hook(place, part))
            for place, numbers in enumerate(self._together)
            for part, number in enumerate(numbers)
        ]

    def _hook(self, place: int, part: int) -> Callable[..., torch.Tensor]:
        def adapt(_: nn.Module, args: tuple[torch.Tensor, ...], output: torch.Tensor) -> torch.Tensor:
            (x,), (a, b) = args, self._acting[place]
            if self._read is None or self._read[0] is not x:
                self._read = x, (x @ a.mT).split(self.settings.rank, -1)
            return torch.baddbmm(output, self._read[1][part], b[part].mT, alpha=self.settings.scaling)

        return adapt

    @contextmanager
    def acts(self, weights: Weights) -> Iterator[Callable[[Sequence[int]], None]]:
        """Inside the block row i of a pass goes through adapter i of `weights`.

        Yields:
            Chooses the adapter of each row of the passes that follow.
        """
        everyone = list(range(len(weights[0])))
        chosen, joined = everyone, self._joined(weights)

        def choose(adapters: Sequence[int]) -> None:
            nonlocal chosen
            if list(adapters) != chosen:
                chosen = list(adapters)
                self._acting = self._parted(joined if chosen == everyone else _of_rows(joined, chosen))

        self._acting = self._parted(joined)
        handles = [layer.register_forward_hook(hook) for layer, hook in self._hooks]
        try:
            yield choose
        finally:
            for handle in handles:
                handle.remove()
            self._acting, self._read = [], None

    def _joined(self, weights: Weights) -> Weights:
        """Return the weights in the model's dtype, those of layers that read the same input side by side.

        Returns:
            A, (adapters, layers * rank, in), and B, (adapters, sum of the outputs, rank), for each such input in turn.
        """
        dtype = next(iter(self.layers.values())).weight.dtype
        parts = [[weights[2 * number + part] for number in numbers] for numbers in self._together for part in (0, 1)]
        return [part[0].to(dtype) if len(part) == 1 else torch.cat(part, 1).to(dtype) for part in parts]

    def _parted(self, joined: Weights) -> list[tuple[torch.Tensor, Sequence[torch.Tensor]]]:
        pairs = zip(joined[::2], joined[1::2], self._outputs, strict=True)
        return [(a, b.split(outputs, 1)) for a, b, outputs in pairs]

    def initial(self, seeds: Sequence[int], *, device: torch.device, dtype: torch.dtype) -> Weights:
        """Return the weights that an adapter begins with: A drawn from its seed, on a CPU as PEFT does, and B zero."""
        sizes = [self.settings.rank * layer.in_features for layer in self.layers.values()]
        uniform = torch.empty(len(seeds), sum(sizes), device=device, dtype=dtype)
        for of_adapter, seed in zip(uniform, seeds, strict=True):
            of_adapter.uniform_(generator=torch.Generator(device).manual_seed(seed))
        weights: Weights = []
        for layer, of_layer in zip(self.layers.values(), uniform.split(sizes, 1), strict=True):
            # What `kaiming_uniform_(a, a=sqrt(5))` makes of the same numbers: they lie within 1 / sqrt(in).
            bound = uniform.new_tensor(layer.in_features**-0.5)
            a = torch.addcmul(-bound, of_layer.unflatten(1, (self.settings.rank, -1)), 2 * bound)
            weights += [a, uniform.new_zeros(len(seeds), layer.out_features, self.settings.rank)]
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


def _of_rows(weights: Weights, adapters: Sequence[int]) -> Weights:
    index = torch.tensor(adapters, device=weights[0].device)
    return [each.index_select(0, index) for each in weights]
