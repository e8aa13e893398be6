"""How pages write an interval: every table, figure and sentence in the same way."""

from typing import Any


def interval_text(found: Any, form: str = ".1%", *, with_n: bool = False) -> str:
    """Write an estimate with its 95% interval, as all pages do: `72.4% (66.0–78.1)`.

    Args:
        found: has the fields of an `Interval`, as a row of a table may.
        form: of its numbers, such as `.2f` for `0.83 (0.79–0.87)`, or `points` for a difference of shares in percentage
            points, `+3.2 (+0.8 to +5.6)`. Where that is 0 with an interval of no width, no resample could differ, which
            says nothing of how sure it is: `+0.0 (no verdict differs)`.
        with_n: ends with the number of samples: `0.83 (0.79–0.87, n = 294)`.
    """
    same = form == "points" and found.low == found.high == 0
    bounds = "no verdict differs" if same else bounds_text(found, form)
    return f"{_number(found.estimate, form)} ({bounds}{f', n = {found.n:,}' if with_n else ''})"


def bounds_text(found: Any, form: str = ".1%") -> str:
    """Write the ends of an interval alone, in a form of `interval_text`: `66.0–78.1`, `+0.8 to +5.6`."""
    low, high = (_number(bound, form) for bound in (found.low, found.high))
    return f"{low.rstrip('%')}–{high.rstrip('%')}" if low[0].isdigit() and high[0].isdigit() else f"{low} to {high}"


def _number(value: float, form: str) -> str:
    return f"{100 * value:+.1f}" if form == "points" else f"{value:{form}}"
