# %% [markdown]
# # Reported and reproduced
#
# **What does the paper report, and what of it stands here?**
#
# The paper reports {glue:text}`paper_gain` on average. Tuned TT-SI on toolworld shows {glue:text}`paper_our_gain` points,
# every split weighed alike, as the paper weighs its benchmarks; the paper's setting on the real model and SealTool
# {glue:text}`paper_real_gain` points. Neither reproduces the paper: the models are others. Of the {glue:text}`paper_numbers`
# accuracies and gains that we know the paper to report, {glue:text}`paper_reproduced` {glue:text}`paper_verdict`.
# {glue:text}`paper_counterpart` have a rough counterpart here: a number that answers a similar *question* on another model,
# and on another benchmark ([](06_results)) or on the paper's own ([](14_a_real_model)).

# %% tags=["parameters"]
profile = "tiny"

# %% tags=["hide-input"]
import pandas as pd
from IPython.display import Markdown
from myst_nb import glue

from ttsi.data import data_root
from ttsi.evaluation.texts import interval_text
from ttsi.runs.config import configure
from ttsi.studies.collecting import read_made
from ttsi.studies.families import SEEDS
from ttsi_book.analysis.paper import read_paper
from ttsi_book.analysis.real_results import as_study
from ttsi_book.analysis.reproduced import (
    MIRRORS,
    Study,
    counterparts,
    latencies,
    settings,
)
from ttsi_book.plots.frame import style
from ttsi_book.plots.reported import reported_dots

style()
paper = read_paper()
tau, low_tau = configure(profile).loop.tau, 0.35


# %% tags=["hide-input"]
def studied(folder, timed):
    if not (folder / "tt-si.parquet").is_file():
        return {}
    found = counterparts(Study.read(folder), tau=tau, low_tau=low_tau)
    made = read_made(folder, "tt-si")
    found |= settings(
        made[0].config, runs=len({one.config["seed"] for one in made})
    )
    return (
        found | latencies(Study.read(timed), tau=tau) | labelled(folder, found)
    )


def labelled(folder, found):
    if not (folder / "sft.jsonl").is_file():
        return {}
    (config,) = {
        one.config["benchmark"]: one.config
        for one in read_made(folder, "sft")
        if one.config["benchmark"] in ("toolworld", "sealtool")
    }.values()
    examples = config["loop"]["sft_examples"]
    each = found["sealtool.uncertain_samples"]
    ratio = {"sealtool.fewer_samples": examples / each} if each else {}
    return {"sealtool.sft_samples": float(examples), **ratio}


# %% tags=["hide-input"]
tiny, full = data_root() / "results", data_root() / "paper-results"
toolworld, reproduced = (
    studied(tiny, data_root() / "timing"),
    studied(full, full),
)
real = counterparts(
    as_study(data_root() / "real"),
    tau=paper["settings.tau"].value,
    low_tau=low_tau,
)
real |= labelled(data_root() / "real", real)
planned = settings(configure("paper").model_dump(), runs=len(SEEDS))


# %% tags=["hide-input"]
NAMES = {
    "nexusraven": "NexusRaven",
    "sealtool": "SealTool",
    "apibank": "API-Bank",
    "toolalpaca": "ToolAlpaca",
}


def cell(value, unit):
    if isinstance(value, float):
        return (
            f"{value:,.4g}"
            if unit == "samples"
            else f"{value:.3g} {unit}".strip()
        )
    form = {"seconds": ".2f", "points": "points"}.get(unit, ".1%")
    return interval_text(value, form, with_n=True)


COLUMNS = {
    "toolworld, tuned": toolworld,
    "real model, 135 M": real,
    "make paper": reproduced,
}


