"""The oracle of the paper's benchmarks: practice from gold calls of other samples with the same tools."""

from collections.abc import Sequence
from random import Random

from ttsi.calls import CLOSE
from ttsi.prompts import render_practice, transcript
from ttsi.records import PracticeExample, Request, Sample


class GoldTeacher:
    """Writes what other samples of a benchmark ask and how they are answered; it is no model, and reads their labels.

    A sample serves a request if it calls none but the request's tools, as they are described there, and says something
    else. The label of the request itself is never used. A conversation in whose turns calls stand cannot be written as
    a practice example, and is left out. The samples are all that the benchmark holds, its test set among them.
    """

    def __init__(self, samples: Sequence[Sample]) -> None:
        self._written: dict[str, list[tuple[Sample, str]]] = {}
        for sample in samples:
            said = transcript(sample.request.messages)
            if sample.gold and CLOSE not in said:
                self._written.setdefault(sample.gold[0].name, []).append((sample, said.lower()))

    def write(
        self, requests: Sequence[Request], *, seeds: Sequence[int], draws: int, temperature: float, max_new_tokens: int
    ) -> list[list[str]]:
        """Return up to `draws` examples for each request, in an order drawn from its seed; none where none serves."""
        return [self._found(request, draws, seed) for request, seed in zip(requests, seeds, strict=True)]

    def _found(self, request: Request, draws: int, seed: int) -> list[str]:
        tools, asked = {tool.name: tool for tool in request.tools}, transcript(request.messages).lower()
        texts = {}
        for name in tools:
            for sample, said in self._written.get(name, ()):
                offered = {tool.name: tool for tool in sample.request.tools}
                if said != asked and all(tools.get(c.name) == offered.get(c.name, 0) for c in sample.gold):
                    example = PracticeExample(messages=sample.request.messages, calls=sample.gold)
                    texts[render_practice(example)] = None
        found = list(texts)
        return Random(seed).sample(found, min(draws, len(found)))
