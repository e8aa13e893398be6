"""New conversations over the tools of a test request, by the grammar that made it; they are not the request's own.

A request's id decides its tools, so nothing but the id is needed, least of all the gold. The conversations are of the
training subset: none of them is a validation or a test conversation. An id that is not one of toolworld's is an
`InputError`.
"""

import re
from random import Random

from ttsi.benchmarks.toolworld import SPLITS, SUBSETS, draw_in_subset, source_of
from ttsi.benchmarks.toolworld.grammar import Source, Verbed, draw_tools
from ttsi.records import InputError, PracticeExample

_ID = re.compile(rf"toolworld/({'|'.join(SPLITS)})/({'|'.join(SUBSETS)})/\d+/\d+")


def practise(request_id: str, count: int, seed: int) -> list[PracticeExample]:
    """Draw practice conversations for a request, with the calls that answer them; the seed has no part in the tools."""
    kind, source = _kind_and_source(request_id)
    tools, rng = tools_of(request_id), Random(f"{request_id}/practice/{seed}")
    drawn = (draw_in_subset(rng, kind, source, tools, "train") for _ in range(count))
    return [PracticeExample(messages=exchange.messages, calls=exchange.calls) for exchange in drawn]


def tools_of(request_id: str) -> tuple[Verbed, ...]:
    """Return the tools of a sample, drawn again from its id."""
    kind, source = _kind_and_source(request_id)
    return draw_tools(Random(request_id), kind, source)


def _kind_and_source(request_id: str) -> tuple[str, Source]:
    found = _ID.fullmatch(request_id)
    if not found:
        raise InputError(f"found request {request_id!r}; expected toolworld/kind/tools/subset/seed/index")
    kind, tools = found[1].split("/")
    return kind, source_of(tools, found[2])  # pyright: ignore[reportArgumentType]
