"""Measuring: every way of a case in turn, repeated, into one table."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import torch

from ttsi.data import data_root, make_folder
from ttsi.models.folders import hash_files, model_files
from ttsi.models.loading import pinned
from ttsi.records import InputError
from ttsi.runs.provenance import Provenance, machine, now, source_state, versions
from ttsi.speed.cases import REPEATS, Case
from ttsi.speed.peak import peak_memory
from ttsi.speed.ways import BATCHED, STAGES, WAYS, Adapting
from ttsi.speed.workload import (
    ANSWER_TOKENS,
    PRACTICE_TOKENS,
    SHAPES,
    Work,
    random_model,
    random_tokens,
    toolworld,
)


def measure(
    cases: Sequence[Case], out: Path, *, device: str, repeats: int = REPEATS, announce: Callable[[str], None] = print
) -> pd.DataFrame:
    """Measure cases and write `out` (Parquet, a row for each repetition of a way) and `out`.json, what made it.

    The ways of a case take turns within a repetition, so that what else the machine does meets all of them. Memory is
    measured in a repetition of its own, before the others.

    Raises:
        InputError: `out` is a folder, or lies where nothing can be written.
    """
    started, rows = now(), []
    if out.is_dir():
        raise InputError(f"{out} is a folder; expected a Parquet file")
    make_folder(out.parent)
    for number, case in enumerate(cases, 1):
        announce(str(case))
        with TemporaryDirectory() as folder:
            rows += _case(case, Path(folder), device, repeats)
        pd.DataFrame(rows).to_parquet(out, index=False)
        made = _provenance(cases[:number], device, repeats, started)
        out.with_suffix(".json").write_text(made.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return pd.DataFrame(rows)


def _provenance(cases: Sequence[Case], device: str, repeats: int, started: str) -> Provenance:
    commit, dirty = source_state()
    return Provenance(
        config={"repeats": repeats, "cases": [asdict(case) for case in cases]},
        commit=commit,
        dirty=dirty,
        versions=versions(),
        device=machine(device),
        threads=max(max([2, *case.threads.values()]) for case in cases),
        hashes={"agent": hash_files(model_files(data_root() / "agents" / "tiny"))},
        started=started,
        ended=now(),
    )


def _case(case: Case, folder: Path, device: str, repeats: int) -> list[dict]:
    tiny = data_root() / "agents" / "tiny"
    source = tiny
    if case.model != "tiny":
        shape = SHAPES.get(case.model) or pinned(case.model, data_root() / "models.toml").shape
        source = random_model(shape, folder / "model", tokenizer=tiny, dtype=case.dtype)
    adapting = {way: _adapting(case, way, source, device) for way in case.samples}
    work = {way: _work(case, adapt, case.samples[way]) for way, adapt in adapting.items()}
    peaks = {way: _peak(case, way, adapt, work[way]) for way, adapt in adapting.items()}  # and warms up
    return [
        _measured(case, way, adapt, work[way])
        | {"peak_bytes": peaks[way], "repeat": repeat, "model": case.model, "k": case.k, "device": device}
        for repeat in range(repeats)
        for way, adapt in adapting.items()
    ]


def _adapting(case: Case, way: str, source: Path, device: str) -> Adapting:
    torch.set_num_threads(case.threads.get(way, 2))
    agent = WAYS[way].load(source, device=device, dtype=case.dtype)
    endless = case.prefix is not None
    limits = (ANSWER_TOKENS, PRACTICE_TOKENS) if endless else (120, 120)
    return Adapting(way, agent, answer_tokens=limits[0], practice_tokens=limits[1], endless=endless)


def _work(case: Case, adapt: Adapting, samples: int) -> list[Work]:
    if case.prefix is None:
        return toolworld(adapt.agent, samples, k=case.k)
    return random_tokens(samples, prefix=case.prefix, k=case.k)


def _peak(case: Case, way: str, adapt: Adapting, work: Sequence[Work]) -> int | None:
    with peak_memory(adapt.agent.model.device) as peak:
        _measured(case, way, adapt, work)
    return peak.taken


def _measured(case: Case, way: str, adapt: Adapting, work: Sequence[Work]) -> dict:
    threads = case.threads.get(way, 2)
    torch.set_num_threads(threads)
    size = len(work) if way in BATCHED else 1
    batches = [adapt(work[start : start + size]) for start in range(0, len(work), size)]
    spent = {stage: [batch[stage] for batch in batches] for stage in STAGES}
    seconds = {stage: sum(one.seconds for one in found) / len(work) for stage, found in spent.items()}
    return {
        "way": way,
        "batch": size,
        "samples": len(work),
        "prefix": sum(len(one.prefix) for one in work) / len(work),
        "toolworld": case.prefix is None,
        "threads": threads,
        "seconds": sum(seconds.values()),
        **{f"seconds_{stage}": of_stage for stage, of_stage in seconds.items()},
        **{f"tokens_{stage}": sum(one.tokens for one in found) / len(work) for stage, found in spent.items()},
    }
