"""The reference: types without validators, attributes' docstrings whole, every option of a command listed."""

import pytest

from ttsi_book.making.reference import plain


@pytest.mark.parametrize(
    ("annotation", "shown"),
    [
        (": int", ": int"),
        (": Annotated[int, FieldInfo(metadata=[Ge(ge=1), Le(le=9)])] | None", ": int | None"),
        (": tuple[Annotated[str, AfterValidator(func=EntryOf(table={'a': [1]}))], ...]", ": tuple[str, ...]"),
        (": Annotated[int, A()] = Annotated[str, B()]", ": int = str"),
    ],
)
def test_an_annotation_is_shown_without_what_validates_it(annotation: str, shown: str) -> None:
    assert plain(annotation) == shown
