"""The configuration of a run: a profile (`data/profiles/*.toml`) and what differs from it, validated as a whole."""

import os
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from ttsi.benchmarks import BENCHMARKS, Subset
from ttsi.loop import LoopSettings
from ttsi.records import InputError, Record

Method = Literal["base", "constrained", "tt-si"]
METHODS: dict[Method, dict[str, bool]] = {
    "base": {"adapt": False, "constrained": False},
    "constrained": {"adapt": False, "constrained": True},
    "tt-si": {"adapt": True},
}
"""What each method fixes of the loop's settings."""


class RunConfig(Record):
    """Everything that decides the rows of a run."""

    profile: str
    agent: str
    """Model folder: absolute, or below the data folder, or below the working directory."""
    benchmark: Literal[BENCHMARKS] = "toolworld"  # pyright: ignore[reportInvalidTypeForm]
    split: str = "single/unseen"
    subset: Subset = "test"
    method: Method = "tt-si"
    seed: int = Field(default=0, ge=0)
    """Seeds the samples (where they are generated) and, with each sample's id, everything drawn for it."""
    limit: int = Field(default=200, ge=1)
    """Number of samples."""
    max_new_tokens: int = Field(default=120, ge=1)
    device: str = "cpu"
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    threads: int = Field(default=1, ge=1)
    """CPU threads of PyTorch; fixed, since the order of float additions depends on it."""
    loop: LoopSettings = LoopSettings()


def data_root() -> Path:
    """Return the data folder: `$TTSI_DATA`, or `data/` of the checkout that one is in.

    The checkout is the one that holds this package or, for an installed package, the working directory.

    Raises:
        InputError: there is no such folder.
    """
    named = os.environ.get("TTSI_DATA")
    checkouts = (Path(__file__).parents[2], Path.cwd(), *Path.cwd().parents)
    folders = [Path(named)] if named else [checkout / "data" for checkout in checkouts]
    found = next((folder for folder in folders if (folder / "profiles").is_dir()), None)
    if found is None:
        raise InputError(f"{folders[0]} is not a data folder: found no profiles/ in it; name one with TTSI_DATA")
    return found


def configure(profile: str, **changes: Any) -> RunConfig:
    """Return a profile with changes applied; loop and LoRA settings are named without their table (`tau=0.9`).

    Raises:
        InputError: the profile does not exist, or a setting is unknown or out of range.
    """
    path = data_root() / "profiles" / f"{profile}.toml"
    if not path.is_file():
        known = ", ".join(sorted(found.stem for found in path.parent.glob("*.toml")))
        raise InputError(f"unknown profile {profile!r}; expected one of {known}")
    settings = {"profile": profile, **_read(path)}
    method = changes.get("method", "tt-si")
    for name, value in {**changes, **METHODS.get(method, {})}.items():
        _table_of(settings, name)[name] = value
    try:
        return RunConfig.model_validate(settings)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"]))
        raise InputError(f"{name} is {first['input']!r}; expected: {first['msg']}") from error


def agent_folder(config: RunConfig) -> Path:
    """Return the folder of a run's agent: below the data folder if it is there, else as given."""
    below_data = data_root() / config.agent
    return below_data if below_data.is_dir() else Path(config.agent)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path} cannot be read as TOML: {error}") from error


def _table_of(settings: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the table that a setting stands in."""
    loop = settings.setdefault("loop", {})
    if name in LoopSettings.model_fields:
        return loop
    lora_fields = LoopSettings.model_fields["lora"].default.__class__.model_fields
    return loop.setdefault("lora", {}) if name in lora_fields else settings
