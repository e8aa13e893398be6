"""The records that every other module speaks: tools, calls, requests, samples and outcomes.

A `Sample` is a `Request` and its gold calls. The three steps of test-time self-improvement (uncertainty,
augmentation, adaptation) take a `Request`, which has no gold: a label cannot be read before scoring.
"""

import hashlib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

MOST = 1_000_000
"""What a count may be at most; a larger one is a slip."""

LAST_SEED = 2**63 - 1
"""The largest seed that PyTorch takes."""

Count = Annotated[int, Field(ge=1, le=MOST)]
Seed = Annotated[int, Field(ge=0, le=LAST_SEED)]

Subset = Literal["train", "validation", "test"]

R = TypeVar("R", bound="Record")


class InputError(ValueError):
    """What a user gave cannot be used; the message says what was found and what was expected."""


class Record(BaseModel):
    """A frozen, validated record that refuses unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Settings(Record):
    """A record that a user writes: its numbers are finite, and the text under a field is its description."""

    model_config = ConfigDict(allow_inf_nan=False, use_attribute_docstrings=True)

    @classmethod
    def read(cls, path: Path | None) -> Self:
        """Return the default settings with the changes of a TOML file.

        Raises:
            InputError: the file cannot be read, or a setting is unknown or out of range.
        """
        try:
            return cls.model_validate(read_toml(path) if path else {})
        except ValidationError as error:
            raise InputError(f"{path}: {refused(error)}") from error


def read_toml(path: Path) -> dict[str, Any]:
    """Return the tables of a TOML file; one that cannot be read is an `InputError`."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as TOML: {error}") from error


def read_table(kind: type[R], tables: Mapping[str, Any], name: str, path: Path) -> R:
    """Return one of the tables of a TOML file as a record; a field that is missing or malformed is an `InputError`."""
    try:
        return kind.model_validate(tables[name])
    except ValidationError as error:
        raise InputError(f"{path}: {refused(error, f' of {name}')}") from error


def refused(error: ValidationError, of_table: str = "") -> str:
    """Return in one line which setting was refused first, what was found and what was expected."""
    first = error.errors()[0]
    name = ".".join(map(str, first["loc"])) + of_table
    if not name:
        return first["msg"]
    if first["type"] == "missing":
        return f"{name} is missing"
    unknown = first["type"] == "extra_forbidden"
    expected = "no field of this name" if unknown else first["msg"].removeprefix("Value error, ")
    return f"{name} is {first['input']!r}; expected: {expected}"


class Message(Record):
    """One turn of a conversation."""

    role: Literal["user", "assistant"]
    content: str


class Tool(Record):
    """A tool that an agent may call; `parameters` is a JSON schema of type `object`."""

    name: str = Field(min_length=1)
    description: str = ""
    parameters: dict[str, Any]

    def as_function(self) -> dict[str, Any]:
        """Return the tool in the form that chat templates take (OpenAI's function schema)."""
        return {"type": "function", "function": self.model_dump()}


class Call(Record):
    """A call of one tool with its arguments."""

    name: str
    arguments: dict[str, Any] = Field(default_factory=dict)


class Request(Record):
    """What an agent is given: a conversation that ends with the user's turn, and the tools on offer."""

    id: str
    messages: tuple[Message, ...] = Field(min_length=1)
    tools: tuple[Tool, ...] = Field(min_length=1)


class Sample(Record):
    """A request and the calls that answer it. Only scoring reads `gold`."""

    request: Request
    gold: tuple[Call, ...]
    flags: tuple[str, ...] = ()
    """What is unusual about the sample, as its benchmark reports it; empty where nothing is."""


class PracticeExample(Record):
    """A conversation in the manner of a test request, with the calls that its author claims answer it."""

    messages: tuple[Message, ...] = Field(min_length=1)
    calls: tuple[Call, ...] = Field(min_length=1)


class Outcome(Record):
    """One row of a run: what happened to one sample. Times are wall-clock seconds."""

    sample_id: str
    seed: int
    margin: float
    """By the estimator that the gate looks at."""
    margins: str
    """JSON object: the margin by every estimator of the run."""
    uncertain: bool
    adapted: bool
    """Whether practice examples were used, by training or in the context."""
    examples_tried: int
    examples_valid: int
    examples: str
    """JSON list of the practice examples written: `{"text", "verdict"}`, in order."""
    losses: str = "[]"
    """JSON list of the loss of each training step on them, nats per answer token, to four digits."""
    base_output: str
    base_correct: bool
    greedy_output: str
    """The greedy answer in the end, whatever the decoding mode."""
    draws: str
    """JSON list of the answers sampled in the end; empty in the mode `direct`."""
    output: str
    """The answer of the run's decoding mode."""
    correct: bool
    """Whether the run's decoding mode counts the sample as right."""
    greedy_correct: bool
    vote_correct: bool | None
    """As `majority-vote` counts; none in the mode `direct`."""
    pass_correct: bool | None
    """As `pass@5` counts; none in the mode `direct`."""
    seconds_uncertainty: float
    seconds_augmentation: float
    seconds_adaptation: float
    seconds_answer: float
    """Answering greedily, before and after adaptation."""
    seconds_base: float
    """The part of `seconds_answer` before adaptation."""
    seconds_draws: float
    """Sampling the answers of the modes other than `direct`."""
    note: str = ""
    """Why a sample that was to be adapted kept its base answer; empty otherwise."""


def seed_for(seed: int, sample_id: str, purpose: str = "") -> int:
    """Return the seed of one sample in a run of seed `seed`, the same whatever else the run does."""
    name = f"{seed}/{sample_id}/{purpose}" if purpose else f"{seed}/{sample_id}"
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4])
