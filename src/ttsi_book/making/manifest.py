"""What is known of each staged chapter: what made it, when, and on what machine."""

import platform
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from ttsi.data import write_whole
from ttsi.records import Record


class Execution(Record):
    """One executed chapter: the components of its key, and its circumstances."""

    components: dict[str, str]
    unread: tuple[str, ...] = ()
    """Folders of data that were there, and of which it read nothing: on their files it does not depend."""
    parameters: dict[str, Any]
    seconds: float
    ended: str
    machine: str
    python: str
    commit: str | None
    dirty: bool | None


class Manifest(Record):
    """The executed chapters of a place, by name."""

    chapters: dict[str, Execution] = Field(default_factory=dict)

    def with_chapter(self, name: str, execution: Execution) -> "Manifest":
        """Return the manifest with one chapter added or replaced."""
        return Manifest(chapters=dict(sorted((self.chapters | {name: execution}).items())))

    def only(self, names: Collection[str]) -> "Manifest":
        """Return the manifest of these chapters alone."""
        return Manifest(chapters={name: run for name, run in self.chapters.items() if name in names})

    def write(self, path: Path) -> None:
        """Write the manifest so that a reader finds the old one or the new one, never a part."""
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, lambda part: part.write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8"))


def read_manifest(path: Path) -> Manifest:
    """Return the manifest at `path`; an empty one where it is missing or was not written by this version."""
    try:
        return Manifest.model_validate_json(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValidationError):
        return Manifest()


def describe_execution(
    components: Mapping[str, str], unread: Collection[str], parameters: Mapping[str, Any], seconds: float
) -> Execution:
    """Return the record of a chapter that was executed on this machine just now."""
    import torch  # here, since it takes seconds and a build in which nothing changed has no need of it

    from ttsi.runs.provenance import machine, now, source_state

    devices = ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]
    commit, dirty = source_state()
    return Execution(
        components=dict(components),
        unread=tuple(sorted(unread)),
        parameters=dict(parameters),
        seconds=round(seconds, 1),
        ended=now(),
        machine=", ".join(map(machine, devices)),
        python=platform.python_version(),
        commit=commit,
        dirty=dirty,
    )
