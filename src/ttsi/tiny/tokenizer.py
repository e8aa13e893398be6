"""The tiny agent's tokenizer: byte-level BPE over words, digits and runs of punctuation, and a ChatML template."""

from collections.abc import Iterable
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from ttsi.calls import CLOSE, OPEN

START, END, PAD = "<|im_start|>", "<|im_end|>", "<|endoftext|>"

_PIECES = Regex(r"[A-Za-z]+|\d|\n| |[^A-Za-z\d\n]+")
"""A word is the same tokens wherever it stands (no leading blank), so that copying it is copying them."""

CHAT_TEMPLATE = Path(__file__).with_name("chat_template.jinja").read_text(encoding="utf-8").removesuffix("\n")
"""ChatML; a tool is one line, `find_hotel(city,date?:date,size:small|large)`, with `?` after optional arguments."""


def train_tokenizer(texts: Iterable[str], *, vocabulary: int) -> PreTrainedTokenizerFast:
    """Train the tokenizer on rendered training texts; its vocabulary counts the special tokens, too."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(_PIECES, behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[PAD, START, END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator((text.replace(OPEN, "\n").replace(CLOSE, "\n") for text in texts), trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=bpe, eos_token=END, pad_token=PAD)
    tokenizer.add_tokens([OPEN, CLOSE])
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer
