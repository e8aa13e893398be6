"""Methods compared on the same samples: how often each is right, and what one gains on another, paired.

Everything follows from one table of right and wrong (`right_answers`): a row for each sample, a column for each method
and decoding mode. Rows of all seeds are pooled, since each seed draws samples of its own; a split weighs as many
samples as it has.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from statsmodels.stats.multitest import multipletests

from ttsi.evaluation.statistics import (
    CONFIDENCE,
    Interval,
    difference_interval,
    mcnemar,
    mean_interval,
    proportion_interval,
)
from ttsi.evaluation.texts import interval_text
from ttsi.records import InputError
from ttsi.settings import METHODS, Decoding, LoopSettings, is_uncertain
from ttsi.studies.families import FAMILIES
from ttsi.studies.published import Replayed, margins_of, read_study, replay

Answers = tuple[str, Decoding]
"""A method and how its answers are decoded: a column of `right_answers`."""

COLUMNS: dict[Decoding, str] = {"direct": "greedy_correct", "majority-vote": "vote_correct", "pass@5": "pass_correct"}
LABELS = {
    "base": "base",
    "constrained": "constrained",
    "tt-si-paper-gate": "TT-SI, paper's gate",
    "tt-si": "TT-SI, tuned",
    "tt-d": "TT-D",
    "tt-d-oracle": "TT-D (oracle)",
    "tt-icl": "TT-ICL",
    "icl": "ICL",
    "sft": "SFT",
    "tt-si-constrained": "TT-SI, tuned + constrained",
    "tt-d-constrained": "TT-D + constrained",
    "tt-icl-constrained": "TT-ICL + constrained",
    "tt-si-activated": "TT-SI, tuned, activated",
}
"""What figures and tables call the published families. Plain "TT-SI" is kept for the paper's setting in full."""

PAPER_GATE = "tt-si-paper-gate"
PRIMARY: tuple[tuple[Answers, Answers], ...] = (
    (("base", "direct"), (PAPER_GATE, "direct")),
    (("base", "direct"), ("tt-si", "direct")),
    (("base", "direct"), ("constrained", "direct")),
    (("constrained", "direct"), ("tt-si-constrained", "direct")),
    (("base", "majority-vote"), ("tt-si", "majority-vote")),
)
"""The comparisons that the book is about, whatever comes of them; all others are exploratory. The first published rows
were known when this list was written; it stays as it is for those to come."""

FEW = 10
"""Right or wrong answers below which the bootstrap of a share is too narrow."""


def read_methods(folder: Path, *families: str, tau: float, gate: Replayed = "uncertain") -> dict[str, pd.DataFrame]:
    """Return the published rows of families (all, if none is named), those that practise behind a gate.

    Raises:
        InputError: a family is not there.
    """
    methods = {}
    for family in families or FAMILIES:
        methods[family] = rows = read_study(folder, family)
        if METHODS[FAMILIES[family]["method"]]["author"] in ("self", "teacher"):
            base = read_study(folder, "base") if _complete(rows["vote_correct"]) else None
            methods[family] = replay(rows, tau=tau, gate=gate, base=base)
    return methods


def behind_paper_gate(folder: Path) -> pd.DataFrame:
    """Return the published rows of `tt-si` behind the paper's gate, the default of the settings; the rest is ours.

    The margins are those that the rows of `base` hold of the same answers.

    Raises:
        InputError: a family is not there.
    """
    base, rows, loop = read_study(folder, "base"), read_study(folder, "tt-si"), LoopSettings()
    margins = margins_of(base)[loop.estimator].set_axis(base["sample_id"])
    return replay(rows.assign(margin=margins.loc[rows["sample_id"]].to_numpy()), tau=loop.tau, base=base)


