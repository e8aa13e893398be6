"""Test-time LoRA with Unsloth's kernels, one sample at a time, the adapter wrapped once and reset in place."""

import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from typing import Any

import torch

from ttsi.adaptation.sequential import SequentialAdapter
from ttsi.records import InputError
from ttsi.unsloth import require


class UnslothAdapter(SequentialAdapter):
    """The adapter of `SequentialAdapter`, on the model of a `ttsi.agent.unsloth.UnslothAgent`.

    Unsloth's layers are PEFT's, whose weights its kernels read at every pass, so they can be reset in place. Only where
    it decodes one token does it keep copies of them in 16 bits; `for_training` throws these away. It therefore stands
    before every training, and so between a reset and the next answer.
    """

    def _wrapped(self, **lora: Any) -> Any:
        self._unsloth = require().FastLanguageModel
        with redirect_stdout(sys.stderr):
            model = self._unsloth.get_peft_model(self.agent.model, use_gradient_checkpointing=False, **lora)
        for name, parameter in model.named_parameters():
            if parameter.requires_grad and "lora_" not in name:
                raise InputError(
                    f"targets is {lora['target_modules']!r}: Unsloth would train all of {name}; expected linear layers "
                    "between the embedding and the head"
                )
        self._unsloth.for_inference(model)
        return model

    def _train(self, batches: Sequence[tuple[torch.Tensor, torch.Tensor]]) -> list[float]:
        self._unsloth.for_training(self._peft)
        try:
            return super()._train(batches)
        finally:
            self._unsloth.for_inference(self._peft)
