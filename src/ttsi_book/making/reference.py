"""A Sphinx extension: attributes of the reference have plain types, and their docstrings stay whole."""

from typing import Any, get_type_hints

from sphinx.ext.autodoc import AttributeDocumenter

ESCAPED_COLON = "\ue000"
"""Stands for a colon while napoleon reads, which would take the words before it for the attribute's type."""


class PlainAttributeDocumenter(AttributeDocumenter):
    """Documents an attribute with its type alone: `Annotated[str, …]`, which says how a value is checked, is `str`."""

    def update_annotations(self, parent: Any) -> None:
        """Take from the annotations of a record's fields what is no type."""
        super().update_annotations(parent)
        fields = getattr(parent, "model_fields", {})
        own = {name: kind for name, kind in parent.__annotations__.items() if name in fields}
        parent.__annotations__ |= get_type_hints(type(parent.__name__, (), {"__annotations__": own}))


def _hide(_app: Any, what: str, _name: str, _obj: Any, _options: Any, lines: list[str]) -> None:
    if what == "attribute":
        lines[:] = [line.replace(":", ESCAPED_COLON) for line in lines]


def _show(_app: Any, _what: str, _name: str, _obj: Any, _options: Any, lines: list[str]) -> None:
    lines[:] = [line.replace(ESCAPED_COLON, ":") for line in lines]


def setup(app: Any) -> dict[str, bool]:
    """Register the documenter, and the handlers around napoleon's, which has the priority 500."""
    app.add_autodocumenter(PlainAttributeDocumenter, override=True)
    app.connect("autodoc-process-docstring", _hide, priority=400)
    app.connect("autodoc-process-docstring", _show, priority=600)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