def right_answers(methods: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return whether each sample is right, for each method and each decoding mode that its rows hold.

    Rows are as `ttsi.studies.published.read_study` returns them. Index of the truth values is (split, seed,
    sample_id), columns are (method, decoding).

    Raises:
        InputError: the methods did not answer the same samples.
    """
    columns, samples = {}, None
    for method, rows in methods.items():
        indexed = rows.set_index(["split", "seed", "sample_id"]).sort_index()
        samples = indexed.index if samples is None else samples
        if not indexed.index.equals(samples):
            differing = len(samples.symmetric_difference(indexed.index))
            found = f"{len(indexed)} rows, {differing} samples in one of the two only"
            raise InputError(f"{method}: found {found}; expected the samples of {next(iter(methods))}, once each")
        for decoding, column in COLUMNS.items():
            if _complete(indexed[column]):
                columns[method, decoding] = indexed[column].astype(bool)
    return pd.DataFrame(columns).rename_axis(columns=["method", "decoding"])


def accuracy(right: ArrayLike) -> Interval:
    """Return the share of right answers with its percentile bootstrap interval.

    With fewer than 10 right or 10 wrong answers it is Wilson's interval: the bootstrap would be too narrow, and of no
    width at all where every answer is right.
    """
    answers = np.asarray(right, dtype=bool)
    few = min(answers.sum(), (~answers).sum()) < FEW
    return proportion_interval(int(answers.sum()), len(answers)) if few else mean_interval(answers)


def accuracies(right: pd.DataFrame) -> pd.DataFrame:
    """Return `method`, `decoding` and the `estimate`, `low`, `high`, `n` of `accuracy`, a row for each column."""
    rows = [
        {"method": method, "decoding": decoding, **vars(accuracy(right[method, decoding]))}
        for method, decoding in right.columns
    ]
    return pd.DataFrame(rows)


def differences(right: pd.DataFrame, pairs: Iterable[tuple[Answers, Answers]]) -> pd.DataFrame:
    """Compare pairs of columns, before and after, on the same samples.

    Returns:
        A row for each pair: `before`, `after`; the `estimate`, `low`, `high` of the difference in accuracy (a share) by
        the paired bootstrap; `fixed`, `broken`, `n` and `p_value` of McNemar's exact test; and `p_holm`, the same
        adjusted for the number of pairs (Holm 1979), which bounds the chance of one or more false discoveries.
    """
    rows = [
        {"before": before, "after": after}
        | vars(difference_interval(right[before], right[after]))
        | vars(mcnemar(right[before], right[after]))
        for before, after in pairs
    ]
    return with_holm(pd.DataFrame(rows))


def with_holm(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table of tests with `p_holm`: its `p_value`, adjusted for the number of its rows (Holm 1979)."""
    return table.assign(p_holm=multipletests(table["p_value"], method="holm")[1])


def tau_for(margins: ArrayLike, share: float) -> float:
    """Return the tau at which the gate `margin < tau` flags the share of samples nearest to `share`."""
    values = np.asarray(margins, dtype=np.float64)
    taus = np.unique(np.append(values, 1.0))
    flagged = [np.mean(is_uncertain(values, tau)) for tau in taus]
    return float(taus[np.argmin(np.abs(np.array(flagged) - share))])


# -- as text --------------------------------------------------------------------------------------------------------


def answers_label(answers: Answers) -> str:
    """Return what figures and tables call a method's answers: the decoding mode is named unless it is `direct`."""
    method, decoding = answers
    return LABELS.get(method, method) + ("" if decoding == "direct" else f" ({decoding.replace('-', ' ')})")


def readable_accuracies(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table of methods: a row for each method, a column for each decoding mode, percent (95% interval)."""
    cells = [interval_text(row) for row in table.itertuples()]
    modes = list(dict.fromkeys(table["decoding"]))
    wide = table.assign(cell=cells).pivot(index="method", columns="decoding", values="cell").fillna("–")
    wide = wide.loc[list(dict.fromkeys(table["method"])), modes].rename(index=LABELS)
    return wide.rename_axis(index=None, columns=None)


def readable_differences(table: pd.DataFrame) -> pd.DataFrame:
    """Return `differences` as text, a row for each method that stands after: points (95% interval), counts, p."""
    cells = {
        "points (95% interval)": [interval_text(row, "points") for row in table.itertuples()],
        "fixed / broken": table["fixed"].astype(str) + " / " + table["broken"].astype(str),
        "p": table["p_value"].map(p_text),
        "p, Holm": table["p_holm"].map(p_text),
    }
    return pd.DataFrame(cells).set_index(pd.Index([answers_label(after) for after in table["after"]]))


def share_text(share: Interval) -> str:
    """Return a share with its interval in percent: `72.4% (66.0–78.1)`."""
    return interval_text(share)


def points_text(difference: Interval) -> str:
    """Return a difference of shares with its interval in percentage points: `+3.2 (+0.8 to +5.6)`."""
    return interval_text(difference, "points")


def p_text(p_value: float) -> str:
    """Return a p value with three decimals: `0.031`; small ones are `<0.001`."""
    return "<0.001" if p_value < 0.001 else f"{p_value:.3f}"


def effect_text(tested: Any) -> str:
    """Return in words what a row of `differences` says at the 5% level: a gain, a loss, or none.

    Where the interval and the adjusted p value disagree, it says which of the two shows an effect.
    """
    significant, apart = tested.p_holm < 1 - CONFIDENCE, tested.low > 0 or tested.high < 0
    if not apart and not significant:
        return "no effect that these samples can tell from chance"
    alone = "" if significant and apart else f" by its {'interval' if apart else 'p value'} alone"
    return f"a {'gain' if tested.estimate > 0 else 'loss'}{alone}"


def _complete(column: Any) -> bool:
    return not np.any(column.isna())
