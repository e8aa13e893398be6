"""What published rows of the paper's benchmarks say beside right and wrong; it takes the samples, so it is stored.

Readers of the book need no benchmark files: the kind of each error and the lenient reading stand in the tables.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import pandas as pd

from ttsi.augmentation import VALID
from ttsi.benchmarks import BENCHMARKS, load, nexusraven
from ttsi.calls import render_calls
from ttsi.evaluation.error_kinds import error_kind
from ttsi.evaluation.leniency import lenient_match
from ttsi.prompts import read_practice, transcript
from ttsi.records import InputError, Sample
from ttsi.runs.provenance import Provenance
from ttsi.scoring import score

TEXTS = ("base_output", "greedy_output", "examples", "draws")
Practised = Literal["", "same calls", "same tools", "other tools"]
"""What a valid practice example has in common with the answer; empty where there is none.

Published rows of NexusRaven whose texts were left out before this was stored hold null.
"""


def annotated(table: pd.DataFrame, made: Provenance, data_dir: Path | None = None) -> pd.DataFrame:
    """Return the rows of `Outcome` of a run on one of the paper's benchmarks with seven more columns.

    `base_error` and `error` are kinds of `ttsi.evaluation.error_kinds`, empty where the answer is right; `base_lenient`
    and `lenient` say whether the answer is right as `ttsi.evaluation.leniency` reads it; `practised` is `Practised`, of
    the first valid example. `request` and `gold` quote the samples that were fixed or broken, and are empty elsewhere.
    NexusRaven's queries may not be passed on, so what was written about them is left out: answers, and practice
    examples but for their verdicts.

    Raises:
        InputError: a benchmark's file is not at hand, or it has none.
    """
    config = made.config
    if BENCHMARKS[config["benchmark"]].generated:
        raise InputError(f"benchmark is {config['benchmark']!r}, which has no files; expected no --data-dir")
    asked = {name: config[name] for name in ("split", "subset", "tool_order")}
    samples = load(config["benchmark"], **asked, limit=None, data_dir=data_dir)
    by_id: Mapping[str, Sample] = {sample.request.id: sample for sample in samples}
    table = table.copy()
    for before, prefix in (("base_output", "base_"), ("greedy_output", "")):
        pairs = [(output, by_id[name]) for output, name in zip(table[before], table["sample_id"], strict=True)]
        table[f"{prefix}error"] = [error_kind(output, sample) or "" for output, sample in pairs]
        table[f"{prefix}lenient"] = [lenient_match(output, sample.gold) for output, sample in pairs]
    table["practised"] = practised(table, by_id)
    return _without_texts(table) if config["benchmark"] == nexusraven.NAME else _quoted(table, by_id)


def practised(table: pd.DataFrame, by_id: Mapping[str, Sample]) -> list[Practised]:
    """Return for each row what its first valid practice example has in common with its sample's gold calls."""
    pairs = zip(table["examples"], table["sample_id"], strict=True)
    return [_practised(written, by_id[name]) for written, name in pairs]


def _practised(written: str, sample: Sample) -> Practised:
    valid = [one["text"] for one in json.loads(written) if one["verdict"] == VALID]
    if not valid:
        return ""
    calls = read_practice(valid[0]).calls
    if score(render_calls(calls), sample.gold).exact_match:
        return "same calls"
    same = sorted(call.name for call in calls) == sorted(call.name for call in sample.gold)
    return "same tools" if same else "other tools"


def _quoted(table: pd.DataFrame, by_id: Mapping[str, Sample]) -> pd.DataFrame:
    changed = table["base_correct"] != table["greedy_correct"]
    quoted = [by_id[name] if change else None for name, change in zip(table["sample_id"], changed, strict=True)]
    return table.assign(
        request=[transcript(one.request.messages) if one else "" for one in quoted],
        gold=[render_calls(one.gold) if one else "" for one in quoted],
    )


def _without_texts(table: pd.DataFrame) -> pd.DataFrame:
    verdicts = [
        json.dumps([{"text": "", "verdict": one["verdict"]} for one in json.loads(written)])
        for written in table["examples"]
    ]
    return table.assign(**dict.fromkeys((*TEXTS, "request", "gold"), "")).assign(examples=verdicts)
