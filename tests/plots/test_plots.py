"""Every figure draws without a warning, says what its axes are, and shows what its table says."""

import re
from collections.abc import Callable
from dataclasses import asdict
from itertools import combinations
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb, to_rgba
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
from ttsi_book.plots import accuracy, awareness, frame, gates, stacked, training
from ttsi_book.plots.colours import COLOURS, looks

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
    "accuracy_dots": lambda: accuracy.accuracy_dots(ANSWERS),
    "accuracy_dots by split": lambda: accuracy.accuracy_dots(ACCURACY, row="split", series="method"),
    "difference_dots": lambda: accuracy.difference_dots(GAINS, series="against"),
    "fixed_and_broken": lambda: accuracy.fixed_and_broken(CHANGES),
    "margin_ecdf": lambda: awareness.margin_ecdf(ROWS, tau=0.95, estimator="rss-margin"),
    "reliability": lambda: awareness.reliability(BINS),
    "roc_curves": lambda: awareness.roc_curves({"rss-margin": ROWS, "noisy": NOISY}),
    "auroc_dots": lambda: awareness.auroc_dots(AREAS),
    "tau_sweep_curve": lambda: gates.tau_sweep_curve(SWEEPS, seconds=(ALWAYS, EXTRA)),
    "loss_curve": lambda: training.loss_curve(LOSSES, x="tokens"),
    "example_verdicts": lambda: stacked.example_verdicts(VERDICTS),
    "stage_seconds": lambda: stacked.stage_seconds(SECONDS),
}
SHARES = {"margin_ecdf", "reliability", "roc_curves"}
CLOSE_UPS = {"accuracy_dots", "accuracy_dots by split", "auroc_dots", "tau_sweep_curve"}
UNCERTAIN = set(FIGURES) - {"loss_curve", "example_verdicts", "stage_seconds"}
DIVERGING = {"fixed_and_broken", "difference_dots"}


@pytest.fixture(autouse=True)
def book_style():
    with mpl.rc_context():
        frame.style()
        yield


@pytest.fixture(params=FIGURES, scope="module")
def drawn(request: pytest.FixtureRequest) -> tuple[str, Figure]:
    with mpl.rc_context():
        frame.style()
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


def test_a_figure_is_shown_once_on_a_card_that_pages_can_leave_out(drawn: tuple[str, Figure]) -> None:
    _, figure = drawn
    assert plt.get_fignums() == []
    assert to_rgb(figure.get_facecolor()) == (1, 1, 1)
    assert figure.patch.get_gid() == "card"
    assert {to_rgba(axes.get_facecolor())[3] for axes in figure.axes} == {0}


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
        assert figure.axes[0].get_xlim()[0] < 0 < figure.axes[0].get_xlim()[1]
    elif name not in CLOSE_UPS:
        assert figure.axes[0].get_xlim()[0] == 0
    if name not in CLOSE_UPS:
        assert all(axes.get_ylim()[0] == 0 for axes in figure.axes if not axes.yaxis_inverted())


@pytest.mark.parametrize(("name", "axis"), [("accuracy_dots", "x"), ("tau_sweep_curve", "y")])
def test_dots_and_bands_fill_their_axis(name: str, axis: str) -> None:
    table = ANSWERS if axis == "x" else pd.concat(SWEEPS.values())
    low, high = (table["low"], table["high"]) if axis == "x" else (table["accuracy_low"], table["accuracy_high"])
    start, end = FIGURES[name]().axes[0].get_xlim() if axis == "x" else FIGURES[name]().axes[0].get_ylim()
    assert 0 < start <= min(low) < max(high) <= end <= 1
    assert max(high) - min(low) > 0.8 * (end - start)


