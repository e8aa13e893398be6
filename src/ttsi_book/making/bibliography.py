"""A Sphinx extension: the bibliography's entries are named by author and year, as the text cites them."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from pybtex.plugin import register_plugin
from pybtex.richtext import Text
from pybtex.style.formatting.plain import Style
from pybtex.style.labels import BaseLabelStyle

NAME = "author_year_labels"


class AuthorYearLabels(BaseLabelStyle):
    """Labels such as `Hu et al., 2021`; what has the same authors and year is told apart by a letter."""

    def format_labels(self, sorted_entries: Iterable[Any]) -> Iterator[str]:
        """Yield the label of each entry."""
        seen: Counter[str] = Counter()
        for entry in sorted_entries:
            label = _label(entry)
            yield label + ("" if not seen[label] else chr(ord("a") + seen[label]))
            seen[label] += 1


class AuthorYearStyle(Style):
    """Pybtex's plain style with those labels."""

    default_label_style = AuthorYearLabels


def _label(entry: Any) -> str:
    names = [" ".join([*person.prelast_names, *person.last_names]) for person in entry.persons["author"]]
    first, *others = [str(Text.from_latex(name)) for name in names]
    named = first if not others else f"{first} and {others[0]}" if len(others) == 1 else f"{first} et al."
    return f"{named}, {entry.fields['year']}"


def setup(_: Any) -> dict[str, bool]:
    """Register the style under the name that `bibtex_default_style` gives."""
    register_plugin("pybtex.style.formatting", NAME, AuthorYearStyle)
    return {"parallel_read_safe": True}
