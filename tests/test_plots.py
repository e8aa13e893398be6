"""Every figure draws without a warning, says what its axes are, and shows what its table says."""

from collections.abc import Callable
from dataclasses import asdict

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure

from ttsi.evaluation.statistics import (
    Interval,
    auroc,
    calibration_bins,
    mcnemar,
    proportion_interval,
    tau_sweep,
)
from ttsi_book import plots
from ttsi_book.plots.frame import PALETTE

mpl.use("agg")

RNG = np.random.default_rng(0)
CONFIDENCE = RNG.random(120)
ROWS = pd.DataFrame(
    {"margin": CONFIDENCE, "base_correct": RNG.random(120) < CONFIDENCE, "greedy_correct": RNG.random(120) < 0.8}
)
NOISY = ROWS.assign(margin=RNG.random(120))
SPLITS = ["single/seen", "single/unseen", "typed/unseen"]
ACCURACY = pd.DataFrame(
    [
        {"method": method, "split": split, **asdict(proportion_interval(successes, 50))}
        for method, successes in (("base", 30), ("TT-SI", 50), ("TT-SI, constrained tool names", 0))
        for split in SPLITS
    ]
)
ANSWERS = pd.DataFrame(
    [
        {"method": method, "decoding": decoding, **asdict(proportion_interval(successes, 50))}
        for method, decoding, successes in (
            ("base", "direct", 30),
            ("base", "pass@5", 45),
            ("TT-SI + constrained", "direct", 50),
        )
    ]
)
GAINS = pd.DataFrame(
    [
        {"label": "TT-SI", "against": "base", **asdict(Interval(0.05, -0.01, 0.11, 50))},
        {"label": "TT-SI + constrained", "against": "constrained", **asdict(Interval(-0.2, -0.3, -0.1, 50))},
    ]
)
AREAS = pd.DataFrame(
    [
        {"estimator": "rss-margin", "group": "unseen", **asdict(Interval(0.9, 0.8, 0.95, 120))},
        {"estimator": "self-consistency", "group": "unseen", **asdict(Interval(0.4, 0.3, 0.5, 120))},
        {"estimator": "self-consistency", "group": "seen", **asdict(Interval(0.7, 0.6, 0.8, 30))},
    ]
)
CHANGES = pd.DataFrame(
    [
        {"label": "single/unseen", **asdict(mcnemar([0] * 12 + [1] * 8, [1] * 10 + [0] * 5 + [1] * 5))},
        {"label": "typed/unseen", **asdict(mcnemar([1] * 20, [1] * 20))},
    ]
)
BINS = {"rss-margin": calibration_bins(ROWS["margin"], ROWS["base_correct"])}
SWEEPS = {name: tau_sweep(rows, np.linspace(0, 1, 11)) for name, rows in (("rss-margin", ROWS), ("noisy", NOISY))}
ALWAYS, EXTRA = 0.5, 2.0
LOSSES = pd.DataFrame({"tokens": [0, 500, 1000], "train": [3.0, 2.0, 1.0], "validation": [3.1, np.nan, 1.4]})
VERDICTS = pd.DataFrame({"valid": [18, 58], "unknown tool": [82, 0]}, index=["free", "tools it hesitates between"])
SECONDS = pd.DataFrame({"uncertainty": [0.0, 0.1], "answer": [0.2, 0.25]}, index=["base", "TT-SI"])

FIGURES: dict[str, Callable[[], Figure]] = {
    "accuracy_bars": lambda: plots.accuracy_bars(ACCURACY),
    "accuracy_dots": lambda: plots.accuracy_dots(ANSWERS),
    "difference_dots": lambda: plots.difference_dots(GAINS, series="against"),
    "fixed_and_broken": lambda: plots.fixed_and_broken(CHANGES),
    "margin_histogram": lambda: plots.margin_histogram(ROWS, tau=0.95, estimator="rss-margin"),
    "reliability": lambda: plots.reliability(BINS),
    "roc_curves": lambda: plots.roc_curves({"rss-margin": ROWS, "noisy": NOISY}),
    "auroc_dots": lambda: plots.auroc_dots(AREAS),
    "tau_sweep_curve": lambda: plots.tau_sweep_curve(SWEEPS, seconds=(ALWAYS, EXTRA)),
    "loss_curve": lambda: plots.loss_curve(LOSSES, x="tokens"),
    "example_verdicts": lambda: plots.example_verdicts(VERDICTS),
    "stage_seconds": lambda: plots.stage_seconds(SECONDS),
}
SHARES = {"accuracy_bars", "reliability", "roc_curves", "tau_sweep_curve"}
UNCERTAIN = set(FIGURES) - {"loss_curve", "example_verdicts", "stage_seconds"}
DIVERGING = {"fixed_and_broken", "difference_dots"}


@pytest.fixture(autouse=True)
def book_style():
    with mpl.rc_context():
        plots.style()
        yield


@pytest.fixture(params=FIGURES, scope="module")
def drawn(request: pytest.FixtureRequest) -> tuple[str, Figure]:
    with mpl.rc_context():
        plots.style()
        figure = FIGURES[request.param]()
        figure.draw_without_rendering()
    return request.param, figure


