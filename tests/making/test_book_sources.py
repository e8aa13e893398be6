"""What a figure rests on is found through every name between it and the published rows."""

from pathlib import Path

import pytest

from ttsi_book.making.sources import rests_on, source_line

ROOT = Path(__file__).parents[2]
READ = 'rows = read_study(data_root() / "results", "base")'


@pytest.mark.parametrize(
    ("cells", "files"),
    [
        ([READ, "draw(rows)"], {"results"}),
        ([READ, "shares = rows.mean()", "draw(shares)"], {"results"}),
        ([READ, "shares = []\nfor row in rows:\n    shares.append(row)", "draw(shares)"], {"results"}),
        ([READ, "table = {}\ntable['x'] = rows", "draw(table)"], {"results"}),
        ([READ, "def shares():\n    return rows", "draw(shares())"], {"results"}),
        (["results = data_root() / 'results'", "draw(read(results), read_paper())"], {"results", "paper.toml"}),
        ([READ, "%time live = 3", "draw(live)"], set()),
    ],
)
def test_the_last_cell_rests_on(cells: list[str], files: set[str]) -> None:
    assert rests_on(cells)[-1] == files


def test_a_line_links_to_what_is_there() -> None:
    line = source_line("07_when_to_adapt", {"results", "paper.toml", "absent"}, ROOT)
    assert '/blob/main/notebooks/07_when_to_adapt.py">' in line
    assert '/tree/main/data/results">data/results</a>' in line
    assert '/blob/main/data/paper.toml">' in line
    assert "absent" not in line
    assert "computed there" in source_line("07_when_to_adapt", set(), ROOT)
