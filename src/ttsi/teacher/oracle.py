"""The oracle: a teacher that is no model but toolworld's own grammar. It is the upper bound of every teacher there."""

from ttsi.benchmarks.toolworld.oracle import practise, tools_of
from ttsi.prompts import render_practice
from ttsi.records import InputError, Request


class OracleTeacher:
    """Writes practice examples that are always right, for requests of toolworld alone."""

    def write(self, request: Request, *, draws: int, temperature: float, seed: int, max_new_tokens: int) -> list[str]:
        """Return `draws` new conversations over the request's tools, as text; a grammar has no temperature.

        Raises:
            InputError: the request is not one of toolworld, or its tools are not those of its id.
        """
        if tuple(tool.as_tool() for tool in tools_of(request.id)) != request.tools:
            raise InputError(f"{request.id}: found other tools than toolworld gives this sample; expected the same")
        return [render_practice(example) for example in practise(request.id, draws, seed)]