# %% tags=["hide-input"]
def table(group, planned=None):
    columns = COLUMNS | ({"make paper, planned": planned} if planned else {})
    rows = {}
    for key, number in paper.numbers[group].items():
        name = f"{group}.{key}"
        form = "+g" if number.unit == "points" else "g"
        reported = f"{number.value:{form}} {number.unit}".strip()
        ours = {
            column: cell(found[name], number.unit) if name in found else "–"
            for column, found in columns.items()
            if any(name.startswith(f"{group}.") for name in found)
        }
        rows[number.what] = (
            {"the paper": reported}
            | ours
            | {"how sure": number.sure, "where": number.where}
        )
    return pd.DataFrame(rows).T


# %% [markdown]
# ## Paper against ours
#
# Accuracies and gains, each once: numbers of samples, settings and seconds are in the tables only.

# %% tags=["hide-input"]
quoted = {
    f"{group}.{key}": number
    for group, members in paper.numbers.items()
    for key, number in members.items()
    if number.unit in ("%", "points") and key != "tt_si_direct_gain_conference"
}
GROUPS = {"average": "average", "gain": "gain", "sealtool": "SealTool"}
marks = []
for name, number in quoted.items():
    what = f"{GROUPS[name.partition('.')[0]]}: {number.what}"
    row = {"what": what, "unit": number.unit}
    marks.append(row | {"source": "the paper", "estimate": number.value})
    for source, found in COLUMNS.items():
        if name in found:
            value = found[name]
            bounds = {
                key: 100 * getattr(value, key)
                for key in ("estimate", "low", "high")
            }
            marks.append(row | {"source": source} | bounds)
marks = pd.DataFrame(
    marks, columns=["what", "unit", "source", "estimate", "low", "high"]
)
panels = {
    label: marks[marks["unit"] == unit]
    for label, unit in (
        ("accuracy (%)", "%"),
        ("gain on base (percentage points)", "points"),
    )
}

# %% tags=["remove-input"] mystnb={"image": {"alt": "Dots: each accuracy and each gain that the paper reports, and beside it what the embedded agent on toolworld and the real model reach, with 95 percent intervals."}, "figure": {"name": "fig-reported", "caption": "Accuracies and gains that the paper reports, without intervals, and what answers the same question here. Toolworld is another model on another benchmark with the tuned TT-SI; the real model is another model on the paper's benchmark in the paper's setting. The models differ, so closeness is no evidence."}}
reported_dots(panels, ["the paper", *COLUMNS])

# %% tags=["hide-input"]
beside = marks[marks["source"] != "the paper"]["what"].nunique()
Markdown(
    f"{beside} of the {len(quoted)} rows hold a mark of ours beside the "
    "paper's, which has no whiskers, since no interval is stated."
)

# %% [markdown]
# ## How to read the tables
#
# *How sure* is about the quotation, not about the result: **sure** means that the abstract or two independent readings
# of the paper agree, **likely** one detailed reading, **one source** that it is stated in a single place. *Where* names
# the part of the paper as far as we know it; the numbers of its tables are not among what we know.
#
# *Toolworld, tuned* is our tiny agent on the generated world with the tuned TT-SI, five seeds, with a 95% interval. Each
# of its kinds of requests, with tools that were not seen in training, mirrors one of the paper's benchmarks in
# miniature, and stands in its row. That makes the question similar, not the measurement. Its gate looks at another margin.

# %% tags=["hide-input"]
pd.Series(
    {NAMES[benchmark]: split for split, benchmark in MIRRORS.items()},
    name="mirrored in miniature by",
).to_frame()

# %% [markdown]
# *Real model* is the one of [](14_a_real_model), on the paper's benchmark itself, with TT-SI in the paper's setting.
# `make paper` runs the paper's models on the paper's benchmarks, on a GPU; it has not been run yet. Its results
# are read from `data/paper-results`, and get a column where they are there.

# %% [markdown]
# ## The average of four benchmarks

# %% tags=["hide-input"]
table("average")

# %% [markdown]
# ## The gain on each benchmark

