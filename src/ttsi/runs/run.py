"""A run: one configuration over one benchmark split, resumable at any moment."""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd
import pooch
import torch
from tqdm.auto import tqdm

from ttsi import benchmarks
from ttsi.adaptation import Lesson
from ttsi.agent import Agent
from ttsi.augmentation import Teacher
from ttsi.backends import BACKENDS
from ttsi.loop import SelfImprovement, Trial
from ttsi.models.folders import hash_files, model_files
from ttsi.models.loading import check_device, model_folder
from ttsi.records import InputError, Outcome, PracticeExample, Sample
from ttsi.runs import pool
from ttsi.runs.config import RunConfig
from ttsi.runs.planning import longest_first, plan, samples_at_once, threads_of
from ttsi.runs.provenance import Provenance, hash_records, machine, now, source_state, versions
from ttsi.runs.results import ResultsFolder, as_table, read_outcomes
from ttsi.scoring import majority, score

BATCHES = 4000  # that a pool is given, at most: Ray Data takes minutes to set out many more


def run(
    config: RunConfig,
    out: Path,
    *,
    resume: bool = False,
    data_dir: Path | None = None,
    teacher: Teacher | None = None,
    teacher_requests: int = 1,
    announce: Callable[[str], None] | None = None,
    workers: int | None = None,
) -> pd.DataFrame:
    """Run a configuration into a folder and return its outcomes, one row a sample in the benchmark's order.

    Args:
        config: what to run.
        out: folder for the rows and what made them.
        resume: go on with the same run where it stopped.
        data_dir: where the paper's benchmarks lie.
        teacher: where several runs share one; otherwise it is made here, if the run needs it. Workers make their own.
        teacher_requests: at once to the teacher's server, at most.
        announce: is told what memory the run will take, before it starts.
        workers: of a pool of Ray's, each with an agent of its own; none: this process computes.

    Raises:
        InputError: the configuration names something that does not exist, or the folder cannot take this run.
        TeacherError: the teacher could not be asked; the rows so far are kept.
    """
    samples = load_samples(config, data_dir)
    with ExitStack() as stack:
        if workers:
            stack.enter_context(pool.connected(config, workers))
        else:
            check_device(config.device)
        agent = None if workers else load_agent(config)
        device = pool.machine(config) if workers else machine(config.device)
        folder = stack.enter_context(ResultsFolder.claim(out, _provenance(config, samples, device), resume=resume))
        if folder.finished:
            return _finished(out, samples)
        done = {row.sample_id: row for row in folder.rows()}
        left = longest_first(sample for sample in samples if sample.request.id not in done)
        improve = None
        if agent is None:
            rows = _from_workers(left, config, workers or 1, data_dir, teacher_requests)
        else:
            if announce and left:
                requests = [sample.request for sample in left]
                at_once = samples_at_once(config, agent, requests)
                announce(str(plan(agent, requests, config.loop, at_once=at_once)))
            improve = stack.enter_context(prepared(config, agent, data_dir, teacher, teacher_requests))
            rows = _outcomes(left, config, improve)
        for row in tqdm(rows, initial=len(done), total=len(samples), disable=None):
            folder.append(row)
            done[row.sample_id] = row
        table = as_table(done[sample.request.id] for sample in samples)
        folder.finish(table, seconds_once=improve.seconds_once if improve else 0.0)
    return table


def _finished(out: Path, samples: Sequence[Sample]) -> pd.DataFrame:
    table, ids = read_outcomes(out), [sample.request.id for sample in samples]
    if table["sample_id"].tolist() != ids:
        raise InputError(f"{out} holds {len(table)} rows, and not those of the {len(ids)} samples; expected these")
    return table


