"""The oracle: a teacher that is no model but toolworld's own grammar, so that all it writes is right."""

from collections.abc import Sequence

from ttsi.benchmarks.toolworld.oracle import practise, tools_of
from ttsi.prompts import render_practice
from ttsi.records import InputError, Request


class OracleTeacher:
    """Writes practice examples that are always right, for requests of toolworld alone."""

    def write(
        self, requests: Sequence[Request], *, seeds: Sequence[int], draws: int, temperature: float, max_new_tokens: int
    ) -> list[list[str]]:
        """Return `draws` new conversations over the tools of each request, as text; a grammar has no temperature.

        Raises:
            InputError: a request is not one of toolworld, or its tools are not those of its id.
        """
        return [self._written(request, draws, seed) for request, seed in zip(requests, seeds, strict=True)]

    def _written(self, request: Request, draws: int, seed: int) -> list[str]:
        if tuple(tool.as_tool() for tool in tools_of(request.id)) != request.tools:
            raise InputError(f"{request.id}: found other tools than toolworld gives this sample; expected the same")
        return [render_practice(example) for example in practise(request.id, draws, seed)]
