"""toolworld: a generated tool-calling benchmark, the paper's four benchmarks in miniature.

A split is `kind/tools`: `single` (look-alike tools), `typed` (numbers, dates, enumerations, optional arguments),
`dialogue` (a value stands in an earlier turn) or `parallel` (two or three calls), with `seen` or `unseen` tools. The
nouns and the made-up words of unseen tools occur nowhere in training. A conversation's checksum decides whether it
may be a training, a validation or a test sample, so the three cannot overlap, whatever the seeds.
"""

import zlib
from collections.abc import Iterator
from itertools import count, islice
from random import Random
from typing import get_args

from ttsi.benchmarks.toolworld.grammar import Exchange, Source, Verbed, draw_exchange, draw_tools
from ttsi.benchmarks.toolworld.lexicon import KINDS
from ttsi.records import LAST_SEED, InputError, PracticeExample, Request, Sample, Subset

SUBSETS: tuple[Subset, ...] = get_args(Subset)
SPLITS = tuple(f"{kind}/{tools}" for kind in KINDS for tools in ("seen", "unseen"))


def subset_of(exchange: Exchange) -> Subset:
    """Return the one subset that may hold this conversation: 1/8 test, 1/8 validation, the rest training."""
    text = "\n".join(message.content for message in exchange.messages)
    bucket = zlib.crc32(text.lower().encode()) % 8
    return "test" if bucket == 0 else "validation" if bucket == 1 else "train"


def source_of(tools: str, subset: Subset) -> Source:
    """Return where the words of `seen` or `unseen` tools come from."""
    return "real" if tools == "seen" else "invented" if subset == "train" else "reserved"


def draw_in_subset(rng: Random, kind: str, source: Source, tools: tuple[Verbed, ...], subset: Subset) -> Exchange:
    """Draw conversations that some of `tools` answer until the subset may hold one."""
    while True:
        exchange = draw_exchange(rng, kind, source, tools)
        if subset_of(exchange) == subset:
            return exchange


def _sample(sample_id: str, tools: tuple[Verbed, ...], exchange: Exchange) -> Sample:
    request = Request(id=sample_id, messages=exchange.messages, tools=tuple(tool.as_tool() for tool in tools))
    return Sample(request=request, gold=exchange.calls)


def samples(split: str, *, subset: Subset = "test", seed: int = 0) -> Iterator[Sample]:
    """Yield the endless, repeatable stream of samples of one split, subset and seed.

    Raises:
        InputError: the split or the subset does not exist, or the seed is negative or too large.
    """
    if not 0 <= seed <= LAST_SEED:
        raise InputError(f"seed is {seed}; expected 0 to {LAST_SEED}")
    if split not in SPLITS:
        raise InputError(f"unknown split {split!r} of toolworld; expected one of {', '.join(SPLITS)}")
    if subset not in SUBSETS:
        raise InputError(f"unknown subset {subset!r} of toolworld; expected one of {', '.join(SUBSETS)}")
    return (_drawn(f"toolworld/{split}/{subset}/{seed}/{index}", split, subset) for index in count())


def _drawn(sample_id: str, split: str, subset: Subset) -> Sample:
    kind, tools_seen = split.split("/")
    rng, source = Random(sample_id), source_of(tools_seen, subset)
    tools = draw_tools(rng, kind, source)
    return _sample(sample_id, tools, draw_in_subset(rng, kind, source, tools, subset))


def load(split: str, *, subset: Subset = "test", seed: int = 0, limit: int) -> list[Sample]:
    """Return the first `limit` of `samples`."""
    return list(islice(samples(split, subset=subset, seed=seed), limit))


def lessons(
    *, seed: int, start: int = 0, seen_share: float = 0.35, reserved_share: float = 0.0
) -> Iterator[tuple[Sample, PracticeExample]]:
    """Yield training lessons from number `start` on: kinds in equal parts, real words in `seen_share` of them.

    A lesson is a sample, and a second conversation over the same tools: what a practice example should look like.
    Only a teacher's lessons have words reserved for the unseen splits, in `reserved_share` of them; the conversations
    are the training subset's all the same.
    """
    for index in count(start):
        lesson_id = f"toolworld/lessons/train/{seed}/{index}"
        rng = Random(lesson_id)
        kind: str = rng.choice(KINDS)
        share = rng.random()
        source: Source = (
            "real" if share < seen_share else "reserved" if share < seen_share + reserved_share else "invented"
        )
        tools = draw_tools(rng, kind, source)
        first, second = (draw_in_subset(rng, kind, source, tools, "train") for _ in range(2))
        example = PracticeExample(messages=second.messages, calls=second.calls)
        yield _sample(lesson_id, tools, first), example
