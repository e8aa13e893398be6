"""Tables for pages: what pandas writes becomes a table with one row of heads, and numbers under each other."""

import re
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

NUMERIC = re.compile(
    r"[+−-]?[\d.,]+ ?(%|×|[a-z]+)?"  # with a unit
    r"( ?\((.*\d.*|no verdict differs)\))?(, n = [\d,]+)?"  # and an interval, the number of samples
    r"|\d+ / \d+|[<≤] ?[\d.]+|[–-]|inf|nan|",
    re.IGNORECASE,
)
"""Cells that are aligned as numbers; a dash, or nothing, may stand among them."""

LONG = 16
"""Rows from which on a table is folded."""


def readable_table(html: str, source: str = "") -> str:
    """Return pandas' HTML as a table in a box that scrolls by itself, or unchanged where it holds none.

    Names of rows or columns that pandas puts in rows and cells of their own move into the one row of heads; a head
    without a name is an ordinary cell; columns of numbers are marked as such, with their heads. A long table is folded.
    `source`, HTML that says where it comes from, follows it.
    """
    if 'class="dataframe"' not in html:
        return html
    root = ElementTree.fromstring(f"<div>{re.sub(r'<style scoped>.*?</style>', '', html, flags=re.DOTALL)}</div>")
    for table in root.iter("table"):
        table.attrib = {"class": "dataframe"}
        _one_row_of_heads(table)
        _mark_numbers(table)
        _mark_heads(table)
    root.attrib = {"class": "table-box", "tabindex": "0"}
    text = ElementTree.tostring(root, encoding="unicode", method="html") + source
    rows = len(root.findall(".//tbody/tr"))
    return text if rows < LONG else f"<details><summary>A table of {rows} rows</summary>{text}</details>"


def _one_row_of_heads(table: Element) -> None:
    """Take the names of the index from a second row of heads into the first, before pandas' names of the columns."""
    head = table.find("thead")
    rows = [] if head is None else head.findall("tr")
    for row in rows:
        row.attrib.pop("style", None)
    if head is None or len(rows) != 2:
        return
    first, second = rows
    if any(_text(cell) for cell in second[len(_index_cells(table)) :]):
        return  # columns of two levels
    for cell, name in zip(first, list(second)[: len(_index_cells(table))], strict=False):
        cell.text = name.text or cell.text
    head.remove(second)


def _mark_heads(table: Element) -> None:
    for scope, cells in (("col", table.findall("thead/tr/th")), ("row", table.findall("tbody/tr/th"))):
        for cell in cells:
            if _text(cell):
                cell.attrib.pop("valign", None)
                cell.set("scope", scope)
            else:
                cell.tag = "td"


def _mark_numbers(table: Element) -> None:
    """Mark the columns, counted from the right since cells of an index may span rows, that hold nothing but numbers."""
    body = [list(row) for row in table.iterfind("tbody/tr")]
    heads = [list(row) for row in table.iterfind("thead/tr")]
    for place in range(1, min((len(row.findall("td")) for row in table.iterfind("tbody/tr")), default=0) + 1):
        cells = [row[-place] for row in body]
        texts = [_text(cell) for cell in cells]
        if all(NUMERIC.fullmatch(text) for text in texts) and any(text.strip("–-") for text in texts):
            for cell in [*cells, *(row[-place] for row in heads if len(row) >= place)]:
                cell.set("class", "number")


def _index_cells(table: Element) -> list[Element]:
    """Return the heads of the longest row of the body: those of the first row, where cells span several."""
    return max((row.findall("th") for row in table.iterfind("tbody/tr")), key=len, default=[])


def _text(cell: Element) -> str:
    return "".join(cell.itertext()).strip()
