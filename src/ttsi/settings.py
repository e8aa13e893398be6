"""What the loop does with a request, as settings."""

from typing import Literal

from pydantic import Field

from ttsi.adaptation import LoraSettings
from ttsi.augmentation import Elicitation
from ttsi.decoding import Decoding
from ttsi.prompts import PRACTICE_INSTRUCTION
from ttsi.records import Count, Settings
from ttsi.uncertainty import Estimator

Gate = Literal["uncertain", "all", "certain", "random"]
Author = Literal["nobody", "self", "teacher", "training set"]


class LoopSettings(Settings):
    """What the loop does with a request."""

    author: Author = "self"
    """Who writes the practice examples; `nobody`: the base answer stands."""
    in_context: bool = False
    """Show the examples in the prompt instead of training on them."""
    adapt: Gate = "uncertain"
    """Which samples to adapt: those below tau, all, those not below tau, or a random `share`."""
    share: float = Field(default=0.5, ge=0, le=1)
    """Chance of a sample to be adapted where `adapt` is `random`."""
    constrained: bool = False
    """Limit answers to calls of offered tools with arguments of their schemas (scores stay free)."""
    decoding: Decoding = "direct"
    answer_temperature: float = Field(default=0.7, gt=0)
    """Of the sampled answers of the other decoding modes and of the estimator `self-consistency`."""
    estimator: Estimator = "rss-margin"
    also_estimate: tuple[Estimator, ...] = ()
    """Estimators whose margins are recorded beside that of the gate."""
    tau: float = Field(default=0.95, ge=0, le=1)
    """A sample is uncertain if its margin is below tau."""
    k: Count = 1
    """Practice examples to use, at most."""
    draws: Count = 1
    """Practice examples to write; the first `k` valid ones are used."""
    elicitation: Elicitation = "free"
    """How the agent is asked for them; a teacher is always asked freely."""
    temperature: float = Field(default=0.7, gt=0)
    """Of the sampling of practice examples."""
    practice_instruction: str = PRACTICE_INSTRUCTION
    """Stands before the request where a practice example is asked for."""
    lora: LoraSettings = LoraSettings()
    sft_examples: Count = 200
    """Examples of the training set: for supervised fine-tuning, and to choose from for the context."""
    sft_epochs: Count = 1
    sft_learning_rate: float = Field(default=1e-4, gt=0)

    @property
    def trains_once(self) -> bool:
        """Whether one adapter, trained on the training set, serves all samples (supervised fine-tuning)."""
        return self.author == "training set" and not self.in_context
