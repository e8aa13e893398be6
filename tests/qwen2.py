"""A model of the shape of Qwen2.5, small and with random weights: real loading, template and parsing paths, offline.

What makes it Qwen2.5's: grouped-query attention with biases on q, k and v, tied embeddings, byte-level BPE with Qwen2's
normaliser and pre-tokenizer, its special tokens (`<tool_call>` is none), its template's parts in their order, and a
generation_config.json that advises sampling with a repetition penalty (a high one: following it would show).
"""

from pathlib import Path

import torch
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import GenerationConfig, Qwen2Config, Qwen2ForCausalLM, Qwen2Tokenizer
from transformers.models.qwen2.tokenization_qwen2 import PRETOKENIZE_REGEX

START, END, PAD = "<|im_start|>", "<|im_end|>", "<|endoftext|>"
DEFAULT_SYSTEM = "You are a small model. You answer with calls."

SENTENCES = (
    "Find a table for four guests in Rome on 3 May 2026, please.",
    "Book the cheapest hotel near the station, and tell me what the weather will be.",
    '{"name": "find_hotel", "arguments": {"city": "Rome", "guests": 4, "stars": 3.5, "pool": true}}',
    '{"name": "get_weather", "arguments": {"city": "Oslo", "days": [1, 2, 3], "unit": null}}\n',
    '{"type": "function", "function": {"name": "find", "description": "Finds it.", "parameters": {"type": "object"}}}',
    '{"name": "x", "arguments": {}}\n',
)

CHAT_TEMPLATE = """\
{%- macro turn(role, text) %}{{ '<|im_start|>' + role + '\\n' + text + '<|im_end|>\\n' }}{% endmacro -%}
{%- set given = messages[0].role == 'system' -%}
{%- set system = messages[0].content if given else DEFAULT -%}
{%- if tools -%}
{{- '<|im_start|>system\\n' + system + '\\n\\n# Tools\\n\\nThese functions may be called:\\n<tools>' }}
{%- for tool in tools %}{{ '\\n' + tool | tojson }}{% endfor %}
{{- '\\n</tools>\\n\\nWrite each call as JSON:\\n<tool_call>\\n{"name": <name>, "arguments": <object>}' }}
{{- '\\n</tool_call><|im_end|>\\n' }}
{%- else %}{{ turn('system', system) }}{% endif -%}
{%- for message in messages %}
{%- if message.role == 'tool' %}
{%- if loop.first or messages[loop.index0 - 1].role != 'tool' %}{{ '<|im_start|>user' }}{% endif %}
{{- '\\n<tool_response>\\n' + message.content + '\\n</tool_response>' }}
{%- if loop.last or messages[loop.index0 + 1].role != 'tool' %}{{ '<|im_end|>\\n' }}{% endif %}
{%- elif message.tool_calls %}
{{- '<|im_start|>assistant' + ('\\n' + message.content if message.content else '') }}
{%- for call in message.tool_calls %}
{%- set f = call.function if call.function else call %}
{{- '\\n<tool_call>\\n{"name": "' + f.name + '", "arguments": ' + f.arguments | tojson + '}\\n</tool_call>' }}
{%- endfor %}{{ '<|im_end|>\\n' }}
{%- elif not (given and loop.first) %}{{ turn(message.role, message.content) }}
{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif -%}""".replace("DEFAULT", f"'{DEFAULT_SYSTEM}'")


def build_tokenizer(vocabulary: int = 640) -> Qwen2Tokenizer:
    """Train a tokenizer as Qwen2's are, on a few sentences."""
    bpe = Tokenizer(models.BPE())
    bpe.normalizer = normalizers.NFC()
    split = pre_tokenizers.Split(Regex(PRETOKENIZE_REGEX), behavior="isolated")
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    bpe.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    bpe.train_from_iterator(
        SENTENCES, trainers.BpeTrainer(vocab_size=vocabulary, initial_alphabet=alphabet, show_progress=False)
    )
    bpe.add_special_tokens([PAD, START, END])
    bpe.add_tokens([AddedToken(tag, normalized=False) for tag in ("<tool_call>", "</tool_call>")])
    return Qwen2Tokenizer(tokenizer_object=bpe, eos_token=END, pad_token=PAD, chat_template=CHAT_TEMPLATE)


def build_model(tokenizer: Qwen2Tokenizer, *, seed: int = 0, shape: dict[str, int] | None = None) -> Qwen2ForCausalLM:
    """Make a model with random weights; `shape` differs from a small default, in the configuration's own words."""
    torch.manual_seed(seed)
    config = Qwen2Config.from_dict(
        {
            "vocab_size": len(tokenizer),
            "tie_word_embeddings": True,
            "eos_token_id": tokenizer.eos_token_id,
            "pad_token_id": tokenizer.pad_token_id,
            "hidden_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "intermediate_size": 160,
            "max_position_embeddings": 4096,
            **(shape or {}),
        }
    )
    return Qwen2ForCausalLM(config).eval()


def save(folder: Path, *, shard_size: str = "5GB", shape: dict[str, int] | None = None) -> Path:
    """Write a model folder as the hub has it; a small `shard_size` splits the weights."""
    tokenizer = build_tokenizer()
    model = build_model(tokenizer, shape=shape)
    ends = [tokenizer.get_vocab()[token] for token in (END, PAD)]
    model.generation_config = GenerationConfig(
        do_sample=True,
        temperature=0.7,
        top_p=0.8,
        top_k=20,
        repetition_penalty=5.0,
        eos_token_id=ends,
        pad_token_id=ends[1],
    )
    model.save_pretrained(folder, max_shard_size=shard_size)
    tokenizer.save_pretrained(folder)
    return folder
