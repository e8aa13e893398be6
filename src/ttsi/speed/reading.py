"""Reading the benchmark's table: ratios of ways over repetitions, the bars, the roofline."""

from dataclasses import dataclass
from math import isnan
from pathlib import Path

import pandas as pd
import torch
from transformers import AutoConfig

from ttsi.backends.memory import Batch, memory
from ttsi.evaluation.statistics import Interval, mean_interval
from ttsi.evaluation.texts import interval_text
from ttsi.records import InputError
from ttsi.runs.provenance import Provenance
from ttsi.settings import LoraSettings
from ttsi.speed.cases import QWEN

DENSE_FLOPS = {"NVIDIA H100": 989e12, "NVIDIA H200": 989e12}
"""Peak of dense bfloat16 products a second, from the maker's data sheet."""


@dataclass(frozen=True)
class Bar:
    """A ratio of seconds per adapted sample that a faster way is to reach."""

    what: str
    model: str
    toolworld: bool
    slow: str
    fast: str
    batch: int
    """Of the faster way."""
    at_least: float


BARS = (
    Bar("toolworld prompts, batched against the naive loop", "tiny", True, "naive", "batched", 64, 8.0),
    Bar("toolworld prompts, one prefill against the naive loop", "tiny", True, "naive", "activated", 64, 10.0),
    Bar("135M, 600-token prefixes, one prefill against sequential", "135M", False, "sequential", "activated", 4, 5.0),
)
"""On two CPU cores, one practice example, five steps."""

GPU_BARS = (
    Bar("600-token prefixes, one prefill against the naive loop", QWEN, False, "naive", "activated", 256, 150.0),
    Bar("600-token prefixes, one prefill against Unsloth", QWEN, False, "unsloth", "activated", 256, 120.0),
)
"""On one H200, the same."""
GPU_SECONDS, GPU_ROOFLINE = 0.04, 0.40
"""Of an adapted sample with one prefill, at most; of the training's arithmetic at the peak, at least."""


def read_bench(path: Path) -> tuple[pd.DataFrame, Provenance]:
    """Return what was measured, a row for each repetition of a way, and what made it.

    Raises:
        InputError: there is no such table.
    """
    try:
        table = pd.read_parquet(path)
        made = Provenance.model_validate_json(path.with_suffix(".json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as a benchmark: {error}; expected one of `ttsi bench`") from error
    return table, made


def ratio(rows: pd.DataFrame, slow: str, fast: str) -> Interval:
    """Return how many times the seconds of `fast` those of `slow` are, from the repetitions of one case.

    Within a repetition ways take turns, so the ratio is taken there; each way counts with its best number of threads.
    """
    columns = []
    for way in (slow, fast):
        repeats = rows[rows["way"] == way].pivot(index="repeat", columns=["batch", "threads"], values="seconds")
        columns.append(repeats[repeats.mean().idxmin()])
    return mean_interval((columns[0] / columns[1]).dropna())


def bar_rows(table: pd.DataFrame, bar: Bar) -> pd.DataFrame:
    """Return the rows of the case that a bar is about: one practice example, and 600 tokens where they are random."""
    rows = table.query("model == @bar.model and toolworld == @bar.toolworld and k == 1")
    rows = rows.query("(way == @bar.slow and batch == 1) or (way == @bar.fast and batch == @bar.batch)")
    return rows if bar.toolworld else rows.query("prefix == 600")


def verdict(found: Interval, *, at_least: float) -> str:
    """Return whether what was hoped for is reached, by the whole interval."""
    return "reached" if found.low >= at_least else "missed" if found.high < at_least else "cannot be told"


def readable_bench(table: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each way of each case: its mean seconds with interval, tokens trained on a second, memory."""
    prompts = table["prefix"].map("{:.0f} tokens".format).mask(table["toolworld"], "toolworld")
    case = table["model"] + ", " + prompts + ", K " + table["k"].astype(str)
    threads = (table["threads"] == 1).map(lambda alone: ", one thread" if alone else "")
    way = table["way"] + " × " + table["batch"].astype(str) + threads
    named = table.assign(case=pd.Categorical(case, case.unique()), way=way).sort_values("case", kind="stable")
    ways = named.groupby(["case", "way"], sort=False, observed=True)
    return pd.DataFrame({key: _readable(of_way) for key, of_way in ways}).T.rename_axis(["case", "way"])


def _readable(of_way: pd.DataFrame) -> dict[str, str]:
    spent, peak = mean_interval(of_way["seconds"]), of_way["peak_bytes"].to_numpy(float).max()
    trained = of_way["tokens_adaptation"].sum() / of_way["seconds_adaptation"].sum()
    return {
        "seconds": interval_text(spent, ".3g") if len(of_way) > 1 else f"{spent.estimate:.3g}, measured once",
        "trained tokens a second": f"{trained:,.0f}",
        "peak, MB": "not measured" if isnan(peak) else f"{peak / 1e6:,.0f}",
    }


def roofline_share(rows: pd.DataFrame, shape: dict, device: str) -> Interval | None:
    """Return what share of the device's peak training reaches, over repetitions; none where the peak is not known.

    With one prefill the tokens of the prefix are not computed again, and do not count.
    """
    peak = next((flops for name, flops in DENSE_FLOPS.items() if name in device), None)
    if not peak:
        return None
    unread = LoraSettings().epochs * rows["k"] * rows["prefix"] * (rows["way"] == "activated")
    flops = (rows["tokens_adaptation"] - unread).map(lambda tokens: training_flops(shape, tokens))
    return mean_interval(flops / rows["seconds_adaptation"] / peak)


def training_flops(shape: dict, tokens: float) -> float:
    """Return the floating-point operations of training on so many tokens: forward and back, without base gradients.

    Two for each weight and token forward, and two back to the inputs; the embedding's look-up is free, the head counts.
    """
    weights = memory(AutoConfig.for_model(**shape), Batch(1, 0), lora=LoraSettings(), dtype=torch.bfloat16).weights / 2
    if not shape.get("tie_word_embeddings"):
        weights -= shape["vocab_size"] * shape["hidden_size"]
    return 4 * weights * tokens
