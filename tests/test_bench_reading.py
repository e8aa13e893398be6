"""What is read from the benchmark's table: ratios within a repetition, bars, the roofline, the figure."""

import numpy as np
import pandas as pd
import pytest

from ttsi.agent.loading import pinned
from ttsi.bench.reading import BARS, Bar, bar_rows, ratio, read_bench, training_flops
from ttsi.data import data_root
from ttsi.plots.speed import seconds_against
from ttsi.records import InputError

ROWS = pd.DataFrame(
    [
        {"way": way, "batch": batch, "threads": 1, "repeat": repeat, "seconds": seconds * (1 + repeat)}
        for way, batch, seconds in (("naive", 1, 8.0), ("batched", 4, 4.0), ("batched", 64, 2.0))
        for repeat in range(3)
    ]
).assign(model="tiny", toolworld=True, k=1, prefix=54.0)


def test_a_ratio_is_taken_within_each_repetition():
    bar = Bar("", "tiny", True, "naive", "batched", 64, 3.0)
    found = ratio(bar_rows(ROWS, bar), "naive", "batched")
    assert (found.estimate, found.low, found.high, found.n) == (4.0, 4.0, 4.0, 3)
    assert ratio(bar_rows(ROWS, Bar("", "tiny", True, "naive", "batched", 4, 3.0)), "naive", "batched").estimate == 2.0


def test_what_is_published_holds_every_bar_and_says_what_made_it():
    table, made = read_bench(data_root() / "speed" / "cpu.parquet")
    assert made.dirty is False
    assert made.ended
    for bar in BARS:
        rows = bar_rows(table, bar)
        assert set(rows["way"]) == {bar.slow, bar.fast}
        assert ratio(rows, bar.slow, bar.fast).n == made.config["repeats"]


def test_a_table_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match=r"gpu\.parquet cannot be read as a benchmark"):
        read_bench(tmp_path / "gpu.parquet")


def test_training_takes_four_operations_a_weight_and_token():
    shape = pinned("Qwen/Qwen2.5-1.5B-Instruct", data_root() / "models.toml").shape
    assert training_flops(shape, 1000) == pytest.approx(4 * 1.543714304e9 * 1000, rel=1e-6)


def test_each_way_has_a_line_through_its_points():
    points = pd.DataFrame(
        {
            "way": ["batched", "batched", "activated"],
            "batch": [4, 1, 1],
            "estimate": [0.1, 0.4, 0.3],
            "low": [0.1, 0.3, 0.2],
            "high": [0.1, 0.5, 0.4],
            "n": [5, 5, 5],
        }
    )
    (axes,) = seconds_against(points, column="batch", label="samples at once").axes
    lines = {str(line.get_label()): np.asarray(line.get_xydata()).tolist() for line in axes.lines}
    assert lines["batched"] == [[1, 0.4], [4, 0.1]]
    assert lines["activated"] == [[1, 0.3]]
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
