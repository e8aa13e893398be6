"""A study as a table: a profile, families of runs, the samples that they answer, and seeds."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

from ttsi.benchmarks import BENCHMARKS
from ttsi.benchmarks.sources import find_file
from ttsi.records import InputError
from ttsi.runs.config import RunConfig, configure
from ttsi.studies import STUDIES

Named = tuple[str, RunConfig]
Changes = Mapping[str, Any]
"""Settings that differ from a profile, as `configure` takes them."""


@dataclass(frozen=True)
class Samples:
    """Which samples of a benchmark the families of a study answer."""

    benchmark: str
    split: str
    changes: Changes = field(default_factory=dict)
    """Their subset and their number, where those are not the profile's."""
    families: Mapping[str, Changes] = field(default_factory=dict)
    """Families that answer these samples alone."""
    otherwise: str | None = None
    """The split that is taken where the file of the other one is not at hand."""

    def at_hand(self, data_dir: Path | None) -> str:
        """Return the split to run."""
        if self.otherwise is None:
            return self.split
        try:
            find_file(self.benchmark, BENCHMARKS[self.benchmark].reader.PARTS["test"][self.split], data_dir)
        except InputError:
            return self.otherwise
        return self.split


@dataclass(frozen=True)
class Study:
    """What is run: every family on all samples with every seed, whatever the margin.

    Since every sample is adapted, `ttsi.studies.published.replay` says what any gate would have done.
    """

    profile: str
    families: Mapping[str, Changes]
    """What each family changes of the profile."""
    samples: Sequence[Samples]
    seeds: Sequence[int] = (0,)
    changes: Changes = field(default_factory=dict)
    """What all families change, unless one says otherwise."""
    taught: Mapping[str, Changes] = field(default_factory=dict)
    """Families that are left out where no teacher's server is named."""
    once: Sequence[str] = ()
    """Families without a draw, which run with the first seed alone."""

    def runs(
        self, data_dir: Path | None = None, *, teacher_url: str | None = None, teacher_model: str | None = None
    ) -> Iterator[Named]:
        """Yield the name and the configuration of every run: all of a seed before the next.

        The paper's benchmarks lie in `data_dir`; the teacher of the families that are taught has a server and a name.
        """
        teacher = {"teacher_url": teacher_url, "teacher_model": teacher_model}
        taught = {family: {**changes, **teacher} for family, changes in self.taught.items() if all(teacher.values())}
        for seed, samples in product(self.seeds, self.samples):
            split = samples.at_hand(data_dir)
            where = {**samples.changes, "benchmark": samples.benchmark, "split": split, "seed": seed}
            for family, changes in {**self.families, **taught, **samples.families}.items():
                if seed == self.seeds[0] or family not in self.once:
                    config = configure(self.profile, **{"adapt": "all", **self.changes, **changes, **where})
                    yield f"{family}/{_label(config)}/seed-{seed}", config


def study_of(name: str) -> Study:
    """Return a study by its name in `STUDIES`."""
    return resolve_name(STUDIES[name])


def _label(config: RunConfig) -> str:
    generated = BENCHMARKS[config.benchmark].generated
    return config.split.replace("/", "-") if generated else f"{config.benchmark}-{config.split}"
