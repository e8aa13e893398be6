"""An agent whose model Unsloth has loaded and rewritten: in 16 bits, on a GPU."""

import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoTokenizer

from ttsi.agent.agent import Agent
from ttsi.agent.loading import check_tokenizer, missing_part
from ttsi.agent.rows import is_out_of_memory
from ttsi.records import InputError
from ttsi.unsloth import require

FAMILIES = ("llama", "mistral", "qwen2", "qwen3")
"""Model types that Unsloth runs with kernels of its own; what `ttsi.adaptation.unsloth` builds on holds for these."""

DTYPES = ("bfloat16", "float16")


class UnslothAgent(Agent):
    """An agent of those families; prompts, draws and scores are those of `Agent`.

    Its tokenizer is read as `Agent` reads it: Unsloth may give its own copy another padding token or chat template.
    Loading one changes its family's classes for the whole process, other agents' too.
    """

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
    missing = missing_part(folder)
    if missing:
        raise InputError(f"{folder} is not a model folder: found no {missing}; expected config, tokenizer and weights")
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        model = _model(folder, config, getattr(torch, dtype)) if config.model_type in FAMILIES else None
    except Exception as error:  # the loaders raise anything
        if is_out_of_memory(error):
            raise InputError(f"{folder} does not fit into the memory of cuda in {dtype}") from error
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise InputError(f"{folder} cannot be read as a model by Unsloth: {reason}") from error
    if model is None:
        expected = ", ".join(FAMILIES)
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
