"""A run: one configuration over one benchmark split, resumable at any moment."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd
import torch
from tqdm.auto import tqdm

from ttsi import benchmarks
from ttsi.agent import Agent
from ttsi.loop import Answered, SelfImprovement
from ttsi.profiles import RunConfig, agent_folder
from ttsi.provenance import Provenance, hash_files, hash_records, machine, now, source_state, versions
from ttsi.records import Outcome, Sample
from ttsi.results import ResultsFolder, as_table, read_outcomes
from ttsi.scoring import score
from ttsi.uncertainty import margin


def run(config: RunConfig, out: Path, *, resume: bool = False) -> pd.DataFrame:
    """Run a configuration into a folder and return its outcomes, one row a sample in the benchmark's order.

    Raises:
        InputError: the configuration names something that does not exist, or the folder cannot take this run.
    """
    samples = load_samples(config)
    agent = load_agent(config)
    with ResultsFolder.claim(out, _provenance(config, samples), resume=resume) as folder:
        if folder.finished:
            return read_outcomes(out)
        done = {row.sample_id: row for row in folder.rows()}
        left = [sample for sample in samples if sample.request.id not in done]
        progress = tqdm(outcomes(left, config, agent), initial=len(done), total=len(samples), disable=None)
        for row in progress:
            folder.append(row)
            done[row.sample_id] = row
        table = as_table(done[sample.request.id] for sample in samples)
        folder.finish(table)
    return table


def outcomes(samples: Iterable[Sample], config: RunConfig, agent: Agent) -> Iterator[Outcome]:
    """Yield the outcome of each sample; the loop is given its request, only the score sees its gold calls."""
    improve = SelfImprovement(agent, config.loop)
    for sample in samples:
        yield _outcome(sample, improve(sample.request, seed=config.seed), config.seed)


def load_samples(config: RunConfig) -> list[Sample]:
    """Return the samples of a run."""
    return benchmarks.load(config.benchmark, config.split, subset=config.subset, seed=config.seed, limit=config.limit)


def load_agent(config: RunConfig) -> Agent:
    """Return the agent of a run, and set what PyTorch holds globally: threads, and deterministic algorithms.

    Raises:
        InputError: there is no readable model.
    """
    torch.set_num_threads(config.threads)
    torch.use_deterministic_algorithms(True)
    folder = agent_folder(config)
    return Agent.load(folder, device=config.device, dtype=config.dtype, max_new_tokens=config.max_new_tokens)


def _outcome(sample: Sample, answered: Answered, seed: int) -> Outcome:
    written = answered.written
    kept = written and not answered.adapted
    return Outcome(
        sample_id=sample.request.id,
        margin=answered.awareness.margin,
        rss_margin=margin(answered.awareness.tool_probabilities),
        uncertain=answered.uncertain,
        adapted=answered.adapted,
        examples_tried=len(written),
        examples_valid=sum(attempt.example is not None for attempt in written),
        base_output=answered.base_output,
        output=answered.output,
        base_correct=score(answered.base_output, sample.gold).exact_match,
        correct=score(answered.output, sample.gold).exact_match,
        **{f"seconds_{stage}": seconds for stage, seconds in answered.seconds.items()},
        seed=seed,
        note=f"no valid example in {len(written)}: base answer kept" if kept else "",
        examples=json.dumps([{"text": a.text, "verdict": a.verdict} for a in written], ensure_ascii=False),
    )


def _provenance(config: RunConfig, samples: list[Sample]) -> Provenance:
    commit, dirty = source_state()
    files = [path for path in agent_folder(config).iterdir() if path.suffix in {".safetensors", ".json", ".jinja"}]
    return Provenance(
        config=config.model_dump(mode="json"),
        commit=commit,
        dirty=dirty,
        versions=versions(),
        device=machine(config.device),
        threads=config.threads,
        hashes={"agent": hash_files(files), "samples": hash_records(samples)},
        started=now(),
    )
