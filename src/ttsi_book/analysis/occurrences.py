"""One quantity that the book gives in several chapters, each time of other samples: every figure of it in one table."""

from pathlib import Path

import pandas as pd

from ttsi.evaluation.comparison import LABELS, PAPER_GATE, behind_paper_gate
from ttsi.evaluation.costs import Serving, seconds_adapted, seconds_kept
from ttsi.evaluation.statistics import Interval, difference_interval, mean_interval
from ttsi.evaluation.texts import interval_text
from ttsi.runs.config import configure
from ttsi.settings import is_uncertain
from ttsi.speed.reading import read_bench
from ttsi.studies.families import HEADLINE
from ttsi.studies.published import read_study, replay
from ttsi_book.analysis.reproduced import Study, average_gain

ALL_ADAPTED = "none: every sample adapted"


def gains(data: Path, *, tau: float) -> pd.DataFrame:
    """Return every gain on base, in points, that stands in more than one chapter with another value, and what it is of.

    Columns are `gate` (ours is at `tau`), `samples` (which, and how they are weighted), `K`, `n`, `points` with a 95%
    interval and `chapters`; the index is the method.
    """
    results, k = data / "results", configure("tiny").loop.k
    ours, paper = f"ours, tau {tau:g}", f"the paper's, tau {configure('paper').loop.tau:g}"
    own, teacher, shown = (read_study(results, family) for family in ("tt-si", "tt-d", "tt-icl"))
    study = Study.read(results)
    alike = {family: average_gain(study, family, tau) for family in ("tt-si", "tt-d")}
    swept = own["sample_id"].isin(read_study(data / "sweeps", "k-1")["sample_id"])
    checked = read_study(data / "selection", "profile")
    unseen, whole = "unseen, pooled", "all splits, pooled"
    rows = [
        (PAPER_GATE, paper, unseen, k, _gain(_unseen(behind_paper_gate(results))), "6"),
        ("tt-si", ours, unseen, k, _gain(_unseen(replay(own, tau=tau))), "6, 7"),
        ("tt-si", ALL_ADAPTED, unseen, k, _gain(_unseen(own)), "7, 13"),
        ("tt-si", ours, "unseen, every split alike", k, alike["tt-si"], "11"),
        ("tt-si", ours, HEADLINE, k, _gain(replay(own, tau=tau).query("split == @HEADLINE")), "6, 10, 11"),
        ("tt-si", ALL_ADAPTED, f"{HEADLINE}, the sweeps' samples", k, _gain(own.loc[swept]), "8"),
        ("tt-si", ALL_ADAPTED, "validation, two unseen splits", k, _gain(checked), "5, 8"),
        ("tt-d", ours, unseen, k, _gain(_unseen(replay(teacher, tau=tau))), "6, 7"),
        ("tt-d", ALL_ADAPTED, unseen, k, _gain(_unseen(teacher)), "7"),
        ("tt-d", ours, "unseen, every split alike", k, alike["tt-d"], "11"),
        ("tt-icl", ours, unseen, k, _gain(_unseen(replay(shown, tau=tau))), "6"),
        ("tt-icl", ALL_ADAPTED, whole, k, _gain(shown), "9"),
    ]
    labelled = [(LABELS[family], *row) for family, *row in rows]
    return _readable(labelled, ["gate", "samples", "K", "points (95% interval)", "chapters"], "points")


def seconds(data: Path, *, tau: float) -> pd.DataFrame:
    """Return the seconds of a request of the tuned TT-SI wherever the book gives them, and what they are of.

    Columns are `what` (our gate is at `tau`), `samples`, `K`, `n`, `seconds` with a 95% interval and `chapters`.
    """
    timed, base = (read_study(data / "timing", family) for family in ("tt-si", "base"))
    adapted, kept = (one.sum(axis=1) for one in (seconds_adapted(timed), seconds_kept(timed, base)))
    trained, uncertain = timed["adapted"].to_numpy(), is_uncertain(timed["margin"], tau).to_numpy()
    published, k = read_study(data / "results", "tt-si"), configure("tiny").loop.k
    chosen = {
        "unseen": is_uncertain(_unseen(published)["margin"], tau).to_numpy(),
        HEADLINE: is_uncertain(published.query("split == @HEADLINE")["margin"], tau).to_numpy(),
    }
    bench, _ = read_bench(data / "speed" / "cpu.parquet")
    alone = bench.query("model == 'tiny' and toolworld and k == 1 and batch == 1").groupby("way")["seconds"]
    rows = [
        ("adapted", "the timed ones, as if all were adapted", k, mean_interval(adapted), "7, 10"),
        ("adapted", "those of them that had practice", k, mean_interval(adapted[trained]), "5"),
        ("adapted", "those below tau", k, mean_interval(adapted[uncertain]), "10, 11"),
        ("adapted", "speed benchmark, naive loop", 1, mean_interval(alone.get_group("naive")), "13"),
        ("adapted", "speed benchmark, sequential loop", 1, mean_interval(alone.get_group("sequential")), "13"),
        ("left alone", "the timed ones", k, mean_interval(kept), "7, 10"),
    ]
    for (name, chose), where in zip(chosen.items(), ("7", "10"), strict=True):
        served = Serving(kept.to_numpy(), adapted.to_numpy(), chose).interval()
        rows.append((f"behind the gate, {chose.mean():.0%} below tau", f"the share of {name}", k, served, where))
    return _readable(rows, ["samples", "K", "seconds (95% interval)", "chapters"], ".2f")


def _readable(rows: list[tuple], columns: list[str], form: str) -> pd.DataFrame:
    """Return rows, each named by its first value, with their intervals as text and their n beside it."""
    table = pd.DataFrame([row[1:] for row in rows], pd.Index([row[0] for row in rows]), pd.Index(columns))
    value = columns[-2]
    table.insert(len(columns) - 2, "n", table[value].map(lambda found: f"{found.n:,}"))
    return table.assign(**{value: table[value].map(lambda found: interval_text(found, form))})


def _gain(rows: pd.DataFrame) -> Interval:
    ordered = rows.sort_values(["split", "seed", "sample_id"])  # as all chapters have them, so intervals agree, too
    return difference_interval(ordered["base_correct"], ordered["greedy_correct"])


def _unseen(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.loc[rows["split"].str.endswith("/unseen")]
