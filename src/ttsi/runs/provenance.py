"""What made a result: configuration, commit, package versions, device, and hashes of weights and data."""

import hashlib
import os
import platform
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel

from ttsi.records import Record

PACKAGES = ("ttsi", "torch", "transformers", "peft", "unsloth", "tokenizers", "numpy", "llguidance", "openai", "ray")


PACKAGE = Path(__file__).parents[1]


class Resumption(Record):
    """What a run went on with after an interruption; none: not recorded."""

    at: str
    commit: str | None = None
    dirty: bool | None = None
    versions: dict[str, str] | None = None
    device: str | None = None


class Provenance(Record):
    """Stands beside every result as `provenance.json`."""

    config: dict[str, Any]
    commit: str | None
    """Commit of the source tree; none outside a git checkout."""
    dirty: bool | None
    """Whether files of the package differed from the commit; in rows of 2026-11-26 and 27, of `ttsi.runs` alone."""
    versions: dict[str, str]
    device: str
    threads: int
    hashes: dict[str, str]
    """SHA-256 of the weights' and tokenizer's files together (`agent`, `teacher`) and of the samples (`samples`)."""
    started: str
    resumed: tuple[Resumption, ...] = ()
    ended: str | None = None
    seconds_once: float = 0.0
    """Wall-clock seconds of training that served all samples."""

    def sources(self) -> str:
        """Return the commits that computed the rows, each once, marked where files differed from it."""
        named = (
            f"{one.commit[:8]}{' with changes' if one.dirty else ''}" if one.commit else "unknown"
            for one in (self, *self.resumed)
        )
        return ", then ".join(dict.fromkeys(named))


def now() -> str:
    """Return the time in UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def hash_records(records: Iterable[BaseModel]) -> str:
    """Return the SHA-256 over the JSON of records, in order."""
    return hashlib.sha256("\n".join(record.model_dump_json() for record in records).encode()).hexdigest()


def source_state() -> tuple[str | None, bool | None]:
    """Return the commit and the dirty flag of the checkout that this package runs from."""
    commit = _git("rev-parse", "HEAD")
    if commit is None or _git("ls-files", "--error-unmatch", str(PACKAGE / "__init__.py")) is None:
        return None, None
    return commit, bool(_git("status", "--porcelain", "--untracked-files=no", "--", "."))


def machine(device: str) -> str:
    """Return what computes: the GPU's name, or the CPU's and its number of cores."""
    if device != "cpu":
        return torch.cuda.get_device_name(device)
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    name = next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.processor())
    return f"{name or platform.machine()}, {os.cpu_count()} cores"


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that results depend on, where they are installed."""
    installed = {one.name: one.version for one in distributions()}
    found = {package: installed[package] for package in PACKAGES if package in installed}
    return {"python": platform.python_version(), **found}


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=PACKAGE, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
