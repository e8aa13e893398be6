"""What is measured, most important first: models, prompts and batches, for a CPU and for one GPU."""

from dataclasses import dataclass, field

REPEATS = 5
ONE_BY_ONE = {"naive": 8, "sequential": 8}
MANY = ("batched", "activated")


@dataclass(frozen=True)
class Case:
    """One workload on one model, by several ways."""

    model: str
    """`tiny`, a shape of `ttsi.speed.workload.SHAPES`, or the name of a pinned model, whose shape it is."""
    samples: dict[str, int]
    """How many samples each way adapts to in a repetition; the batched ones take them as one batch."""
    prefix: int | None = None
    """Tokens that a sample's prompts share; none: samples of toolworld."""
    k: int = 1
    dtype: str = "float32"
    threads: dict[str, int] = field(default_factory=dict)
    """CPU threads of a way; 2 where it is not named."""


def _many(batch: int) -> dict[str, int]:
    return dict.fromkeys(MANY, batch)


TINY = {"naive": 1, "sequential": 1}
"""A model this small is faster on one thread, a sample at a time."""

CPU = [
    Case("tiny", {**ONE_BY_ONE, **_many(64)}, threads=TINY),
    Case("135M", {"sequential": 1, "activated": 4}, prefix=600),
    *(Case("tiny", _many(batch)) for batch in (1, 4, 16, 128)),
    Case("tiny", {"sequential": 2, **_many(8)}, prefix=100, threads=TINY),
    Case("tiny", {"sequential": 1, **_many(8)}, prefix=600, threads=TINY),
    Case("tiny", {"sequential": 2, **_many(16)}, k=5, threads=TINY),
    Case("30M", {"sequential": 1, "batched": 2, "activated": 16}, prefix=600),
]

QWEN = "Qwen/Qwen2.5-1.5B-Instruct"
GPU = [
    Case(QWEN, {"activated": 256, "naive": 1}, prefix=600, dtype="bfloat16"),
    Case(QWEN, {"activated": 64, "batched": 64, "sequential": 1}, prefix=600, dtype="bfloat16"),
    Case("135M", {"activated": 256, "sequential": 1}, prefix=600, dtype="bfloat16"),
    Case(QWEN, {"activated": 64}, prefix=600, k=5, dtype="bfloat16"),
    *(Case(QWEN, {"activated": batch}, prefix=600, dtype="bfloat16") for batch in (1, 4, 16, 128)),
    *(Case(QWEN, {"activated": 64, "sequential": 1}, prefix=prefix, dtype="bfloat16") for prefix in (100, 2300)),
]
UNSLOTH = [Case(QWEN, {"unsloth": 1}, prefix=prefix, dtype="bfloat16") for prefix in (600, 100, 2300)]

PLANS = {"cpu": CPU, "gpu": GPU, "unsloth": UNSLOTH}
"""`unsloth` is a plan of its own: it changes the classes of transformers for its whole process."""