# %% tags=["hide-input"]
table("gain")

# %% [markdown]
# API-Bank is its first two levels, pooled. ToolAlpaca's reported set could not be had; [](14_a_real_model) has the simulated
# one.
#
# ## SealTool, taken apart
#
# Training on the test set itself was not run here: it trains on the answers. Counts of samples are those of one seed.
# Ours of TT-SI are those that were trained on; below tau are more, which have no valid example. How many answered samples
# SFT takes is our choice, so how many times fewer TT-SI takes is no finding.

# %% tags=["hide-input"]
table("sealtool")

# %% [markdown]
# ## Seconds a sample
#
# The paper's on one GPU, ours on one thread of the CPU that the chapter [](10_what_it_costs) names: seconds of
# different hardware, to be compared within a column only.

# %% tags=["hide-input"]
table("latency")

# %% [markdown]
# ## Settings
#
# Those of the published runs on toolworld, and those that the profile `paper` plans for `make paper`. Beside these, the
# tuned TT-SI has another margin and asks for practice in another way; [](06_results) lists every change.

# %% tags=["hide-input"]
table("settings", planned)

# %% [markdown]
# ## What does not add up
#
# Computed from the paper's numbers, nothing else. A share of right answers is a whole number of samples, or of answers
# over all runs; what is given to two decimals should be one of these, to within their rounding:

# %%
value = {
    name: number.value for name, number in paper.numbers["sealtool"].items()
}
n, runs = int(value["test_samples"]), int(paper["settings.runs"].value)
implied = value["tt_si"] - paper["gain.sealtool"].value
stated = {
    "base": value["base"],
    "TT-SI": value["tt_si"],
    "TT-SI minus its gain": implied,
}


# %%
def as_fraction(share, of):
    right = round(share / 100 * of)
    fits = abs(100 * right / of - share) < 0.00501
    return f"{right:,}/{of:,} = {100 * right / of:.3f}" + (
        ", fits" if fits else ", does not fit"
    )


fractions = {
    name: {
        "stated": f"{share:.2f}",
        "one run": as_fraction(share, n),
        "all runs": as_fraction(share, n * runs),
    }
    for name, share in stated.items()
}
pd.DataFrame(fractions).T.rename_axis("SealTool, %")

# %% tags=["hide-input"]
apart = abs(implied - value["base"])
lines = [
    (
        f"- The base accuracy of SealTool is stated as {value['base']:g}%; "
        f"TT-SI minus its gain makes {implied:.2f}%."
    )
]
if apart > 0.01:
    lines.append(f"  The two differ by {apart:.2f} points.")
unfit = [
    name
    for name, one in fractions.items()
    if all("not" in one[way] for way in ("one run", "all runs"))
]
if unfit:
    lines.append(
        "- No number of right answers gives what is stated for "
        f"{' and '.join(unfit)}, neither in one run nor over {runs}. "
        "Agreement to the last digit can be no target of a reproduction."
    )
Markdown("\n".join(lines))

# %% tags=["hide-input"]
gains = [one.value for one in paper.numbers["gain"].values()]
averages = {
    "mean of the gains on the four benchmarks": (
        f"{sum(gains) / len(gains):.4f}"
    ),
    "average gain, as stated": f"{paper['average.tt_si_direct_gain'].value:g}",
    "average gain, another version": (
        f"{paper['average.tt_si_direct_gain_conference'].value:g}"
    ),
    "filter against no filter, SealTool": (
        f"{value['tt_si'] - value['tt_si_all']:+.2f}"
    ),
    "fewer training samples, as stated": f"{value['fewer_samples']:g}",
    "the same, from its samples": (
        f"{value['sft_samples'] / value['uncertain_samples']:.1f}"
    ),
}
pd.Series(averages, name="points, or times").to_frame()

