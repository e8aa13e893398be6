"""When practice helps a weak model, and when it harms: what it fixed and broke, by setting and by margin."""

import json
from collections.abc import Iterable
from itertools import pairwise
from typing import Any, get_args

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from ttsi.augmentation import VALID
from ttsi.evaluation.annotation import Practised
from ttsi.evaluation.comparison import p_text, points_text, with_holm
from ttsi.evaluation.statistics import difference_interval, proportion_interval
from ttsi.evaluation.texts import interval_text
from ttsi.prompts import read_practice
from ttsi.studies.published import margins_of, replay

TAUS = (0.5, 0.8, 0.9, 0.95, 0.99)
"""Thresholds that were compared on the validation samples."""

ANSWERS = ["base_correct", "greedy_correct"]
"""Whether a row is right before practice and after it."""

MARGINS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Borders of the groups of samples by margin."""


def changes(rows: pd.DataFrame, names: Iterable[Any]) -> pd.DataFrame:
    """Return, for each group of rows, how many samples it has and what adapting them changed.

    Args:
        rows: of one method, with or without a gate.
        names: of each row's group; groups come out in the order of their names' categories, or as they occur.

    Returns:
        A row a group, with `n`, `change in points (95% interval)`, `fixed`, `broken` and `adapted`, the share of
        the samples that were. Nothing of a group without samples.
    """
    found = {}
    for name, part in rows.groupby(pd.Series(names, rows.index), sort=False, observed=True):
        before, after = part["base_correct"].to_numpy(bool), part["greedy_correct"].to_numpy(bool)
        found[name] = {
            "n": len(part),
            "change in points (95% interval)": points_text(difference_interval(before, after)),
            "fixed": int((after & ~before).sum()),
            "broken": int((before & ~after).sum()),
            "adapted": interval_text(proportion_interval(int(part["adapted"].to_numpy(bool).sum()), len(part))),
        }
    return pd.DataFrame(found).T


def tried(rows: pd.DataFrame) -> pd.DataFrame:
    """Return what each candidate for the settings of the real model changed, from its rows on validation samples."""
    return changes(rows, rows["family"])


def choice(rows: pd.DataFrame, *, present: tuple[str, float]) -> tuple[str, float]:
    """Return the candidate and the threshold with the most right answers; of equals the present one, or the first.

    Args:
        rows: of the validation samples, every sample adapted; a candidate counts that was run on all of them.
        present: the candidate and the threshold that are kept unless another is better.
    """
    sizes: dict[str, int] = rows["family"].value_counts().to_dict()
    whole = [name for name in rows["family"].unique() if sizes[name] == max(sizes.values())]
    right = {(name, tau): _right(rows.query("family == @name"), tau) for name in whole for tau in TAUS}
    most = max(right.values())
    return present if right.get(present) == most else next(one for one, count in right.items() if count == most)


def _right(rows: pd.DataFrame, tau: float) -> int:
    return int(np.count_nonzero(replay(rows, tau=tau)["greedy_correct"]))


def by_tau(rows: pd.DataFrame) -> pd.DataFrame:
    """Return what one candidate changed behind each threshold, from its rows on validation samples."""
    found = {f"tau {tau:g}": replay(rows, tau=tau) for tau in TAUS}
    return pd.concat([changes(part, pd.Series(name, part.index)) for name, part in found.items()])


def by_margin(rows: pd.DataFrame, estimator: str) -> pd.DataFrame:
    """Return what practice changed of the adapted samples, in groups by their margin, each with McNemar's test."""
    adapted = rows.query("adapted")
    margins = margins_of(adapted)[estimator]
    order = margins.to_numpy(float).argsort()
    found = changes(adapted.iloc[order], _ranges(margins.iloc[order]).astype(str)).drop(columns="adapted")
    counts = zip(found["fixed"], found["broken"], strict=True)
    exact = [binomtest(fixed, max(fixed + broken, 1)).pvalue for fixed, broken in counts]
    tested = with_holm(pd.DataFrame({"p_value": exact}, found.index))
    return found.assign(**{"p": tested["p_value"].map(p_text), "p, Holm": tested["p_holm"].map(p_text)})


def averaged_by_margin(rows: pd.DataFrame, estimator: str) -> pd.DataFrame:
    """Return what practice changed of the samples that were adapted, over all seeds, in groups by their margin.

    A sample counts once: its margin, and its answers before and after, are means over the seeds that adapted it.
    Columns are the `estimate`, `low`, `high`, `n` of the change in accuracy.
    """
    adapted = rows.query("adapted")
    values = adapted[ANSWERS].astype(float).assign(margin=margins_of(adapted)[estimator])
    means: Any = values.groupby(adapted["sample_id"]).mean()
    return _differences(means, _ranges(means["margin"]))


def averaged_by_practice(rows: pd.DataFrame) -> pd.DataFrame:
    """Return what practice changed over all seeds, in groups by what it has in common with the right answer.

    A sample counts once in a group (`ttsi.evaluation.annotation.Practised`); rows whose practice is not known are left
    out. Columns are the `estimate`, `low`, `high`, `n` of the change in accuracy.
    """
    adapted = _practised(rows)
    groups = [adapted["practised"], adapted["sample_id"]]
    means: Any = adapted[ANSWERS].astype(float).groupby(groups, observed=True).mean()
    named = means.reset_index("practised")
    return _differences(named, named["practised"])


def right_tools(rows: pd.DataFrame) -> pd.Series:
    """Return, for each `set`, the share of valid examples that call the tools of the right answer.

    Rows are of one method; a sample counts once, whatever its seeds, and rows whose practice is not known are left out.
    """
    adapted = _practised(rows)
    shown: Any = (adapted["practised"] != "other tools").groupby([adapted["set"], adapted["sample_id"]], sort=False)
    return shown.mean().groupby(level="set", sort=False).mean()


def shown_tool(written: str) -> str:
    """Return the tool that the first valid one of a row's `examples` calls first; they are JSON, as rows hold them."""
    valid = next(one["text"] for one in json.loads(written) if one["verdict"] == VALID)
    return read_practice(valid).calls[0].name


def _practised(rows: pd.DataFrame) -> pd.DataFrame:
    names = [name for name in get_args(Practised) if name]
    known = rows.query("adapted and practised in @names")
    return known.assign(practised=pd.Categorical(known["practised"], names))


def _differences(means: pd.DataFrame, names: pd.Series) -> pd.DataFrame:
    before, after = ANSWERS
    groups = means.groupby(names, observed=True)
    return pd.DataFrame({name: vars(difference_interval(part[before], part[after])) for name, part in groups}).T


def _ranges(margins: pd.Series) -> pd.Series:
    names = [f"{low:g} to {high:g}" for low, high in pairwise(MARGINS)]
    return pd.Series(pd.cut(margins, list(MARGINS), labels=names, include_lowest=True))