def legend_text(figure: Figure) -> str:
    (legend,) = figure.legends
    return "\n".join([legend.get_title().get_text(), *(text.get_text() for text in legend.get_texts())])


def heights(axes: Axes) -> list[float]:
    return [patch.get_height() for patch in axes.patches]  # pyright: ignore[reportAttributeAccessIssue]


def widths(axes: Axes) -> list[float]:
    return [patch.get_width() for patch in axes.patches]  # pyright: ignore[reportAttributeAccessIssue]


def test_a_figure_is_shown_once_on_a_white_card(drawn: tuple[str, Figure]) -> None:
    _, figure = drawn
    assert plt.get_fignums() == []
    assert to_rgb(figure.get_facecolor()) == (1, 1, 1)


def test_axes_are_labelled(drawn: tuple[str, Figure]) -> None:
    _, figure = drawn
    assert all(axes.get_ylabel() for axes in figure.axes)
    assert figure.axes[-1].get_xlabel()
    assert legend_text(figure).strip()


def test_the_legend_fits_the_figure(drawn: tuple[str, Figure]) -> None:
    _, figure = drawn
    assert figure.legends[0].get_window_extent().x1 <= figure.bbox.x1


def test_amounts_start_at_zero_and_shares_end_at_one(drawn: tuple[str, Figure]) -> None:
    name, figure = drawn
    if name in SHARES:
        assert figure.axes[0].get_ylim() == (0, 1)
        assert figure.axes[0].yaxis.get_major_formatter()(0.5, 0) == "50%"
    elif name in DIVERGING:
        assert sum(figure.axes[0].get_xlim()) == 0
    else:
        assert figure.axes[0].get_xlim()[0] == 0
    assert all(axes.get_ylim()[0] == 0 for axes in figure.axes if not axes.yaxis_inverted())


