"""From what a benchmark's file says to samples: what is unusual is flagged, and tools are put in order."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Literal

from ttsi.records import Call, Message, Request, Sample, Tool

ToolOrder = Literal["shuffled", "upstream"]

UNPARSABLE = "gold_unparsable"
NOT_CLEAN = ("gold_tool_not_offered", "argument_not_in_schema")


@dataclass(frozen=True)
class Draft:
    """A sample before its tools are put in order; `gold` is none where upstream's cannot be read."""

    id: str
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...]
    gold: tuple[Call, ...] | None
    flags: tuple[str, ...] = ()

    @property
    def clean(self) -> bool:
        """Parsed, every gold tool is offered, and every gold argument is in that tool's schema."""
        return self.gold is not None and not set(self.flags) & set(NOT_CLEAN)

    def sample(self, tool_order: ToolOrder) -> Sample:
        """Return the sample; its gold must be there."""
        tools = list(self.tools)
        if tool_order == "shuffled":
            Random(self.id).shuffle(tools)
        request = Request(id=self.id, messages=self.messages, tools=tuple(tools))
        return Sample(request=request, gold=self.gold or (), flags=self.flags)


def flagged(drafts: Iterable[Draft]) -> Iterator[Draft]:
    """Yield drafts with the flags that are the same for every benchmark, after those that its reader gave.

    `duplicate` is a later draft whose conversation, tools and gold all stand in an earlier one.
    """
    seen: set[str] = set()
    for draft in drafts:
        key = repr((draft.messages, draft.tools, draft.gold))
        flags = [*draft.flags, *_gold_flags(draft), *(["duplicate"] if key in seen else [])]
        seen.add(key)
        yield replace(draft, flags=tuple(flags))


def _gold_flags(draft: Draft) -> list[str]:
    if draft.gold is None:
        return [UNPARSABLE]
    schemas = {tool.name: tool.parameters["properties"] for tool in draft.tools}
    pairs = [(schemas[call.name], call.arguments) for call in draft.gold if call.name in schemas]
    found = {
        "gold_tool_not_offered": len(pairs) < len(draft.gold),
        "argument_not_in_schema": any(set(arguments) - set(schema) for schema, arguments in pairs),
        "number_as_text": any(
            isinstance(value, str) and schema.get(name, {}).get("type") in ("integer", "number")
            for schema, arguments in pairs
            for name, value in arguments.items()
        ),
    }
    return [flag for flag, holds in found.items() if holds]
