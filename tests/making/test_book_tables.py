"""Tables on pages: one row of heads, none of them empty, and numbers under each other."""

import pandas as pd
import pytest
from bs4 import BeautifulSoup, Tag

from ttsi_book.making.tables import NUMERIC, readable_table

SHARES = pd.DataFrame(
    {"samples": [30, 1294], "exact match": ["96.7% (83.3–99.4)", "–"], "what it says": ["fine", "12 of them"]},
    index=["single/seen", "a <b>"],
)


def table_of(frame: pd.DataFrame) -> Tag:
    html = frame._repr_html_()  # pyright: ignore[reportCallIssue]
    (table,) = BeautifulSoup(readable_table(str(html)), "html.parser").select(".table-box table.dataframe")
    return table


def texts(table: Tag, selector: str) -> list[str]:
    return [cell.get_text(strip=True) for cell in table.select(selector)]


@pytest.mark.parametrize(
    ("frame", "heads"),
    [
        (SHARES, ["", *SHARES]),
        (SHARES.rename_axis("split"), ["split", *SHARES]),
        (SHARES.rename_axis("n = 2", axis="columns"), ["n = 2", *SHARES]),
        (SHARES.rename_axis("split").rename_axis("n = 2", axis="columns"), ["split", *SHARES]),
        (SHARES.set_index("samples", append=True).rename_axis(["split", "n"]), ["split", "n", *list(SHARES)[1:]]),
    ],
)
def test_heads_stand_in_one_row_whatever_names_the_axes_have(frame: pd.DataFrame, heads: list[str]) -> None:
    table = table_of(frame)
    assert len(table.select("thead tr")) == 1
    assert texts(table, "thead tr > *") == heads


def test_columns_of_two_levels_keep_both_rows() -> None:
    table = table_of(pd.concat({"seen": SHARES[["samples"]], "unseen": SHARES[["samples"]]}, axis="columns"))
    assert texts(table, "thead tr:first-child th") == ["seen", "unseen"]
    assert texts(table, "thead tr:last-child th") == ["samples", "samples"]


def test_no_head_is_empty_and_each_says_what_it_heads() -> None:
    table = table_of(SHARES)
    assert all(texts(table, "th"))
    assert [head["scope"] for head in table.select("th")] == ["col"] * 3 + ["row"] * 2


def test_numbers_are_marked_with_their_heads_and_words_are_not() -> None:
    table = table_of(SHARES)
    assert texts(table, "thead .number") == ["samples", "exact match"]
    assert texts(table, "tbody .number") == ["30", "96.7% (83.3–99.4)", "1294", "–"]


def test_cells_stay_as_they_are() -> None:
    assert texts(table_of(SHARES), "tbody th") == ["single/seen", "a <b>"]
    assert not table_of(SHARES).select("[style], [border], b")


def test_numbers_are_marked_beside_an_index_that_spans_rows() -> None:
    table = table_of(pd.DataFrame({"n": [1, 2, 3]}, index=pd.MultiIndex.from_product([["a"], ["x", "y", "z"]])))
    assert texts(table, "tbody .number") == ["1", "2", "3"]


def test_a_long_table_says_how_much_of_it_is_shown() -> None:
    html = readable_table(str(pd.DataFrame({"n": range(100)})._repr_html_()))  # pyright: ignore[reportCallIssue]
    assert "100 rows" in html


def test_a_long_table_is_folded_with_its_source_and_a_short_one_is_not() -> None:
    long, short = pd.DataFrame({"n": range(20)}), pd.DataFrame({"n": range(5)})
    page = BeautifulSoup(readable_table(str(long._repr_html_()), '<p class="source">s</p>'), "html.parser")  # pyright: ignore[reportCallIssue]
    assert page.select_one("details > summary") is not None
    assert page.select_one("details > .table-box + .source") is not None
    assert "<details" not in readable_table(str(short._repr_html_()))  # pyright: ignore[reportCallIssue]


def test_other_html_passes() -> None:
    card = '<div class="change-card"><p>a & b<br></div>'
    assert readable_table(card) == card


@pytest.mark.parametrize(
    "text",
    [
        "12",
        "-3",
        "1,294",
        "72.4%",
        "0.5 s",
        "+3.2 (+0.8 to +5.6)",
        "0.57 (0.50–0.64)",
        "3 / 12",
        "< 0.001",
        "–",
        "+0.0 (no verdict differs, n = 9)",
    ],
)
def test_is_a_number(text: str) -> None:
    assert NUMERIC.fullmatch(text)


@pytest.mark.parametrize("text", ["12 of them", "tau = 0.95", "TT-SI", "0.1, 0.2 and more", "2026-11-26 to x"])
def test_is_no_number(text: str) -> None:
    assert not NUMERIC.fullmatch(text)
