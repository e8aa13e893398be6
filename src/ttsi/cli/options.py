"""Options made from the settings of a run: each has the name, the type and the docstring of its field."""

from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, get_args, get_origin

import click
from pydantic import AfterValidator
from pydantic.fields import FieldInfo

from ttsi.records import Record

PATH = click.Path(path_type=Path)

NOT_OPTIONS = ("profile", "author", "in_context")
"""Settings without an option of their own: the profile is read before them, and a method fixes the others."""


class SettingsCommand(click.Command):
    """A command that takes settings of a run, besides its own parameters; settings that are not given are None.

    Their options are made when they are asked for, so that the help of other commands does not wait for them.
    `settings` names them; none: all there are.
    """

    def __init__(self, *arguments: Any, settings: Sequence[str] = (), **parameters: Any) -> None:
        super().__init__(*arguments, **parameters)
        self._own = vars(self).pop("params")  # else click's list would stand before the property
        self._settings = tuple(settings)

    @cached_property
    def params(self) -> list[click.Parameter]:
        """The command's own parameters, then an option for each setting."""
        return [*self._own, *_options(self._settings)]


def settings_of(record: type[Record]) -> Iterator[tuple[str, FieldInfo]]:
    """Yield the name and the field of each setting, those of the tables within among them."""
    for name, field in record.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Record):
            yield from settings_of(field.annotation)
        else:
            yield name, field


@lru_cache
def _options(names: tuple[str, ...]) -> list[click.Option]:
    from ttsi.runs.config import RunConfig

    fields = {name: field for name, field in settings_of(RunConfig) if name not in NOT_OPTIONS}
    return [_option(name, fields[name]) for name in names or fields]


def _option(name: str, field: FieldInfo) -> click.Option:
    from ttsi.settings import EntryOf

    parts = [part for one in (field.annotation, *field.metadata) for part in _parts(one)]
    literals = [part for part in parts if isinstance(part, str)]
    choices = literals + [name for part in parts if isinstance(part, EntryOf) for name in part.names()]
    kind = next((kind for kind in (bool, int, float) if kind in parts), str)
    several = any(get_origin(part) is tuple for part in parts)
    hint = f" {'Any' if several else 'One'} of {', '.join(choices)}." if len(choices) > 1 else ""
    return click.Option(
        [f"--{name.replace('_', '-')}"],
        type=kind,
        is_flag=kind is bool,
        default=None,
        metavar="A,B,…" if several else None,
        callback=(lambda _, __, text: _several(text, literals)) if several else None,
        help=f"{field.description}{hint}",
    )


def _several(text: str | None, literals: Sequence[str]) -> str | list[str] | None:
    return text if text is None or text in literals else [part.strip() for part in text.split(",")]


def _parts(annotation: Any) -> Iterator[Any]:
    """Yield an annotation and all that it is made of, validators among them."""
    yield annotation.func if isinstance(annotation, AfterValidator) else annotation
    for part in get_args(annotation):
        yield from _parts(part)