# %% tags=["hide-input"]
mean, stated_gain, later = (
    sum(gains) / len(gains),
    *(
        paper[f"average.tt_si_direct_gain{v}"].value
        for v in ("", "_conference")
    ),
)
agrees = (
    "the stated average, rounded"
    if round(mean, 2) == stated_gain
    else "not the stated average"
)
saved = value["tt_si"] - value["tt_si_all"]
effect = "costs" if saved < 0 else "adds"
lines = [
    (
        f"- The gains average to {mean:.4f}: {agrees}, which also stands in "
        "the abstract in Findings of ACL 2026."
    ),
    (
        f"- One source quotes {later:g} from a conference version; which one "
        "is not known."
    ),
    (
        f"- The filter {effect} {abs(saved):.2f} points against adapting "
        "every sample. What it saves is work."
    ),
]
Markdown("\n".join(lines))

# %% [markdown]
# ## What is not stated
#
# What the paper leaves open, and what the profile `paper` does instead:


# %% tags=["hide-input"]
def chosen(setting):
    value = configure("paper")
    for part in setting.split("."):
        value = getattr(value, part)
    return (
        f"{setting}: {value}"
        if len(str(value)) < 40
        else f"{setting}: a text of ours"
    )


left_open = pd.DataFrame(
    {
        "our choice": {
            one.what: one.ours or (chosen(one.setting) if one.setting else "–")
            for one in paper.unknown
        }
    }
)
left_open.rename_axis("not stated")

# %% tags=["remove-cell"]
glue("paper_numbers", str(len(quoted)), display=False)
glue(
    "paper_reproduced",
    str(sum(name in reproduced for name in quoted)),
    display=False,
)
glue(
    "paper_counterpart",
    str(sum(name in toolworld or name in real for name in quoted)),
    display=False,
)
glue(
    "paper_open",
    str(sum(name not in toolworld | real | reproduced for name in quoted)),
    display=False,
)
glue(
    "paper_seconds_certain",
    f"{paper['latency.certain'].value:g}",
    display=False,
)
glue(
    "paper_seconds_adapted",
    f"{paper['latency.uncertain'].value:g}",
    display=False,
)
verdict = (
    "are reproduced"
    if reproduced
    else "are reproduced, since the paper's models have not been run here"
)
glue("paper_verdict", verdict, display=False)
gain = toolworld["average.tt_si_direct_gain"]
glue("paper_our_gain", cell(gain, "points"), display=False)
real_gain = real.get("gain.sealtool")
glue(
    "paper_real_gain",
    cell(real_gain, "points") if real_gain else "not run",
    display=False,
)
glue(
    "paper_gain",
    f"{paper['average.tt_si_direct_gain'].value:+g} points",
    display=False,
)
glue("paper_unfit", " and ".join(unfit) or "none", display=False)

# %% [markdown]
# ## What we learned
#
# - Of the {glue:text}`paper_numbers` accuracies and gains of the paper that we know, {glue:text}`paper_reproduced`
#   {glue:text}`paper_verdict`. {glue:text}`paper_counterpart` have a counterpart here, and {glue:text}`paper_open` have
#   none.
# - The average gain of TT-SI: {glue:text}`paper_gain` reported. Tuned TT-SI on toolworld: {glue:text}`paper_our_gain`.
#   TT-SI in the paper's setting, real model, SealTool: {glue:text}`paper_real_gain`.
# - Stated shares of SealTool that no number of right answers gives: {glue:text}`paper_unfit`.
#
# ## Things to try
#
# - With a GPU: `make paper`, or one cell of it: `ttsi run --profile paper --method base --out scratch/base`. Then build this
#   chapter again.
# - A paper's number that we have wrong, or not at all: add it to `data/paper.toml`, and the tables follow.
#
# ## References
#
# The method and the reported numbers: {cite:t}`acikgoz2025ttsi`, in another version {cite:t}`acikgoz2026ttsi`. Its
# reviews: {cite:t}`ttsi2026reviews`.
