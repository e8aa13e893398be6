"""What the page shows of each sample: request, tools, margins, practice, and both answers with what changed marked."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ttsi.benchmarks import BENCHMARKS, nexusraven
from ttsi.calls import render_calls
from ttsi.prompts import transcript
from ttsi.records import InputError, Sample, Tool
from ttsi.runs.config import RunConfig
from ttsi.runs.provenance import hash_records
from ttsi.runs.run import load_samples
from ttsi_book.explore.sets import Runs, SampleSet
from ttsi_book.plots.cards import marked

MARGIN_PARTS = 100_000
"""Margins are cut off, not rounded: at a tau in hundredths the same samples stay below it."""

Texts = Mapping[str, tuple[str, str]]
"""Request and right answer by the sample's id."""


def is_generated(chosen: SampleSet) -> bool:
    """Return whether the samples can be drawn again; those of the paper's benchmarks are not at hand."""
    return BENCHMARKS[chosen.runs[0].made[0].config["benchmark"]].generated


def are_withheld(chosen: SampleSet) -> bool:
    """Return whether the benchmark's licence keeps its texts, and what was written about them, from being shown."""
    return chosen.runs[0].made[0].config["benchmark"] == nexusraven.NAME


def generated(chosen: SampleSet) -> dict[str, Sample]:
    """Return the samples of a generated benchmark by id, drawn again; none of another.

    Raises:
        InputError: what was drawn is not what the published rows answer.
    """
    samples = {}
    for one in chosen.runs[0].made if is_generated(chosen) else ():
        config = RunConfig.model_validate(one.config)
        drawn = load_samples(config)
        if hash_records(drawn) != one.hashes["samples"]:
            where = f"{config.benchmark} {config.split}, seed {config.seed}"
            raise InputError(f"{where}: drew other samples; expected those of {chosen.runs[0].family}.jsonl")
        samples |= {sample.request.id: sample for sample in drawn}
    return samples


def texts_of(chosen: SampleSet, samples: Mapping[str, Sample]) -> Texts:
    """Return request and right answer of the samples where they are known: generated, or quoted by any row."""
    found = {name: (transcript(one.request.messages), render_calls(one.gold)) for name, one in samples.items()}
    for runs in chosen.runs:
        if "request" in runs.rows:
            quotes = zip(*(runs.rows[name] for name in ("sample_id", "request", "gold")), strict=True)
            found |= {name: (request, gold) for name, request, gold in quotes if request}
    return found


def sample_rows(runs: Runs, margins: pd.DataFrame, texts: Texts) -> list[dict[str, Any]]:
    """Return a record for each row, without its practice: what the list of samples is made of.

    Its margins stand in the order of the columns of `margins`.
    """
    truncated = np.floor(margins.to_numpy() * MARGIN_PARTS) / MARGIN_PARTS
    pairs = zip(runs.rows.to_dict("records"), truncated.tolist(), strict=True)
    return [_record(row, measured, texts) for row, measured in pairs]


def practice_of(rows: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Return the practice of each sample that has any, by its id.

    `examples` are text and verdict of each, and `losses` those of the steps of training on the valid ones; rows that
    are older than that column have none.
    """
    losses = (rows["losses"] if "losses" in rows else pd.Series("[]", rows.index)).map(json.loads)
    written = zip(rows["sample_id"], rows["examples"].map(json.loads), losses, strict=True)
    return {
        name: {"examples": [(one["text"], one["verdict"]) for one in examples], "losses": of_steps}
        for name, examples, of_steps in written
        if examples
    }


def tools_of(samples: Mapping[str, Sample]) -> dict[str, list[tuple[str, str, str]]]:
    """Return name, description and parameters (as JSON) of the tools on offer, by the sample's id."""
    return {name: [_tool(tool) for tool in sample.request.tools] for name, sample in samples.items()}


def _record(row: dict[str, Any], margins: list[float], texts: Texts) -> dict[str, Any]:
    request, gold = texts.get(row["sample_id"], ("", ""))
    before, after = row["base_output"], row["greedy_output"]
    shown = marked(before, after) if before != after else ()
    record = {
        "id": row["sample_id"],
        "split": row["split"],
        "margins": margins,
        "right": [int(row["base_correct"]), int(row["greedy_correct"])],
        "adapted": int(row["adapted"]),
        "before": before,
        "marked": shown,
        "request": request,
        "gold": gold,
        "errors": [row.get("base_error", ""), row.get("error", "")],
        "note": row["note"],
    }
    return {name: value for name, value in record.items() if value not in ("", (), ["", ""])}


def _tool(tool: Tool) -> tuple[str, str, str]:
    parameters = json.dumps(tool.parameters.get("properties", {}), ensure_ascii=False)
    return tool.name, tool.description, parameters
