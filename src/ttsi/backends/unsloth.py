"""Unsloth's kernels, in 16 bits on a GPU: an agent whose model it has loaded and rewritten, and its test-time LoRA."""

import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoTokenizer

from ttsi.adaptation import SequentialAdapter
from ttsi.agent import Agent
from ttsi.backends.unsloth_import import require
from ttsi.calls import first_line
from ttsi.models.batches import is_out_of_memory
from ttsi.models.loading import check_tokenizer, check_whole
from ttsi.records import InputError

MODEL_TYPES = ("llama", "mistral", "qwen2", "qwen3")
"""Model types that Unsloth runs with kernels of its own; `UnslothAdapter` builds on that."""

DTYPES = ("bfloat16", "float16")


class UnslothAgent(Agent):
    """An agent of those families; prompts, draws and scores are those of `Agent`.

    Its tokenizer is read as `Agent` reads it: Unsloth may give its own copy another padding token or chat template.
    Loading one changes its family's classes for the whole process, other agents' too.
    """

    backend = "unsloth"

    @classmethod
    def load(
        cls, source: str | Path, *, device: str = "cuda", dtype: str = "bfloat16", max_new_tokens: int = 200
    ) -> "UnslothAgent":
        """Load a model folder.

        Raises:
            InputError: Unsloth cannot be used here, the device or dtype is none of its own, the model is of another
                family, the folder or a part of it is missing or unreadable, or memory is too small.
        """
        require()
        if device != "cuda":
            raise InputError(f"device is {device!r}; expected cuda, or --backend batched or --backend peft")
        if dtype not in DTYPES:
            expected = " or ".join(DTYPES)
            raise InputError(f"dtype is {dtype!r}; expected {expected}, or --backend batched or --backend peft")
        model, tokenizer = _read(Path(source), dtype)
        return cls(model, tokenizer, max_new_tokens=max_new_tokens)


def _read(folder: Path, dtype: str) -> tuple[Any, Any]:
    check_whole(folder)
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        model = _model(folder, config, getattr(torch, dtype)) if config.model_type in MODEL_TYPES else None
    except ImportError as error:  # Unsloth asks for packages as late as here, for bitsandbytes even in 16 bits
        raise InputError(
            f"--backend unsloth has found {first_line(error)!r}; expected the extra gpu (pip install '.[gpu]')"
        ) from error
    except Exception as error:  # the loaders raise anything
        if is_out_of_memory(error):
            raise InputError(f"{folder} does not fit into the memory of cuda in {dtype}") from error
        raise InputError(f"{folder} cannot be read as a model by Unsloth: {first_line(error)}") from error
    if model is None:
        expected = ", ".join(MODEL_TYPES)
        raise InputError(f"{folder} is a model of type {config.model_type!r}; expected {expected}, or --backend peft")
    if model.dtype != getattr(torch, dtype):
        raise InputError(f"dtype is {dtype!r}; found a GPU on which Unsloth loads {model.dtype}; expected that")
    check_tokenizer(tokenizer, folder)
    return model, tokenizer


def _model(folder: Path, config: Any, dtype: torch.dtype) -> Any:
    with redirect_stdout(sys.stderr):
        model, _ = require().FastLanguageModel.from_pretrained(
            model_name=str(folder),
            # The model's own window: Unsloth cuts longer prompts off, and rescales positions for a longer window.
            max_seq_length=config.max_position_embeddings,
            dtype=dtype,
            load_in_4bit=False,
            fix_tokenizer=False,
            use_gradient_checkpointing=False,
            offload_embedding=False,
            use_exact_model_name=True,  # no look-up of another copy of the model on the hub
            local_files_only=True,
        )
    return model


class UnslothAdapter(SequentialAdapter):
    """The adapter of `SequentialAdapter`, on the model of an `UnslothAgent`.

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
