"""Parameters of a run of chapters, as `-p name=value` gives them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ttsi.records import InputError
from ttsi_book.making.chapters import Chapter, literal


def parse_parameters(assignments: Iterable[str]) -> dict[str, Any]:
    """Read `name=value` as papermill does: a number, True, False or None where it is one, a text otherwise.

    Raises:
        InputError: an assignment has no name or no `=`, or gives a parameter a second value.
    """
    parameters: dict[str, Any] = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not (name.isidentifier() and equals):
            raise InputError(f"parameter {assignment!r}; expected name=value")
        if parameters.setdefault(name, literal(value)) != literal(value):
            raise InputError(f"parameter {name} is given twice: {parameters[name]!r} and {literal(value)!r}")
    return parameters


def check_parameters(parameters: Mapping[str, Any], chapters: Sequence[Chapter]) -> None:
    """Refuse a parameter that a chapter would ignore: papermill itself would run the defaults.

    Raises:
        InputError: a chapter does not have the parameter; names those that it has.
    """
    for chapter in chapters if parameters else ():
        known = chapter.defaults()
        unknown = [name for name in parameters if name not in known]
        if unknown:
            expected = ", ".join(known) or "none: it has no cell tagged parameters"
            raise InputError(f"{chapter.name} has no parameter {', '.join(unknown)}; it has {expected}")
