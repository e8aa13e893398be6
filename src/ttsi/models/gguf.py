"""Turns a model file in GGUF into an ordinary model folder: config, float32 safetensors, tokenizer, chat template.

The weights are read by transformers. The tokenizer is made here from the file's own tokens and merges: the one that
transformers 5.17 reads splits numbers otherwise than the model was trained, reads `▁` back as a blank, and has wrong
special tokens.
"""

from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from typing import Any

from ttsi.calls import first_line
from ttsi.models.manifest import TEMPLATE, SpecialTokens
from ttsi.records import InputError

CONTROL = 3
"""What GGUF writes as the type of a special token."""


def convert(file: Path, folder: Path, tokens: SpecialTokens) -> None:
    """Write a model folder from a GGUF file of the Llama family with a byte-level BPE tokenizer.

    Raises:
        InputError: the file cannot be read, is of another kind, or lacks one of the tokens.
    """
    from gguf import GGUFReader
    from transformers import GenerationConfig

    try:
        tokenizer = build_tokenizer(GGUFReader(file), tokens)
        model = read_weights(file)
    except InputError as error:
        raise InputError(f"{file.name}: {error}") from error
    except Exception as error:  # the readers raise anything from ValueError to RuntimeError
        raise InputError(f"{file.name} cannot be read as a model in GGUF: {first_line(error)}") from error
    ids = {f"{name}_token_id": getattr(tokenizer, f"{name}_token_id") for name in SpecialTokens.model_fields}
    model.config.update(ids)
    model.generation_config = GenerationConfig(**ids)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def read_weights(file: Path) -> Any:
    """Return the model of a GGUF file in float32, without what marks it as quantized, which could not be saved."""
    import torch
    from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    settings: dict[str, Any] = {"gguf_file": file.name, "dtype": torch.float32, "local_files_only": True}
    with redirect_stderr(StringIO()):  # a progress bar that no switch turns off
        read = AutoModelForCausalLM.from_pretrained(file.parent, **settings)
    if read.config.model_type != "llama":
        raise InputError(f"architecture is {read.config.model_type!r}; expected 'llama'")
    known = read.config.to_dict()
    for name in ("quantization_config", "_name_or_path", "unk_token_id"):
        known.pop(name, None)
    model = LlamaForCausalLM(LlamaConfig.from_dict(known)).float()
    model.load_state_dict(read.state_dict())
    return model


def build_tokenizer(reader: Any, tokens: SpecialTokens) -> Any:
    """Return the tokenizer of a GGUF file, with the special tokens right and a chat template that takes tools."""
    from tokenizers import AddedToken, Tokenizer, decoders, models
    from transformers import PreTrainedTokenizerFast

    pieces, kinds = _field(reader, "tokens"), _field(reader, "token_type")
    merges = [tuple(merge.split(" ")) for merge in _field(reader, "merges")]
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    missing = [token for token in tokens.model_dump().values() if token not in vocabulary]
    if missing:
        raise InputError(f"tokenizer.ggml.tokens lacks {missing[0]}; expected it among the {len(pieces)} tokens")
    bpe = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    bpe.pre_tokenizer = _pre_tokenizer(_field(reader, "pre"))
    bpe.decoder = decoders.ByteLevel()
    special = [piece for piece, kind in zip(pieces, kinds, strict=True) if kind == CONTROL]
    bpe.add_special_tokens([AddedToken(piece, normalized=False, special=True) for piece in special])
    named = {"bos_token": tokens.bos, "eos_token": tokens.eos, "pad_token": tokens.pad}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=bpe, clean_up_tokenization_spaces=False, **named)
    tokenizer.chat_template = TEMPLATE.read_text(encoding="utf-8")
    return tokenizer


def _pre_tokenizer(name: str) -> Any:
    """Return how a text is split before the merges, by llama.cpp's name for it."""
    from tokenizers import pre_tokenizers

    words = pre_tokenizers.ByteLevel(add_prefix_space=False)
    if name == "gpt-2":
        return words
    if name == "smollm":
        return pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), words])
    raise InputError(f"tokenizer.ggml.pre is {name!r}; expected 'gpt-2' or 'smollm'")


def _field(reader: Any, name: str) -> Any:
    found = reader.get_field(f"tokenizer.ggml.{name}")
    if found is None:
        raise InputError(f"found no tokenizer.ggml.{name}; expected a byte-level BPE tokenizer")
    return found.contents()
