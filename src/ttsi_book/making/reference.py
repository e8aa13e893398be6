"""A Sphinx extension: attributes of the reference have plain types, and their docstrings stay whole."""

from typing import Any

from docutils import nodes
from sphinx.addnodes import desc_annotation

ANNOTATED = "Annotated["
HIDDEN = "\ue000"
"""Stands for a colon while napoleon reads, which would take the words before it for the attribute's type."""


def plain(annotation: str) -> str:
    """Return an annotation with `Annotated[kind, …]` as its kind alone; what validates it is left out."""
    before, found, rest = annotation.partition(ANNOTATED)
    if not found:
        return annotation
    depth, end = 1, 0
    while depth and end < len(rest):
        depth += {"[": 1, "]": -1}.get(rest[end], 0)
        end += 1
    return before + rest[:end].split(",")[0].rstrip("]") + plain(rest[end:])


def _annotations(_: Any, document: nodes.document) -> None:
    for node in document.findall(desc_annotation):
        if ANNOTATED in (text := node.astext()):
            node.children = [nodes.Text(plain(text))]


def _hide(_app: Any, what: str, _name: str, _obj: Any, _options: Any, lines: list[str]) -> None:
    if what == "attribute":
        lines[:] = [line.replace(":", HIDDEN) for line in lines]


def _show(_app: Any, _what: str, _name: str, _obj: Any, _options: Any, lines: list[str]) -> None:
    lines[:] = [line.replace(HIDDEN, ":") for line in lines]


def setup(app: Any) -> dict[str, bool]:
    """Register the handlers, around napoleon's, which has the priority 500."""
    app.connect("autodoc-process-docstring", _hide, priority=400)
    app.connect("autodoc-process-docstring", _show, priority=600)
    app.connect("doctree-read", _annotations)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
