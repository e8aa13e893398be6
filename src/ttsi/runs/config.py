"""The configuration of a run: a profile (`data/profiles/*.toml`) and what differs from it, validated as a whole."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError

from ttsi.backends import BACKENDS
from ttsi.benchmarks import BENCHMARKS
from ttsi.benchmarks.drafts import ToolOrder
from ttsi.data import data_root
from ttsi.records import Count, InputError, Seed, Settings, Subset, read_toml, refused
from ttsi.settings import METHODS, EntryOf, LoopSettings, LoraSettings, MethodName

BackendName = Annotated[str, AfterValidator(EntryOf(BACKENDS))]
BenchmarkName = Annotated[str, AfterValidator(EntryOf(BENCHMARKS, lambda benchmark: benchmark.evaluated))]


class RunConfig(Settings):
    """Everything that decides the rows of a run."""

    profile: str
    """Name of the file in `data/profiles/` that the other settings are read from, where they are not given."""
    model: str
    """Model folder: absolute, or below the data folder, or below the working directory; or a name on the hub."""
    benchmark: BenchmarkName = "toolworld"
    """The benchmark that is answered; toolworld is embedded, the files of the others are fetched."""
    split: str
    """Split of the benchmark, of toolworld kind/tools (typed/seen); otherwise the first that evaluation uses."""
    subset: Subset = "test"
    """Which of the benchmark's samples."""
    tool_order: ToolOrder = "shuffled"
    """How a fetched benchmark's tools are listed: shuffled by each sample's id, or as upstream lists them."""
    lessons_subset: Literal["train", "validation"] = "train"
    """Subset of the benchmark that is the training set of sft and icl; never the test set."""
    lessons_split: str | None = None
    """Split that the training set is taken from; none: that of the run."""
    method: MethodName = "tt-si"
    """What is done with a sample: nothing, an adapter trained on practice examples or a training set, or a context."""
    seed: Seed = 0
    """Seeds the samples (where they are generated) and, with each sample's id, everything drawn for it."""
    limit: Count | None = None
    """Number of samples; none: all that the benchmark has."""
    max_new_tokens: Count = 120
    """Tokens of an answer or of a practice example, at most."""
    device: str = "cpu"
    """What computes: cpu or cuda."""
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    """Numbers of the weights; on a GPU products of float32 are computed in TF32, with 10 bits of mantissa."""
    backend: BackendName = "batched"
    """How it is computed: many samples at once, or one by one by PEFT, or by Unsloth (on a GPU)."""
    batch: Count | None = None
    """Samples at once, at most, of the batched backend; none: as many as suit the device and its free memory."""
    threads: int | None = Field(default=None, ge=1, le=1024)
    """CPU threads of PyTorch; none: one where samples are computed one by one, else as many as PyTorch chooses."""
    teacher: Literal["endpoint", "oracle"] = "endpoint"
    """Author of the examples of tt-d: a model, or an oracle: toolworld's own grammar, or the gold of other samples."""
    teacher_url: str | None = None
    """Base URL of an OpenAI-compatible server, whose key comes from OPENAI_API_KEY; none: a model folder is served."""
    teacher_model: str = "agents/tiny-teacher"
    """The teacher: a model's name on that server, or without one its folder."""
    loop: LoopSettings = LoopSettings()
    """What the loop does with a request."""

    @property
    def lessons(self) -> tuple[str, str]:
        """Split and subset of the training set."""
        return self.lessons_split or self.split, self.lessons_subset


def configure(profile: str, **changes: Any) -> RunConfig:
    """Return a profile with changes applied; loop and LoRA settings are named without their table (`tau=0.9`).

    A profile whose first line is `extends = "…"` says only what it changes of another.

    Raises:
        InputError: the profile does not exist, or a setting is unknown, out of range, or contradicts the method.
    """
    settings = _profile(profile)
    settings["profile"] = profile
    benchmark = BENCHMARKS.get((settings | changes).get("benchmark", "toolworld"))
    settings.setdefault("split", benchmark.evaluated[0] if benchmark and benchmark.evaluated else "")
    fixed = METHODS.get((settings | changes).get("method", "tt-si"), {})
    return _changed(settings, fixed | changes)


def changed(config: RunConfig, **changes: Any) -> RunConfig:
    """Return a configuration with changes applied, named as `configure` takes them; the method stays.

    Raises:
        InputError: a setting is unknown, out of range, or contradicts the method.
    """
    return _changed(config.model_dump(), changes)


def _changed(settings: dict[str, Any], changes: dict[str, Any]) -> RunConfig:
    for name, value in changes.items():
        _table_of(settings, name)[name] = value
    try:
        config = RunConfig.model_validate(settings)
    except ValidationError as error:
        raise InputError(refused(error)) from error
    for name, fixed in METHODS[config.method].items():
        if (found := getattr(config.loop, name)) != fixed:
            raise InputError(f"{name} is {found!r}; expected {fixed!r}, which method {config.method!r} fixes")
    if config.teacher_url and config.teacher_model == RunConfig.model_fields["teacher_model"].default:
        raise InputError("teacher_url is given, and teacher_model is not; expected both")
    if config.loop.author == "training set" and config.lessons == (config.split, config.subset):
        raise InputError(f"lessons_subset is {config.subset!r}; expected another than what is answered")
    return config


def _profile(name: str, extending: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the tables of a profile, laid over those of the one that it extends."""
    if name in extending:
        raise InputError(f"profile {name!r} extends itself: {' extends '.join((*extending, name))}")
    path = data_root() / "profiles" / f"{name}.toml"
    if not path.is_file():
        known = ", ".join(sorted(found.stem for found in path.parent.glob("*.toml")))
        raise InputError(f"unknown profile {name!r}; expected one of {known}")
    settings = read_toml(path)
    extended = settings.pop("extends", None)
    return settings if extended is None else _merged(_profile(extended, (*extending, name)), settings)


def _merged(tables: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Return the tables of a profile with those of one that extends it laid over them."""
    both = [name for name, table in changes.items() if isinstance(table, dict) and isinstance(tables.get(name), dict)]
    return {**tables, **changes, **{name: _merged(tables[name], changes[name]) for name in both}}


def _table_of(settings: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the table that a setting stands in."""
    if name in LoraSettings.model_fields:
        return _inner(_inner(settings, "loop"), "lora")
    return _inner(settings, "loop") if name in LoopSettings.model_fields else settings


def _inner(settings: dict[str, Any], name: str) -> dict[str, Any]:
    table = settings.setdefault(name, {})
    if not isinstance(table, dict):
        raise InputError(f"{name} is {table!r}; expected a table")
    return table
