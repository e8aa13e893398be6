"""Measuring: every way of a case in turn, repeated, into one table."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import torch

from ttsi.data import data_root
from ttsi.models.loading import pinned
from ttsi.records import InputError
from ttsi.speed.cases import REPEATS, Case
from ttsi.speed.peak import peak_memory
from ttsi.speed.table import Measured, made_here
from ttsi.speed.ways import TIMED_STAGES, WAYS, Adapting
from ttsi.speed.workload import ANSWER_TOKENS, PRACTICE_TOKENS, SHAPES, Work, random_model, random_tokens, toolworld


def measure(
    cases: Sequence[Case],
    out: Path,
    *,
    device: str,
    repeats: int = REPEATS,
    minutes: float | None = None,
    announce: Callable[[str], None] = print,
) -> pd.DataFrame:
    """Measure cases and write `out` (Parquet, a row for each repetition of a way) and `out`.json, what made it.

    The ways of a case take turns within a repetition, so that what else the machine does meets all of them. Memory is
    measured in a repetition of its own, before the others. Each repetition is written at once, and what an earlier call
    has measured of the same plan, on the same device and with the same commit, is not measured again.

    Cases are the plan, most important first, the device is cpu or cuda. No repetition is begun after so many `minutes`;
    none: all are measured. `announce` is told each case.

    Raises:
        InputError: `out` is a folder, or lies where nothing can be written.
    """
    if out.is_dir():
        raise InputError(f"{out} is a folder; expected a Parquet file")
    until = float("inf") if minutes is None else time.monotonic() + 60 * minutes
    config = {"repeats": repeats, "cases": [asdict(case) for case in cases]}
    threads = max(max([2, *case.threads.values()]) for case in cases)
    table = Measured(out, made_here(config, device=device, threads=threads))
    for number, case in enumerate(cases):
        turns = [(repeat, way) for repeat in range(repeats) for way in case.samples]
        left = [turn for turn in turns if (number, *turn) not in table]
        if not left or time.monotonic() >= until:
            continue
        announce(str(case))
        with TemporaryDirectory() as folder:
            for row in _case(case, Path(folder), device, left, until):
                table.append({"case": number, **row})
    return table.read()


def _case(
    case: Case, folder: Path, device: str, turns: Sequence[tuple[int, str]], until: float
) -> Iterator[dict[str, Any]]:
    source = tiny = data_root() / "agents" / "tiny"
    if case.model != "tiny":
        shape = SHAPES.get(case.model) or pinned(case.model, data_root() / "models.toml").shape
        source = random_model(shape, folder / "model", tokenizer=tiny, dtype=case.dtype, device=device)
    ready: dict[str, tuple[Adapting, list[Work], int | None]] = {}
    for repeat, way in turns:
        if time.monotonic() >= until:
            return
        if way not in ready:
            adapt = _adapting(case, way, source, device)
            work = _work(case, adapt, case.samples[way])
            with peak_memory(adapt.agent.model.device) as watched:
                _measured(case, way, adapt, work)  # which warms up
            ready[way] = adapt, work, watched.taken
        adapt, work, peak = ready[way]
        about = {"peak_bytes": peak, "repeat": repeat, "model": case.model, "k": case.k, "device": device}
        yield _measured(case, way, adapt, work) | about


def _adapting(case: Case, way: str, source: Path, device: str) -> Adapting:
    torch.set_num_threads(case.threads.get(way, 2))
    agent = WAYS[way].agent_class().load(source, device=device, dtype=case.dtype)
    answer, practice = (120, 120) if case.prefix is None else (ANSWER_TOKENS, PRACTICE_TOKENS)
    return Adapting(way, agent, answer_tokens=answer, practice_tokens=practice, endless=case.prefix is not None)


def _work(case: Case, adapt: Adapting, samples: int) -> list[Work]:
    if case.prefix is None:
        return toolworld(adapt.agent, samples, k=case.k)
    return random_tokens(samples, prefix=case.prefix, k=case.k)


def _measured(case: Case, way: str, adapt: Adapting, work: Sequence[Work]) -> dict:
    threads = case.threads.get(way, 2)
    torch.set_num_threads(threads)
    size = len(work) if WAYS[way].at_once else 1
    batches = [adapt(work[start : start + size]) for start in range(0, len(work), size)]
    spent = {stage: [batch[stage] for batch in batches] for stage in TIMED_STAGES}
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