def test_n_stands_beside_uncertainty(drawn: tuple[str, Figure]) -> None:
    name, figure = drawn
    if name in UNCERTAIN:
        ticks = [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
        assert "n = " in "\n".join([legend_text(figure), *ticks])


def test_the_palette_tells_series_apart() -> None:
    colours = [to_rgb(colour) for colour in PALETTE[:6]]
    assert colours == [to_rgb(cycle["color"]) for cycle in mpl.rcParams["axes.prop_cycle"]][:6]
    assert len(set(colours)) == 6


def test_accuracy_bars_have_the_heights_and_whiskers_of_the_table() -> None:
    (axes,) = plots.accuracy_bars(ACCURACY).axes
    assert heights(axes) == pytest.approx([0.6] * 3 + [1.0] * 3 + [0.0] * 3)
    whiskers = [item for item in axes.containers if isinstance(item, ErrorbarContainer)]
    assert len(whiskers) == 3
    (lines,) = whiskers[0].lines[2]
    assert isinstance(lines, LineCollection)
    expected = proportion_interval(30, 50)
    assert lines.get_segments()[0][:, 1] == pytest.approx([expected.low, expected.high])
    assert [tick.get_text() for tick in axes.get_xticklabels()] == [split.replace("/", "\n") for split in SPLITS]


def test_accuracy_bars_leave_room_for_a_method_without_a_split() -> None:
    figure = plots.accuracy_bars(ACCURACY.iloc[:-1].assign(n=range(10, 18)))
    assert len(heights(figure.axes[0])) == 8
    assert "n = 10 to 17 a bar" in legend_text(figure)


def drawn_whiskers(axes: Axes) -> list[list[list[float]]]:
    """Return the ends of the whiskers along x, for each series."""
    bars = [item for item in axes.containers if isinstance(item, ErrorbarContainer)]
    collections = [item.lines[2][0] for item in bars]
    return [[segment[:, 0].tolist() for segment in lines.get_segments()] for lines in collections]  # pyright: ignore


def test_dots_stand_at_the_estimate_with_the_interval_and_name_their_row() -> None:
    figure = plots.accuracy_dots(ANSWERS)
    (axes,) = figure.axes
    direct = [proportion_interval(30, 50), proportion_interval(50, 50)]
    ends = drawn_whiskers(axes)
    assert ends[0] == [pytest.approx([one.low, one.high]) for one in direct]
    assert len(ends[1]) == 1
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["base", "TT-SI + constrained"]
    assert axes.get_xlim() == (0, 1)
    assert "pass@5" in legend_text(figure)


def test_dots_of_two_series_in_a_row_do_not_hide_each_other() -> None:
    (axes,) = plots.auroc_dots(AREAS).axes
    places = [np.asarray(item.lines[0].get_ydata()) for item in axes.containers]  # pyright: ignore
    assert places[0][1] != places[1][0]
    assert [round(place) for place in (places[0][1], places[1][0])] == [1, 1]


def test_differences_lie_about_zero_in_points() -> None:
    (axes,) = plots.difference_dots(GAINS, series="against").axes
    assert drawn_whiskers(axes) == [[pytest.approx([-0.01, 0.11])], [pytest.approx([-0.3, -0.1])]]
    assert axes.xaxis.get_major_formatter()(-0.2, 0) == "-20"
    assert axes.get_xlim()[1] > 0.3


def test_fixed_points_right_and_broken_left() -> None:
    (axes,) = plots.fixed_and_broken(CHANGES).axes
    assert widths(axes) == [10, 0, -3, 0]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == [
        "single/unseen\n(n = 20, p = 0.092)",
        "typed/unseen\n(n = 20, p = 1.000)",
    ]
    assert axes.xaxis.get_major_formatter()(-3, 0) == "3"


def test_a_tiny_p_is_not_written_as_zero() -> None:
    figure = plots.fixed_and_broken(CHANGES.assign(p_value=1e-9))
    assert "p < 0.001" in figure.axes[0].get_yticklabels()[0].get_text()


def test_histogram_counts_every_sample_and_marks_the_threshold() -> None:
    figure = plots.margin_histogram(ROWS, tau=0.95, estimator="rss-margin")
    (axes,) = figure.axes
    assert sum(heights(axes)) == len(ROWS)
    assert axes.lines[0].get_xdata() == [0.95, 0.95]
    assert f"right (n = {ROWS['base_correct'].sum()})" in legend_text(figure)


def test_reliability_shows_points_whiskers_and_counts() -> None:
    above, below = plots.reliability(BINS).axes
    bins = BINS["rss-margin"]
    assert np.asarray(above.lines[1].get_ydata()) == pytest.approx(bins["accuracy"].to_numpy())
    assert sum(isinstance(item, ErrorbarContainer) for item in above.containers) == 1
    assert heights(below) == bins["n"].tolist()


def test_the_area_under_the_drawn_curve_is_the_auroc_of_the_legend() -> None:
    figure = plots.roc_curves({"rss-margin": ROWS})
    curve = figure.axes[0].lines[1]
    area = float(np.trapezoid(np.asarray(curve.get_ydata()), np.asarray(curve.get_xdata())))
    assert area == pytest.approx(auroc(-ROWS["margin"], ~ROWS["base_correct"]).estimate)
    assert area > 0.6
    assert f"AUROC {area:.2f}" in legend_text(figure)


def test_roc_of_an_agent_that_is_always_right_says_that_it_is_undefined() -> None:
    figure = plots.roc_curves({"rss-margin": ROWS.assign(base_correct=True)})
    figure.draw_without_rendering()
    assert "rss-margin: undefined, needs two of each outcome, found 0 true and 120 false" in legend_text(figure)


def test_tau_sweep_draws_accuracy_with_a_band_and_what_a_sample_costs() -> None:
    above, below = plots.tau_sweep_curve(SWEEPS, seconds=(ALWAYS, EXTRA)).axes
    sweep = SWEEPS["rss-margin"]
    assert np.asarray(above.lines[0].get_ydata()) == pytest.approx(sweep["accuracy"].to_numpy())
    costs = np.asarray(below.lines[0].get_ydata())
    assert (costs[0], costs[-1]) == pytest.approx((ALWAYS, ALWAYS + EXTRA))
    (band,) = above.collections[0].get_paths()
    assert band.get_extents().y0 == pytest.approx(sweep["accuracy_low"].min())
    assert band.get_extents().y1 == pytest.approx(sweep["accuracy_high"].max())


def test_the_second_scale_of_cost_is_the_share_adapted() -> None:
    figure = plots.tau_sweep_curve(SWEEPS, seconds=(ALWAYS, EXTRA))
    figure.draw_without_rendering()
    (adapted,) = figure.axes[1].child_axes
    assert adapted.get_ylim() == pytest.approx([(end - ALWAYS) / EXTRA for end in figure.axes[1].get_ylim()])
    assert [tick.get_text() for tick in adapted.get_yticklabels()] == ["0%", "50%", "100%"]


def test_loss_curves_leave_out_gaps() -> None:
    (axes,) = plots.loss_curve(LOSSES, x="tokens").axes
    assert [list(map(float, np.asarray(line.get_ydata()))) for line in axes.lines] == [[3.0, 2.0, 1.0], [3.1, 1.4]]
    assert axes.get_xlabel() == "training tokens"


def test_verdicts_stack_and_name_each_count_but_none() -> None:
    (axes,) = plots.example_verdicts(VERDICTS).axes
    assert widths(axes) == [18, 58, 82, 0]
    assert [patch.get_x() for patch in axes.patches] == [0, 0, 18, 58]  # pyright: ignore[reportAttributeAccessIssue]
    assert [text.get_text() for text in axes.texts] == ["18", "58", "82", ""]


def test_seconds_stack_to_the_total_beside_the_bar() -> None:
    (axes,) = plots.stage_seconds(SECONDS).axes
    assert widths(axes) == [0.0, 0.1, 0.2, 0.25]
    assert [text.get_text().strip() for text in axes.texts if text.get_text()] == ["0.2 s", "0.35 s"]
    assert "seconds" in axes.get_xlabel()


def test_an_accuracy_in_prose_carries_its_interval() -> None:
    assert plots.percent(Interval(0.7243, 0.66, 0.7811, 1294)) == "72.4% (95% interval 66.0% to 78.1%, n = 1,294)"
