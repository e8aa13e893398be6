"""What is read from the benchmark's table: ratios within a repetition, bars, the roofline, the figure."""

import numpy as np
import pandas as pd
import pytest

from ttsi.data import data_root
from ttsi.evaluation.statistics import Interval
from ttsi.models.loading import pinned
from ttsi.records import InputError
from ttsi.speed.cases import GPU, QWEN, UNSLOTH
from ttsi.speed.reading import (
    BARS,
    DENSE_FLOPS,
    GPU_BARS,
    Bar,
    bar_rows,
    ratio,
    read_bench,
    readable_bench,
    roofline_share,
    training_flops,
    verdict,
)
from ttsi_book.plots.speed import seconds_against

ROWS = (
    pd.DataFrame(
        [
            {"way": way, "batch": batch, "threads": 1, "repeat": repeat, "seconds": seconds * (1 + repeat)}
            for way, batch, seconds in (("naive", 1, 8.0), ("batched", 4, 4.0), ("batched", 64, 2.0))
            for repeat in range(3)
        ]
    )
    .assign(
        model="tiny", toolworld=True, k=1, prefix=54.0, tokens_adaptation=500, seconds_adaptation=0.5, peak_bytes=None
    )
    .astype({"peak_bytes": float})
)


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


def test_the_bars_of_a_gpu_are_measured_by_its_plans():
    measured = {
        (case.model, way, count if way in ("batched", "activated") else 1)
        for case in (*GPU, *UNSLOTH)
        for way, count in case.samples.items()
        if case.prefix == 600 and case.k == 1
    }
    for bar in GPU_BARS:
        assert {(bar.model, bar.slow, 1), (bar.model, bar.fast, bar.batch)} <= measured


@pytest.mark.parametrize(("low", "high", "said"), [(3, 4, "reached"), (2, 2.9, "missed"), (2, 4, "cannot be told")])
def test_a_bar_is_judged_by_the_whole_interval(low, high, said):
    assert verdict(Interval((low + high) / 2, low, high, 5), at_least=3) == said


def test_the_readable_table_says_what_was_not_measured():
    table = readable_bench(ROWS.assign(peak_bytes=3 * [3e6] + 6 * [None])).reset_index()
    assert table["way"].tolist() == ["naive × 1, one thread", "batched × 4, one thread", "batched × 64, one thread"]
    assert table["seconds"].tolist()[0].startswith("16 (")
    assert table["peak, MB"].tolist() == ["3", "not measured", "not measured"]
    assert table["trained tokens a second"].tolist() == ["1,000"] * 3


def test_the_roofline_is_known_for_known_devices_only():
    shape = pinned(QWEN, data_root() / "models.toml").shape
    half = training_flops(shape, 500) / DENSE_FLOPS["NVIDIA H200"] / 0.5
    found = roofline_share(ROWS, shape, "one NVIDIA H200, 141 GB")
    assert found
    assert found.estimate == pytest.approx(half)
    assert roofline_share(ROWS, shape, "AMD EPYC") is None


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
