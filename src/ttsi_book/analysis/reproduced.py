"""Our counterpart of each number that the paper reports, from published runs, under the names of `data/paper.toml`.

The same computation serves two studies: toolworld, whose unseen splits mirror the four benchmarks in miniature, and the
paper's own benchmarks, once `make paper` has run. Shares and their differences lie between -1 and 1, with an interval
over samples: the seeds of a sample are averaged first, and an average over benchmarks weighs each of them alike.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ttsi.evaluation.comparison import COLUMNS
from ttsi.evaluation.costs import seconds_adapted, seconds_kept
from ttsi.evaluation.statistics import Interval, bootstrap_interval, mean_interval
from ttsi.records import InputError
from ttsi.settings import Decoding, is_uncertain
from ttsi.studies.published import read_study, replay

MIRRORS = {
    "single/unseen": "sealtool",
    "typed/unseen": "nexusraven",
    "dialogue/unseen": "apibank",
    "parallel/unseen": "toolalpaca",
}
"""The splits of toolworld, and the benchmark that each mirrors in miniature."""

REPRODUCED = tuple(sorted(MIRRORS.values()))
MODES: dict[str, Decoding] = {"direct": "direct", "majority_vote": "majority-vote", "pass_at_5": "pass@5"}
"""What the paper's numbers call the decoding modes."""


Counterparts = dict[str, Interval | float]
"""By name: a share, a difference of shares or seconds with an interval, or a count or a setting."""


@dataclass(frozen=True)
class Study:
    """Published runs of one model on the benchmarks, each family's rows indexed by benchmark, sample and seed."""

    families: Mapping[str, pd.DataFrame]

    @classmethod
    def read(cls, folder: Path) -> "Study":
        """Return every family of a folder of published runs; rows of toolworld count for what their split mirrors.

        Raises:
            InputError: the folder holds no published runs.
        """
        rows = read_study(folder)
        named = rows["sample_id"].str.partition("/")[0]
        mirrored = rows["split"].map(MIRRORS.get)
        rows["benchmark"] = named.where(named != "toolworld", mirrored)
        rows = rows.dropna(subset="benchmark").set_index(["benchmark", "sample_id", "seed"], drop=False).sort_index()
        return cls(dict(iter(rows.groupby("family"))))  # pyright: ignore[reportArgumentType]

    def has(self, *families: str) -> bool:
        """Return whether rows of all these families are there."""
        return all(family in self.families for family in families)

    def right(self, family: str, mode: Decoding = "direct") -> pd.Series:
        """Return whether each row of a family is right, every sample adapted where the family adapts."""
        return _right(self.families[family], mode)

    def replayed(self, family: str, tau: float, *, base: str = "base") -> pd.DataFrame:
        """Return the rows of a family behind the gate at tau; `base` is the family of those left alone."""
        return replay(self.families[family], tau=tau, base=self.families[base])

    def gain(self, family: str, tau: float, mode: Decoding = "direct", *, base: str = "base") -> pd.Series:
        """Return what each row of a family gains on base behind the gate at tau: 1, 0 or -1.

        A greedy answer is compared with that of its own run before it learned, since another machine rounds otherwise.
        """
        gated = self.replayed(family, tau, base=base)
        alone = self.right(base, mode).reindex(gated.index) if mode != "direct" else gated["base_correct"].astype(float)
        return _right(gated, mode) - alone


def counterparts(study: Study, *, tau: float, low_tau: float) -> Counterparts:
    """Return what a study has for the numbers of the paper: shares with intervals, counts for each run.

    The gate's threshold is `tau`; `low_tau` is the lower one that the paper tried.
    """
    found: dict[str, Interval | float | None] = {}
    for method, prefix in (("tt-si", "tt_si"), ("tt-d", "tt_d")):
        if study.has("base", method):
            averages = {name: _average(study.gain(method, tau, mode)) for name, mode in MODES.items()}
            found |= {f"average.{prefix}_{name}_gain": gain for name, gain in averages.items()}
    if study.has("base"):
        found["average.base_direct"] = _average(study.right("base"))
    if study.has("base", "tt-si"):
        found["average.tt_si_direct"] = _average(_right(study.replayed("tt-si", tau)))
        gains = _by_benchmark(study.gain("tt-si", tau))
        found |= {f"gain.{name}": mean_interval(by_sample) for name, by_sample in gains.items()}
        found |= _sealtool(study, tau, low_tau)
    found["average.tt_si_direct_gain_conference"] = found.get("average.tt_si_direct_gain")
    return {name: value for name, value in found.items() if value is not None}