def _from_workers(
    samples: Sequence[Sample], config: RunConfig, workers: int, data_dir: Path | None, teacher_requests: int
) -> Iterator[Outcome]:
    if config.loop.trains_once:
        raise InputError("method is 'sft', whose one adapter every worker would train again; expected no workers")
    batch = max(1, min(samples_at_once(config), len(samples) // workers), len(samples) // BATCHES)
    opened = partial(_evaluating, config, data_dir, teacher_requests)
    return pool.outcomes(samples, config, opened, workers=workers, batch=batch)


@contextmanager
def _evaluating(config: RunConfig, data_dir: Path | None, teacher_requests: int) -> Iterator[pool.Evaluate]:
    """Load the agent of a worker, and yield what maps samples to their rows."""
    with prepared(config, load_agent(config), data_dir, None, teacher_requests) as improve:
        yield lambda samples: _outcomes(samples, config, improve)


def outcomes(samples: Iterable[Sample], config: RunConfig, agent: Agent) -> Iterator[Outcome]:
    """Yield the outcome of each sample; the loop is given its request, only the score sees its gold calls."""
    with prepared(config, agent) as improve:
        yield from _outcomes(list(samples), config, improve)


def _outcomes(samples: Sequence[Sample], config: RunConfig, improve: SelfImprovement) -> Iterator[Outcome]:
    requests = [sample.request for sample in samples]
    at_once = samples_at_once(config, improve.agent, requests) if requests else 1
    trials = improve.in_batches(requests, seed=config.seed, at_once=at_once)
    for sample, trial in zip(samples, trials, strict=True):
        yield _outcome(sample, trial, config)


@contextmanager
def prepared(
    config: RunConfig,
    agent: Agent,
    data_dir: Path | None = None,
    teacher: Teacher | None = None,
    teacher_requests: int = 1,
) -> Iterator[SelfImprovement]:
    """Make the loop of a run, with its teacher at hand (served inside the block) and its training set read."""
    lessons: list[Lesson] = []
    if config.loop.author == "training set":
        split, subset = config.lessons
        drawn = load_samples(config, data_dir, split=split, subset=subset, limit=config.loop.sft_examples)
        answered = [sample for sample in drawn if sample.gold]
        lessons = [(PracticeExample(messages=s.request.messages, calls=s.gold), s.request.tools) for s in answered]
    asks = config.loop.author == "teacher" and teacher is None
    with teacher_of(config, teacher_requests, data_dir) if asks else nullcontext(teacher) as teacher:
        yield SelfImprovement(agent, config.loop, teacher=teacher, lessons=lessons, seed=config.seed)


@contextmanager
def teacher_of(config: RunConfig, requests: int = 1, data_dir: Path | None = None) -> Iterator[Teacher]:
    """Return the teacher of a run; a model folder without a URL is served on loopback inside the block."""
    from ttsi.teacher import EndpointTeacher, GoldTeacher, OracleTeacher, served, served_name

    cache = pooch.os_cache("ttsi") / "teacher"
    kept = {"instruction": config.loop.practice_instruction, "cache": cache, "parallel": requests}
    if config.teacher == "oracle" and benchmarks.BENCHMARKS[config.benchmark].generated:
        yield OracleTeacher()
    elif config.teacher == "oracle":
        yield GoldTeacher(benchmarks.load_all(config.benchmark, data_dir))
    elif config.teacher_url is not None:
        kept["cache"] = cache / quote(config.teacher_url, safe="")  # two servers may call two models by one name
        yield EndpointTeacher(config.teacher_url, config.teacher_model, **kept)
    else:
        folder = model_folder(config.teacher_model)
        with served(folder) as url:
            yield EndpointTeacher(url, served_name(folder), **kept)


def load_samples(config: RunConfig, data_dir: Path | None = None, **other: Any) -> list[Sample]:
    """Return the samples of a run; `other` arguments of `ttsi.benchmarks.load` take the place of its own."""
    own = config.model_dump(include={"split", "subset", "seed", "limit", "tool_order"})
    return benchmarks.load(config.benchmark, **(own | other), data_dir=data_dir)


def load_agent(config: RunConfig) -> Agent:
    """Return the agent of a run, and set what PyTorch holds globally: threads, deterministic algorithms, and TF32.

    Raises:
        InputError: there is no readable model, or the backend's agent bears another name.
    """
    torch.set_num_threads(threads_of(config))
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it, cuBLAS refuses to be deterministic
    torch.use_deterministic_algorithms(True, warn_only=config.device != "cpu")
    # Else memory is filled before it is written to: a tenth of the time, and no result depends on it.
    torch.utils.deterministic.fill_uninitialized_memory = False  # pyright: ignore[reportAttributeAccessIssue]
    torch.set_float32_matmul_precision("high")  # which a CPU does not heed
    folder = model_folder(config.model)
    kind = BACKENDS[config.backend].agent_class()
    if kind.backend != config.backend:
        raise InputError(
            f"{kind.__name__}.backend is {kind.backend!r}; expected {config.backend!r}, as its entry is named"
        )
    return kind.load(folder, device=config.device, dtype=config.dtype, max_new_tokens=config.max_new_tokens)


def _outcome(sample: Sample, trial: Trial, config: RunConfig) -> Outcome:
    written, decoding = trial.written, config.loop.decoding
    kept = trial.chosen and not trial.adapted
    greedy = score(trial.output, sample.gold).exact_match
    output, vote, best = trial.output, None, None
    if trial.draws:
        elected = majority(trial.draws)
        right = [score(draw, sample.gold).exact_match for draw in trial.draws]
        vote, best = right[trial.draws.index(elected)], any(right)
        output = {"direct": output, "majority-vote": elected, "pass@5": trial.draws[0]}[decoding]
    correct = {"direct": greedy, "majority-vote": vote, "pass@5": best}[decoding]
    return Outcome(
        sample_id=sample.request.id,
        seed=config.seed,
        margin=trial.awareness.margins[config.loop.estimator],
        margins=json.dumps(trial.awareness.margins),
        uncertain=trial.uncertain,
        adapted=trial.adapted,
        examples_tried=len(written),
        examples_valid=sum(attempt.example is not None for attempt in written),
        examples=json.dumps([{"text": a.text, "verdict": a.verdict} for a in written], ensure_ascii=False),
        losses=json.dumps([float(f"{loss:.4g}") for loss in trial.losses]),
        base_output=trial.base_output,
        base_correct=score(trial.base_output, sample.gold).exact_match,
        greedy_output=trial.output,
        draws=json.dumps(trial.draws, ensure_ascii=False),
        output=output,
        correct=bool(correct),
        greedy_correct=greedy,
        vote_correct=vote,
        pass_correct=best,
        **{f"seconds_{stage}": seconds for stage, seconds in trial.seconds.items()},
        note=f"no valid example in {len(written)}: base answer kept" if kept else "",
    )


def _provenance(config: RunConfig, samples: list[Sample], device: str) -> Provenance:
    commit, dirty = source_state()
    hashes = {"agent": hash_files(model_files(model_folder(config.model))), "samples": hash_records(samples)}
    if config.loop.author == "teacher" and config.teacher == "endpoint" and config.teacher_url is None:
        hashes["teacher"] = hash_files(model_files(model_folder(config.teacher_model)))
    return Provenance(
        config=config.model_dump(mode="json"),
        commit=commit,
        dirty=dirty,
        versions=versions(),
        device=device,
        threads=threads_of(config),
        hashes=hashes,
        started=now(),
    )
