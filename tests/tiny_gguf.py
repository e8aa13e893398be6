"""A model of the shape of SmolLM2, small and with random weights, as it is had: a GGUF file in a wheel, pinned.

As llama.cpp converts a model: rows of the query and key projections permuted, the projections in four bits.
"""

import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM

from qwen2 import END, PAD, SENTENCES, START

MEMBER = "tiny_model/tiny.Q4_1.gguf"
HEADS, KV_HEADS = 4, 2
PARTS = {
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


def build_tokenizer() -> Tokenizer:
    """Train the tokenizer that the file's is to equal: digits alone, then byte-level words."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=[PAD, START, END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator([*SENTENCES, "two  blanks   and  three   blanks"], trainer)
    return bpe


def build_model(vocabulary: int) -> LlamaForCausalLM:
    """Make a model with random weights, each projection such as four bits can hold."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=HEADS,
        num_key_value_heads=KV_HEADS,
        intermediate_size=96,
        max_position_embeddings=2048,
        rms_norm_eps=1e-5,
        rope_parameters={"rope_theta": 100000.0, "rope_type": "default"},
        tie_word_embeddings=True,
    )
    model = LlamaForCausalLM(config).eval()
    for name, weight in model.named_parameters():
        if weight.dim() == 2:
            weight.data = torch.from_numpy(_rounded(weight.detach().numpy(), _kind(name)))
    return model


def write(path: Path, *, architecture: str = "llama", splitting: str = "smollm", tokens: bool = True) -> Path:
    """Write the file; the special tokens that it names are as wrong as SmolLM2's."""
    bpe = build_tokenizer()
    model = build_model(bpe.get_vocab_size())
    writer = gguf.GGUFWriter(str(path), architecture)
    _add_shape(writer, model.config)
    if tokens:
        _add_tokenizer(writer, bpe, splitting)
    for name, weight in model.state_dict().items():
        if name != "lm_head.weight":
            kind = _kind(name)
            stored = gguf.quants.quantize(_permuted(name, weight.numpy()), kind)
            writer.add_tensor(_renamed(name), stored, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def pack(folder: Path, content: bytes) -> Path:
    """Write a wheel that holds the file and asks for a package that nobody has."""
    folder.mkdir(exist_ok=True)
    path = folder / "tiny_model-1.0-py3-none-any.whl"
    about = "tiny_model-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(MEMBER, content)
        needs = "Requires-Dist: no-such-package-of-tiny-model"
        archive.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: tiny-model\nVersion: 1.0\n{needs}\n")
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{about}/RECORD", "")
    return path


def pin(manifest: Path, wheel: Path, content: bytes, **changes: Any) -> Path:
    """Write a manifest that pins the wheel as the model `tiny-gguf`; `changes` are of its table."""
    table = {
        "distribution": "tiny-model",
        "version": "1.0",
        "licence": "none",
        **_checksums(wheel.read_bytes()),
        "member": {"path": MEMBER, **_checksums(content)},
        "tokens": {"bos": START, "eos": END, "pad": PAD},
        **changes,
    }
    lines = ["[tiny-gguf]"]
    for key, value in table.items():
        inline = ", ".join(f"{name} = {json.dumps(one)}" for name, one in value.items()) if key in TABLES else None
        lines.append(f"{key} = {json.dumps(value) if inline is None else '{ ' + inline + ' }'}")
    manifest.write_text("\n".join(lines) + "\n")
    return manifest


TABLES = ("member", "tokens")


def _checksums(content: bytes) -> dict[str, Any]:
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def _add_shape(writer: gguf.GGUFWriter, config: LlamaConfig) -> None:
    writer.add_block_count(config.num_hidden_layers or 0)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_rope_freq_base(100000.0)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(config.vocab_size)
    writer.add_rope_dimension_count(config.hidden_size // HEADS)


def _add_tokenizer(writer: gguf.GGUFWriter, bpe: Tokenizer, splitting: str) -> None:
    pieces = sorted(bpe.get_vocab(), key=bpe.get_vocab().__getitem__)
    control, normal = gguf.TokenType.CONTROL, gguf.TokenType.NORMAL
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(splitting)
    writer.add_token_list(pieces)
    writer.add_token_types([control if piece in (PAD, START, END) else normal for piece in pieces])
    writer.add_token_merges([" ".join(merge) for merge in json.loads(bpe.to_str())["model"]["merges"]])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(2)


def _kind(name: str) -> gguf.GGMLQuantizationType:
    if "norm" in name:
        return gguf.GGMLQuantizationType.F32
    return gguf.GGMLQuantizationType.Q8_0 if "embed" in name else gguf.GGMLQuantizationType.Q4_1


def _rounded(weight: np.ndarray, kind: gguf.GGMLQuantizationType) -> np.ndarray:
    return gguf.quants.dequantize(gguf.quants.quantize(weight, kind), kind)


def _permuted(name: str, weight: np.ndarray) -> np.ndarray:
    """Order rows as llama.cpp does: of each head, the two halves that RoPE turns together interleaved."""
    heads = {"q_proj": HEADS, "k_proj": KV_HEADS}.get(name.split(".")[-2])
    if heads is None:
        return weight
    halves = weight.reshape(heads, 2, len(weight) // heads // 2, weight.shape[1])
    return np.ascontiguousarray(halves.swapaxes(1, 2).reshape(weight.shape))


def _renamed(name: str) -> str:
    ours = name.removesuffix(".weight")
    if ours.startswith("model.layers."):
        number, part = ours.removeprefix("model.layers.").split(".", 1)
        return f"blk.{number}.{PARTS[part]}.weight"
    return f"{PARTS[ours]}.weight"
