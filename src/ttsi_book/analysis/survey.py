"""What the paper's benchmarks hold, in counts alone: `python -m ttsi_book.analysis.survey` writes `survey.json`.

The files themselves are not part of this project. The summary has no text of any sample: numbers, names of flags and
what pins the files.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import get_args

import click
import numpy as np

from ttsi.benchmarks import BENCHMARKS, PAPER_BENCHMARKS, read_drafts
from ttsi.benchmarks.checking import Check, check
from ttsi.benchmarks.drafts import Draft, ToolOrder
from ttsi.benchmarks.sources import MissingFileError, data_folder, find_file, load_manifest
from ttsi.calls import first_line
from ttsi.data import data_root, make_folder
from ttsi.prompts import transcript
from ttsi.records import InputError, Record

FILE = Path("benchmarks", "survey.json")
ORDERS: tuple[ToolOrder, ...] = get_args(ToolOrder)

OUT_OF_REACH = ("gold_unparsable", "gold_tool_not_offered", "argument_not_in_schema", "needs_absent_key", "placeholder")
"""Flags of samples whose gold calls cannot be written by an agent that keeps to what it is given."""


class Spread(Record):
    """How a number of each sample is distributed."""

    mean: float
    quartiles: tuple[float, float, float, float, float]
    """Minimum, lower quartile, median, upper quartile, maximum."""

    @classmethod
    def of(cls, values: Sequence[int]) -> "Spread":
        """Return the spread of at least one value."""
        quartiles = [round(float(one), 2) for one in np.quantile(values, [0, 0.25, 0.5, 0.75, 1])]
        return cls(mean=round(float(np.mean(values)), 4), quartiles=tuple(quartiles))  # pyright: ignore[reportArgumentType]


class SplitSurvey(Record):
    """What one split holds."""

    check: Check
    tools: Spread
    """Offered to a sample."""
    calls: Spread
    """Of a sample's gold."""
    prompt_characters: Spread
    """Of the conversation and of the tools as JSON."""
    positions: dict[ToolOrder, tuple[int, ...]]
    """How often the tool of the first gold call stands first, second, … among those offered."""
    first_by_chance: float
    """How many of the same samples would have it first if every order were as likely."""
    reachable: int
    """Samples without a flag of `OUT_OF_REACH`."""


class Files(Record):
    """The files of a benchmark that were read."""

    repository: str
    commit: str
    licence: str
    sha256: dict[str, str]


class Survey(Record):
    """What the splits at hand hold; those whose files were not there are named with the command that fetches them."""

    splits: dict[str, SplitSurvey]
    missing: dict[str, str]
    sources: dict[str, Files]


def survey(data_dir: Path | None = None) -> Survey:
    """Count what the benchmarks' files in a folder hold.

    Raises:
        InputError: a file is malformed.
    """
    splits, missing, read = {}, {}, {}
    for benchmark in PAPER_BENCHMARKS:
        for split in BENCHMARKS[benchmark].splits:
            if (files := files_at_hand(benchmark, split, data_dir)) is None:
                missing[f"{benchmark}/{split}"] = f"ttsi benchmarks fetch {benchmark}"
            else:
                splits[f"{benchmark}/{split}"] = survey_split(benchmark, split, data_dir)
                read[benchmark] = read.get(benchmark, set()) | files
    return Survey(splits=splits, missing=missing, sources={name: _files(name, read[name], data_dir) for name in read})


def files_at_hand(benchmark: str, split: str, data_dir: Path | None = None) -> set[str] | None:
    """Return the paths of the files that a split is read from; none if one of them is not there."""
    read = set()

    def find(path: str) -> Path:
        read.add(path)
        return find_file(benchmark, path, data_dir)

    try:
        list(BENCHMARKS[benchmark].reader.read(split, "test", find))
    except MissingFileError:
        return None
    return read


def survey_split(benchmark: str, split: str, data_dir: Path | None = None) -> SplitSurvey:
    """Count what one split holds.

    Raises:
        InputError: the split does not exist, or a file is missing or malformed.
    """
    drafts = read_drafts(benchmark, split, data_dir=data_dir)
    read = [draft for draft in drafts if draft.gold]
    placed = [draft for draft in read if _position(draft, "upstream") is not None]
    return SplitSurvey(
        check=check(benchmark, split, data_dir),
        tools=Spread.of([len(draft.tools) for draft in drafts]),
        calls=Spread.of([len(draft.gold or ()) for draft in read]),
        prompt_characters=Spread.of([_characters(draft) for draft in drafts]),
        positions={order: _positions(placed, order) for order in ORDERS},
        first_by_chance=round(sum(1 / len(draft.tools) for draft in placed), 4),
        reachable=sum(not set(draft.flags) & set(OUT_OF_REACH) for draft in drafts),
    )


def read_survey(path: Path | None = None) -> Survey:
    """Return the summary that stands in the data folder, or in another file.

    Raises:
        InputError: there is none, or it is malformed.
    """
    path = path or data_root() / FILE
    try:
        return Survey.model_validate_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as a survey: {first_line(error)}") from error


def _position(draft: Draft, order: ToolOrder) -> int | None:
    """Return where the tool of the first gold call stands, from 0; none if it is not offered."""
    names = [tool.name for tool in draft.sample(order).request.tools]
    called = [call.name for call in draft.gold or ()]
    return names.index(called[0]) if called and called[0] in names else None


def _positions(drafts: Sequence[Draft], order: ToolOrder) -> tuple[int, ...]:
    counts = Counter(_position(draft, order) for draft in drafts)
    return tuple(counts[place] for place in range(max((len(draft.tools) for draft in drafts), default=0)))


def _characters(draft: Draft) -> int:
    return len(transcript(draft.messages)) + sum(len(tool.model_dump_json()) for tool in draft.tools)


def _files(benchmark: str, paths: Iterable[str], data_dir: Path | None) -> Files:
    source, folder = load_manifest().sources[benchmark], data_folder(data_dir) / benchmark
    hashes = {path: sha256((folder / path).read_bytes()).hexdigest() for path in sorted(paths)}
    return Files(repository=source.repository, commit=source.commit, licence=source.licence, sha256=hashes)


@click.command()
@click.option("--data-dir", type=click.Path(path_type=Path), help="Where the benchmarks' files lie.")
@click.option("--out", type=click.Path(path_type=Path), help="File to write; otherwise that of the data folder.")
def main(data_dir: Path | None, out: Path | None) -> None:
    """Count what the benchmarks' files hold, and write the summary that the book reads."""
    try:
        found = survey(data_dir)
        out = out or data_root() / FILE
        make_folder(out.parent)
    except InputError as error:
        raise click.ClickException(str(error)) from error
    out.write_text(found.model_dump_json(indent=2) + "\n", encoding="utf-8")
    click.echo(f"wrote {out}: {len(found.splits)} splits; not at hand: {', '.join(found.missing) or 'none'}")


if __name__ == "__main__":
    main()
