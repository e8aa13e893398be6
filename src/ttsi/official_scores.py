"""The benchmarks' own scores, where they can be computed: NexusRaven's accuracy and Seal-Tools' P, R and F1.

API-Bank executes the call and ToolAlpaca asks GPT-4; neither can be computed here. `ttsi.scoring` is the score of every
method and benchmark in this project; these stand beside it, so that numbers can be compared with published ones.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import Field

from ttsi.calls import MalformedCall, parse_calls
from ttsi.records import Call, Record, Sample


def nexusraven_correct(output: str, sample: Sample) -> bool:
    """Whether an answer is right by NexusRaven's rule (`raven/eval/evaluator.py`).

    It is one call, whose name and whole argument dict, defaults filled in, equal the reference's. As there, values are
    compared as Python values, fractions cut to integers; a call that the tool would refuse is wrong.
    """
    calls = _calls(output)
    if calls is None or len(calls) != 1 or len(sample.gold) != 1:
        return False
    given, due = _bound(calls[0], sample), _bound(sample.gold[0], sample)
    return given is not None and calls[0].name == sample.gold[0].name and given == due


class PrecisionRecall(Record):
    """Pooled counts of what was given, due and matched."""

    matched: int = Field(ge=0)
    predicted: int = Field(ge=0)
    gold: int = Field(ge=0)

    @property
    def precision(self) -> float:
        """The share of what was given that is right; 0 where nothing was given."""
        return self.matched / self.predicted if self.predicted else 0.0

    @property
    def recall(self) -> float:
        """The share of what was due that was given; 0 where nothing was due."""
        return self.matched / self.gold if self.gold else 0.0

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall; 0 where both are."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


class SealToolScore(Record):
    """Seal-Tools' three measures over many answers."""

    format_accuracy: float
    tools: PrecisionRecall
    parameters: PrecisionRecall


def sealtool_score(outputs: Sequence[str], samples: Sequence[Sample]) -> SealToolScore:
    """Score answers by Seal-Tools' rule (`LLM_Evaluation/src/calculate_pluginscore_detailed.py`).

    A given call is matched with the first gold call of its name, even if another given call was matched with it; its
    parameters are right where `str` of their values is equal. So gold against gold gives exactly 1 where no tool is
    called twice in a sample, as in the split `test`; of two calls of one tool both are compared with the first.

    Raises:
        ValueError: there are no answers, or not one for each sample.
    """
    if not samples:
        raise ValueError("expected at least one sample, found none")
    read = [(_calls(output), sample.gold) for output, sample in zip(outputs, samples, strict=True)]
    matches = [_match(calls or (), gold) for calls, gold in read]
    return SealToolScore(
        format_accuracy=sum(calls is not None for calls, _ in read) / len(read),
        tools=_pool(tools for tools, _ in matches),
        parameters=_pool(parameters for _, parameters in matches),
    )


def _match(calls: Sequence[Call], gold: Sequence[Call]) -> tuple[PrecisionRecall, PrecisionRecall]:
    first = {call.name: call for call in reversed(gold)}
    known = [call for call in calls if call.name in first]
    right = sum(
        name in (due := first[call.name].arguments) and str(value) == str(due[name])
        for call in known
        for name, value in call.arguments.items()
    )
    sizes = [sum(len(call.arguments) for call in side) for side in (calls, gold)]
    return (
        PrecisionRecall(matched=len(known), predicted=len(calls), gold=len(gold)),
        PrecisionRecall(matched=right, predicted=sizes[0], gold=sizes[1]),
    )


def _pool(counts: Iterable[PrecisionRecall]) -> PrecisionRecall:
    rows = [(one.matched, one.predicted, one.gold) for one in counts]
    matched, predicted, gold = (sum(column) for column in zip(*rows, strict=True))
    return PrecisionRecall(matched=matched, predicted=predicted, gold=gold)


def _calls(output: str) -> tuple[Call, ...] | None:
    try:
        return parse_calls(output)
    except MalformedCall:
        return None


def _bound(call: Call, sample: Sample) -> dict[str, Any] | None:
    """Return a call's arguments with the tool's defaults filled in; none if the tool is not offered or refuses them."""
    schema = next((tool.parameters for tool in sample.request.tools if tool.name == call.name), None)
    if schema is None:
        return None
    properties: dict[str, Any] = schema["properties"]
    defaults = {name: one["default"] for name, one in properties.items() if "default" in one}
    bound = defaults | {name: int(v) if isinstance(v, float) else v for name, v in call.arguments.items()}
    return bound if set(bound) == set(properties) else None