def test_n_stands_beside_uncertainty(drawn: tuple[str, Figure]) -> None:
    name, figure = drawn
    if name in UNCERTAIN:
        ticks = [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
        assert "n = " in "\n".join([legend_text(figure), *ticks])


def luminance(colour: str) -> float:
    return float(_linear(colour) @ [0.2126, 0.7152, 0.0722])


def contrast(one: str, other: str) -> float:
    bright, dim = sorted([luminance(one), luminance(other)], reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def _linear(colour: str) -> np.ndarray:
    values = np.array(to_rgb(colour))
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def dark_colours() -> dict[str, str]:
    styles = (Path(__file__).parents[2] / "book/_static/book.css").read_text()
    return dict(re.findall(r"--plot-(\w+): (#\w{6});", styles))


DATA = [name for name in COLOURS if name not in ("ink", "paper", "grid")]
# Machado, Oliveira and Fernandes (2009), severity 1
SEEN_BY = {
    "all": np.eye(3),
    "deuteranopia": np.array([[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]]),
    "protanopia": np.array([[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]]),
}


def test_every_colour_has_a_counterpart_for_dark_pages() -> None:
    assert sorted(dark_colours()) == sorted([*DATA, "grid"])


@pytest.mark.parametrize("name", DATA)
def test_colours_stand_out_from_light_and_dark_pages(name: str) -> None:
    assert contrast(COLOURS[name], "#ffffff") >= 4.5
    assert contrast(dark_colours()[name], "#121212") >= 4.5


@pytest.mark.parametrize("reader", SEEN_BY)
@pytest.mark.parametrize("page", ["light", "dark"])
def test_no_two_colours_look_alike(page: str, reader: str) -> None:
    palette = COLOURS if page == "light" else dark_colours()
    seen = {name: _lab(np.clip(SEEN_BY[reader] @ _linear(palette[name]), 0, 1)) for name in DATA}
    apart = {(a, b): float(np.linalg.norm(seen[a] - seen[b])) for a, b in combinations(DATA, 2)}
    assert min(apart.values()) > 8, min(apart, key=lambda pair: apart[pair])


def _lab(linear: np.ndarray) -> np.ndarray:
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x, y, z = np.cbrt(to_xyz @ linear / [0.9505, 1, 1.089])
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_a_method_has_one_colour_in_every_figure() -> None:
    alone, among = looks(["TT-SI"]), looks(["base", "SFT", "TT-SI, tau = 0.95", "TT-SI + constrained"])
    assert {among[name].colour for name in among if "TT-SI" in name} == {alone["TT-SI"].colour}
    assert len({(look.marker, look.dash) for look in among.values()}) >= 2
    assert among["TT-SI + constrained"].marker == "s"
    assert among["base"].colour != among["SFT"].colour


def test_names_without_a_meaning_have_colours_that_the_figure_does_not_use_yet() -> None:
    found = looks(["right", "one", "wrong", "two", "three"])
    assert len({look.colour for look in found.values()}) == 5


def test_accuracies_by_split_take_the_methods_colours() -> None:
    (axes,) = accuracy.accuracy_dots(ACCURACY, row="split", series="method").axes
    colours = [to_rgb(item.lines[0].get_color()) for item in axes.containers]  # pyright: ignore
    assert colours == [to_rgb(COLOURS[name]) for _ in SPLITS for name in ("grey", "green", "green")]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == SPLITS


def drawn_whiskers(axes: Axes) -> list[list[list[float]]]:
    """Return the ends of the whiskers along x, for each series."""
    bars = [item for item in axes.containers if isinstance(item, ErrorbarContainer)]
    collections = [item.lines[2][0] for item in bars]
    return [[segment[:, 0].tolist() for segment in lines.get_segments()] for lines in collections]  # pyright: ignore


def test_dots_stand_at_the_estimate_with_the_interval_and_name_their_row() -> None:
    figure = accuracy.accuracy_dots(ANSWERS)
    (axes,) = figure.axes
    expected = [proportion_interval(count, 50) for count in (30, 45, 50)]
    assert drawn_whiskers(axes) == [[pytest.approx([one.low, one.high])] for one in expected]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["base", "TT-SI + constrained"]
    assert "pass@5" in legend_text(figure)


def test_dots_of_two_series_in_a_row_do_not_hide_each_other() -> None:
    (axes,) = awareness.auroc_dots(AREAS).axes
    places = [float(np.asarray(item.lines[0].get_ydata())[0]) for item in axes.containers]  # pyright: ignore
    assert places[1] + 1 == pytest.approx(places[2])
    assert np.mean(places[1:]) == pytest.approx(axes.get_yticks()[1])


def test_differences_lie_about_zero_in_points() -> None:
    (axes,) = accuracy.difference_dots(GAINS, series="against").axes
    assert drawn_whiskers(axes) == [[pytest.approx([-0.01, 0.11])], [pytest.approx([-0.3, -0.1])]]
    assert axes.xaxis.get_major_formatter()(-0.2, 0) == "-20"


def test_fixed_points_right_and_broken_left() -> None:
    figure = accuracy.fixed_and_broken(CHANGES)
    (axes,) = figure.axes
    assert widths(axes) == [10, 0, -3, 0]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["single/unseen", "typed/unseen"]
    assert [text.get_text() for text in axes.texts][4:] == ["← broken", "fixed →", "p = 0.092", "p = 1.000"]
    assert "n = 20 a row" in legend_text(figure)
    assert axes.xaxis.get_major_formatter()(-3, 0) == "3"


def test_rows_of_various_n_state_their_own() -> None:
    (axes,) = accuracy.fixed_and_broken(CHANGES.assign(n=[20, 30])).axes
    assert axes.texts[-1].get_text() == "p = 1.000, n = 30"


def test_a_tiny_p_is_not_written_as_zero() -> None:
    (axes,) = accuracy.fixed_and_broken(CHANGES.assign(p_value=1e-9)).axes
    assert axes.texts[-1].get_text() == "p < 0.001"


def test_the_ecdf_says_which_share_of_each_kind_lies_below_the_threshold() -> None:
    figure = awareness.margin_ecdf(ROWS, tau=0.95, estimator="rss-margin")
    (axes,) = figure.axes
    assert axes.lines[2].get_xdata() == [0.95, 0.95]
    for line, kind in zip(axes.lines[:2], (False, True), strict=True):
        steps, margins = np.asarray(line.get_xydata()), ROWS.loc[ROWS["base_correct"] == kind, "margin"]
        assert steps[steps[:, 0] < 0.5][-1, 1] == pytest.approx((margins < 0.5).mean())
    assert f"right (n = {ROWS['base_correct'].sum()})" in legend_text(figure)


def test_margins_of_zero_and_one_stay_on_the_axis() -> None:
    figure = awareness.margin_ecdf(ROWS.assign(margin=1.0), tau=1, estimator="rss-margin")
    (axes,) = figure.axes
    figure.draw_without_rendering()
    assert all(np.asarray(line.get_xdata())[-1] <= axes.get_xlim()[1] for line in axes.lines)


def test_reliability_shows_points_whiskers_and_counts() -> None:
    above, below = awareness.reliability(BINS).axes
    bins = BINS["rss-margin"]
    assert np.asarray(above.lines[1].get_ydata()) == pytest.approx(bins["accuracy"].to_numpy())
    assert sum(isinstance(item, ErrorbarContainer) for item in above.containers) == 1
    assert heights(below) == bins["n"].tolist()


def test_the_area_under_the_drawn_curve_is_the_auroc_of_the_legend() -> None:
    figure = awareness.roc_curves({"rss-margin": ROWS})
    curve = figure.axes[0].lines[1]
    area = float(np.trapezoid(np.asarray(curve.get_ydata()), np.asarray(curve.get_xdata())))
    assert area == pytest.approx(auroc(-ROWS["margin"], ~ROWS["base_correct"]).estimate)
    assert area > 0.6
    assert f"AUROC {area:.2f}" in legend_text(figure)


def test_roc_of_an_agent_that_is_always_right_says_that_it_is_undefined() -> None:
    figure = awareness.roc_curves({"rss-margin": ROWS.assign(base_correct=True)})
    figure.draw_without_rendering()
    assert "rss-margin: undefined, needs two of each outcome, found 0 true and 120 false" in legend_text(figure)


def test_tau_sweep_draws_accuracy_with_a_band_and_what_a_sample_costs() -> None:
    above, below = gates.tau_sweep_curve(SWEEPS, seconds=(ALWAYS, EXTRA)).axes
    sweep = SWEEPS["rss-margin"]
    assert np.asarray(above.lines[0].get_ydata()) == pytest.approx(sweep["accuracy"].to_numpy())
    costs = np.asarray(below.lines[0].get_ydata())
    assert (costs[0], costs[-1]) == pytest.approx((ALWAYS, ALWAYS + EXTRA))
    (band,) = above.collections[0].get_paths()
    assert band.get_extents().y0 == pytest.approx(sweep["accuracy_low"].min())
    assert band.get_extents().y1 == pytest.approx(sweep["accuracy_high"].max())


def test_the_second_scale_of_cost_is_the_share_adapted() -> None:
    figure = gates.tau_sweep_curve(SWEEPS, seconds=(ALWAYS, EXTRA))
    figure.draw_without_rendering()
    (adapted,) = figure.axes[1].child_axes
    assert adapted.get_ylim() == pytest.approx([(end - ALWAYS) / EXTRA for end in figure.axes[1].get_ylim()])
    assert [tick.get_text() for tick in adapted.get_yticklabels()] == ["0%", "50%", "100%"]


def test_loss_curves_leave_out_gaps() -> None:
    (axes,) = training.loss_curve(LOSSES, x="tokens").axes
    assert [list(map(float, np.asarray(line.get_ydata()))) for line in axes.lines] == [[3.0, 2.0, 1.0], [3.1, 1.4]]
    assert axes.get_xlabel() == "training tokens"


def test_verdicts_stack_and_name_each_count_but_none() -> None:
    (axes,) = stacked.example_verdicts(VERDICTS).axes
    assert widths(axes) == [18, 58, 82, 0]
    assert [patch.get_x() for patch in axes.patches] == [0, 0, 18, 58]  # pyright: ignore[reportAttributeAccessIssue]
    assert [text.get_text() for text in axes.texts] == ["18", "58", "82"]


def test_seconds_stack_to_the_total_beside_the_bar() -> None:
    (axes,) = stacked.stage_seconds(SECONDS).axes
    assert widths(axes) == [0.0, 0.1, 0.2, 0.25]
    assert [text.get_text() for text in axes.texts if text.get_text()] == ["0.2 s", "0.35 s"]
    assert "seconds" in axes.get_xlabel()


def test_an_accuracy_in_prose_carries_its_interval() -> None:
    assert frame.percent(Interval(0.7243, 0.66, 0.7811, 1294)) == "72.4% (66.0–78.1, n = 1,294)"