def average_gain(study: Study, family: str, tau: float) -> Interval:
    """Return the gain on base of a family behind the gate, direct answers, every benchmark alike.

    Raises:
        InputError: a benchmark is missing.
    """
    gain = _average(study.gain(family, tau))
    if gain is None:
        raise InputError(f"{family}: found not every benchmark; expected {', '.join(REPRODUCED)}")
    return gain


def latencies(study: Study, *, tau: float) -> Counterparts:
    """Return the seconds of a sample of SealTool, or of its mirror, as the paper divides them."""
    base, rows = (study.families[family].loc[["sealtool"]] for family in ("base", "tt-si"))
    uncertain = is_uncertain(rows["margin"], tau).to_numpy()
    adapted, kept = (seconds.sum(axis=1) for seconds in (seconds_adapted(rows), seconds_kept(rows, base)))
    groups = {"base": base["seconds_base"], "uncertain": adapted[uncertain], "certain": kept[~uncertain]}
    means = {name: seconds.groupby(level="sample_id").mean() for name, seconds in groups.items()}
    return {f"latency.{name}": mean_interval(seconds) for name, seconds in means.items() if len(seconds)}


def settings(config: Mapping[str, Any], *, runs: int) -> Counterparts:
    """Return the settings of a configuration of TT-SI; an adapter is trained on one practice example at a time."""
    loop = config["loop"]
    values = {name: float(loop[name]) for name in ("tau", "k")}
    values |= {name: float(loop["lora"][name]) for name in ("rank", "alpha", "learning_rate", "epochs")}
    values |= {"runs": float(runs), "batch_size": 1.0}
    return {f"settings.{name}": value for name, value in values.items()}


def _sealtool(study: Study, tau: float, low_tau: float) -> Counterparts:
    gated = study.replayed("tt-si", tau)
    columns = {
        "tt_si": _right(gated),
        "tt_si_all": study.right("tt-si"),
        "tt_si_certain": study.right("tt-si").where(~gated["uncertain"], gated["base_correct"].astype(float)),
        "tt_si_tau_0_35": _right(study.replayed("tt-si", low_tau)),
        "base": study.right("base"),
    }
    if study.has("sft"):
        columns["sft"] = study.right("sft")
    if study.has("base-7b", "tt-si-7b"):
        columns["qwen_7b_gain"] = study.gain("tt-si-7b", tau, base="base-7b")
    runs = gated["adapted"].loc[["sealtool"]].groupby("seed").agg(["size", "sum"]).mean()
    found = {f"sealtool.{name}": mean_interval(_samples(one, "sealtool")) for name, one in columns.items()}
    return {**found, "sealtool.test_samples": runs["size"], "sealtool.uncertain_samples": runs["sum"]}


def _right(rows: pd.DataFrame, mode: Decoding = "direct") -> pd.Series:
    return pd.Series(rows[COLUMNS[mode]], dtype=float)


def _samples(values: pd.Series, benchmark: str) -> np.ndarray:
    """Return one value a sample, averaged over its seeds."""
    return values.loc[[benchmark]].groupby("sample_id").mean().to_numpy()


def _by_benchmark(values: pd.Series) -> dict[str, np.ndarray]:
    present = values.index.get_level_values("benchmark").unique()
    return {name: _samples(values, name) for name in REPRODUCED if name in present}


def _average(values: pd.Series) -> Interval | None:
    """Return the mean over benchmarks with the interval of a bootstrap within each; none if one of them is missing."""
    groups = list(_by_benchmark(values).values())
    if len(groups) < len(REPRODUCED):
        return None
    return bootstrap_interval(_mean_of_means, *groups)


def _mean_of_means(*groups: np.ndarray, axis: int = -1) -> np.ndarray:
    return np.mean([np.mean(group, axis=axis) for group in groups], axis=0)
