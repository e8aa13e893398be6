"""Whether what an agent is tuned on occurs in the test sets that it is judged on."""

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from ttsi.benchmarks import PAPER_BENCHMARKS, load_all
from ttsi.benchmarks.sources import MissingFileError
from ttsi.calls import CLOSE
from ttsi.prompts import PRACTICE_INSTRUCTION
from ttsi.records import Record
from ttsi.tuning.lessons import PromptCompletion


class Overlap(Record):
    """What one benchmark shares with the lessons; its test and validation samples at hand are counted."""

    benchmark: str
    samples: int
    requests: int
    """Samples whose last turn is a turn of a lesson, whatever the case and the white space."""
    tools: tuple[str, ...]
    """Names of the benchmark's tools that the lessons offer, in whatever style they are written."""


def overlaps(lessons: Iterable[PromptCompletion], data_dir: Path | None = None) -> list[Overlap]:
    """Compare lessons with each of the paper's benchmarks of which files are at hand."""
    said: set[str] = set()
    offered: set[str] = set()
    for lesson in lessons:
        said.update(map(_plain, _turns(lesson)))
        offered.update(_letters(tool.name) for tool in lesson.tools)
    found = []
    for name in PAPER_BENCHMARKS:
        with suppress(MissingFileError):
            found.append(_overlap(name, said, offered, data_dir))
    return found


def _overlap(benchmark: str, said: set[str], offered: set[str], data_dir: Path | None) -> Overlap:
    samples = load_all(benchmark, data_dir)
    tools = {tool.name for sample in samples for tool in sample.request.tools}
    asked = {sample.request.id: _plain(sample.request.messages[-1].content) for sample in samples}
    return Overlap(
        benchmark=benchmark,
        samples=len(asked),
        requests=sum(text in said for text in asked.values()),
        tools=tuple(sorted(name for name in tools if _letters(name) in offered)),
    )


def _turns(lesson: PromptCompletion) -> Iterator[str]:
    """Yield what is asked in a lesson: in its prompt, and in the practice example that it answers with."""
    for message in lesson.chat:
        yield message.content.removeprefix(PRACTICE_INSTRUCTION)
    yield lesson.answer.rpartition(CLOSE)[2]


def _plain(text: str) -> str:
    return " ".join(text.lower().split())


def _letters(name: str) -> str:
    return re.sub(r"[\W_]", "", name.lower())
