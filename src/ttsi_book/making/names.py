"""A Sphinx extension: a name of the library or a command in the text leads to its entry in the reference."""

import re
from collections.abc import Iterator
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.environment import BuildEnvironment
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.nodes import make_refnode

ALONE = ("class", "function", "data", "exception")
"""What a text can name without the class that it belongs to."""

COMMANDS = "commands"
CALL = re.compile(r"\(.*\)", re.S)
Place = tuple[str, str]
"""A page and an anchor on it."""


class NameLinks(SphinxPostTransform):
    """Makes a link of each inline code that is `Class`, `function(…)`, `Class.method`, or `ttsi command …`."""

    default_priority = 5

    def run(self, **_: Any) -> None:
        """Link the names on one page; a heading, a link, and the entry of the name itself stay as they are."""
        places = dict(known_places(self.env))
        for literal in list(self.document.findall(nodes.literal)):
            place = places.get(_name(literal.astext(), places))
            if place and not isinstance(literal.parent, nodes.reference | nodes.title | pending_xref):
                literal.replace_self(make_refnode(self.app.builder, self.env.docname, *place, literal.deepcopy()))


def known_places(env: BuildEnvironment) -> Iterator[tuple[str, Place]]:
    """Yield each name that a text may use, with where it is explained."""
    for name, entry in env.domaindata["py"]["objects"].items():
        parts = name.split(".")
        for first in range(len(parts) if entry.objtype in ALONE else len(parts) - 1):
            yield ".".join(parts[first:]), (entry.docname, entry.node_id)
    for reference in env.tocs.get(COMMANDS, nodes.container()).findall(nodes.reference):
        if anchor := reference["anchorname"]:
            yield anchor.lstrip("#").replace("-", " "), (COMMANDS, anchor.lstrip("#"))


def _name(text: str, places: dict[str, Place]) -> str:
    """Return what a piece of code names: a name of Python without its arguments, or the longest command known."""
    words = text.split()
    if words[:1] != ["ttsi"]:
        return CALL.sub("", text)
    commands = (" ".join(words[:count]) for count in range(len(words), 1, -1))
    return next((command for command in commands if command in places), text)


def setup(app: Any) -> dict[str, bool]:
    """Register the transform."""
    app.add_post_transform(NameLinks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
