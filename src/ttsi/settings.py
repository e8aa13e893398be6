"""What the loop does with a request, as settings. Nothing here loads a model or torch."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from ttsi.estimators import ESTIMATORS
from ttsi.prompts import PRACTICE_INSTRUCTION
from ttsi.records import Count, Settings

Decoding = Literal["direct", "majority-vote", "pass@5"]
Elicitation = Literal["free", "hesitation", "constrained"]
Gate = Literal["uncertain", "all", "certain", "random"]
Author = Literal["nobody", "self", "teacher", "training set"]

METHODS: dict[str, dict[str, Any]] = {
    "base": {"author": "nobody"},
    "constrained": {"author": "nobody", "constrained": True},
    "tt-si": {"author": "self", "in_context": False},
    "tt-d": {"author": "teacher", "in_context": False},
    "tt-icl": {"author": "self", "in_context": True},
    "icl": {"author": "training set", "in_context": True, "adapt": "all"},
    "sft": {"author": "training set", "in_context": False, "adapt": "all"},
}
"""What each method fixes of the loop's settings."""


def is_uncertain(margin: Any, tau: float) -> Any:
    """Tell of a margin u, or of each of an array or a column, whether u < tau: what the paper adapts."""
    return margin < tau


def lets_through(gate: Gate, uncertain: bool, *, coin: float = 0.0, share: float = 0.0) -> bool:
    """Tell whether a gate lets a sample through to be adapted.

    The gate `random` does so if the sample's coin, drawn uniformly from [0, 1), is below `share`.
    """
    return {"uncertain": uncertain, "all": True, "certain": not uncertain, "random": coin < share}[gate]


@dataclass(frozen=True)
class EntryOf:
    """Validates the name of an entry of a table, which may have grown since the setting was declared."""

    table: Mapping[str, Any]
    allowed: Callable[[Any], object] = bool
    """Whether an entry can be named."""

    def names(self) -> tuple[str, ...]:
        """Return the names there are."""
        return tuple(name for name, entry in self.table.items() if self.allowed(entry))

    def __call__(self, name: str) -> str:
        """Return the name; raises what pydantic reports as an error of the setting where there is no such entry."""
        if name not in self.names():
            raise PydanticCustomError("unknown", "one of {names}", {"names": ", ".join(self.names())})
        return name


MethodName = Annotated[str, AfterValidator(EntryOf(METHODS))]
EstimatorName = Annotated[str, AfterValidator(EntryOf(ESTIMATORS))]


class LoraSettings(Settings):
    """y = W x + (alpha / r) B A x, with A (r x in), B (out x r) trained and W frozen (arXiv 2106.09685)."""

    rank: Count = 8
    """Rank r of the test-time LoRA."""
    alpha: Count = 16
    """The adapter's output is multiplied by alpha / rank."""
    targets: Literal["all-linear"] | tuple[str, ...] = "all-linear"
    """Linear layers that are adapted, by the last part of their names (q_proj), or all-linear."""
    prefix: Literal["adapted", "activated"] = "adapted"
    """Whether the adapter acts on the tool list, too, or only after it (activated LoRA, arXiv 2504.12397)."""
    learning_rate: float = Field(default=1e-4, gt=0)
    """Learning rate of the test-time LoRA, constant."""
    epochs: Count = 5
    """Passes over the practice examples, one optimizer step an example."""
    max_grad_norm: float | None = Field(default=None, gt=0)
    """The gradient of a step is scaled down to this norm; none: it is taken as it is."""
    stop_loss: float | None = Field(default=None, gt=0)
    """A sample stops training after the first step whose loss, in nats per token, is below this."""

    @property
    def scaling(self) -> float:
        """Return what B A x is multiplied by."""
        return self.alpha / self.rank


class LoopSettings(Settings):
    """What the loop does with a request."""

    author: Author = "self"
    """Who writes the practice examples; `nobody`: the base answer stands."""
    in_context: bool = False
    """Show the examples in the prompt instead of training on them."""
    adapt: Gate = "uncertain"
    """Which samples to adapt: those below tau, all, those not below tau, or a random share."""
    share: float = Field(default=0.5, ge=0, le=1)
    """Chance of a sample to be adapted where adapt is random."""
    constrained: bool = False
    """Limit answers to calls of offered tools with arguments of their schemas (scores stay free)."""
    decoding: Decoding = "direct"
    """How the answer is found: greedily, or among five sampled answers."""
    answer_temperature: float = Field(default=0.7, gt=0)
    """Temperature of sampled answers, for the other decoding modes and the estimator self-consistency."""
    estimator: EstimatorName = "rss-margin"
    """How the agent's certainty is measured, which the gate compares with tau."""
    also_estimate: tuple[EstimatorName, ...] = ()
    """Estimators whose margins are recorded beside that of the gate."""
    tau: float = Field(default=0.95, ge=0, le=1)
    """A sample is uncertain if its margin is below tau."""
    k: Count = 1
    """Practice examples to use, at most."""
    draws: Count = 1
    """Practice examples to write; the first k valid ones are used."""
    elicitation: Elicitation = "free"
    """How the agent is asked for practice examples; a teacher is always asked freely."""
    temperature: float = Field(default=0.7, gt=0)
    """Temperature of the sampling of practice examples."""
    practice_instruction: str = PRACTICE_INSTRUCTION
    """Stands before the request where a practice example is asked for."""
    lora: LoraSettings = LoraSettings()
    """The adapter, and how it is trained."""
    sft_examples: Count = 200
    """Examples of the training set: for supervised fine-tuning, and to choose from for the context."""
    sft_epochs: Count = 1
    """Passes of supervised fine-tuning over its examples."""
    sft_learning_rate: float = Field(default=1e-4, gt=0)
    """Learning rate of supervised fine-tuning, constant."""

    @property
    def trains_once(self) -> bool:
        """Whether one adapter, trained on the training set, serves all samples (supervised fine-tuning)."""
        return self.author == "training set" and not self.in_context

    @property
    def trained(self) -> LoraSettings:
        """What an adapter is trained by: on practice, or once."""
        once = {"epochs": self.sft_epochs, "learning_rate": self.sft_learning_rate}
        return self.lora.model_copy(update=once) if self.trains_once else self.lora
