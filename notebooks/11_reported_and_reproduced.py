# %% [markdown]
# # Reported and reproduced
#
# **Every number of the paper that we know of, beside ours where we have one.**
#
# The paper came without code, and its models need a GPU and weights that no repository can hold. So most of its cells
# are open here, and say so. Where a number of ours answers the same *question*, it stands in a column of its own:
# another model (the tiny agent), another benchmark (toolworld), and never a reproduction of that cell.

# %% tags=["parameters"]
profile = "tiny"

# %% tags=["hide-input"]
import pandas as pd
from IPython.display import Markdown
from myst_nb import glue

from ttsi.comparison import accuracy, points_text, read_methods, right_answers, share_text
from ttsi.data import data_root
from ttsi.paper import read_paper
from ttsi.profiles import configure
from ttsi.published import read_study
from ttsi.statistics import difference_interval, mean_interval

paper = read_paper()
config = configure(profile)
tau = config.loop.tau
OPEN = "needs a GPU and the model's weights: run `make paper`"
MODES = {"direct": "direct", "majority_vote": "majority-vote", "pass_at_5": "pass@5"}

# %% [markdown]
# ## How to read the tables
#
# *How sure* is about the quotation, not about the result: **sure** means that the abstract or two independent readings
# of the paper agree, **likely** one detailed reading, **one source** that it is stated in a single place. *Ours* is on
# toolworld's unseen splits, five seeds, with a 95% interval. If `make paper` has been run, its results stand in
# `data/paper-results` and are counted below.

# %%
done = sorted(path.stem for path in (data_root() / "paper-results").glob("*.parquet"))
print(f"families of `make paper` at hand: {', '.join(done) or 'none'}")


# %%
def unseen(gate, tau=tau):
    right = right_answers(read_methods(data_root() / "results", "base", "tt-si", "tt-d", "sft", tau=tau, gate=gate))
    return right[right.index.get_level_values("split").str.endswith("/unseen")]


gated, everything, certain = (unseen(gate) for gate in ("uncertain", "all", "certain"))


def right_share(table, method, mode="direct"):
    return share_text(accuracy(table[method, mode]))


def gain(table, method, mode="direct"):
    return points_text(difference_interval(table["base", mode], table[method, mode]))


# %% tags=["hide-input"]
ours = {
    "average.base_direct": right_share(gated, "base"),
    "average.tt_si_direct": right_share(gated, "tt-si"),
    **{
        f"average.{method.replace('-', '_')}_{name}_gain": gain(gated, method, mode)
        for method in ("tt-si", "tt-d")
        for name, mode in MODES.items()
    },
    "sealtool.base": right_share(gated, "base"),
    "sealtool.tt_si": right_share(gated, "tt-si"),
    "sealtool.tt_si_all": right_share(everything, "tt-si"),
    "sealtool.tt_si_certain": right_share(certain, "tt-si"),
    "sealtool.tt_si_tau_0_35": right_share(unseen("uncertain", tau=0.35), "tt-si"),
    "sealtool.sft": right_share(gated, "sft"),
}
timing = read_study(data_root() / "timing", "base", "tt-si").set_index("family")
spent = timing[["seconds_answer", "seconds_uncertainty", "seconds_augmentation", "seconds_adaptation"]].sum(axis=1)
times = {"base": timing.loc["base", "seconds_base"], "uncertain": spent["tt-si"]}
times["certain"] = timing.loc["tt-si", ["seconds_base", "seconds_uncertainty"]].sum(axis=1)
for name, values in times.items():
    seconds = mean_interval(values)
    ours[f"latency.{name}"] = f"{seconds.estimate:.2f} s ({seconds.low:.2f}–{seconds.high:.2f})"
ours["settings.tau"], ours["settings.k"] = f"{config.loop.tau:g}", str(config.loop.k)
for name in ("rank", "alpha", "learning_rate", "epochs"):
    ours[f"settings.{name}"] = f"{getattr(config.loop.lora, name):g}"


# %%
def table(group):
    cells = {
        number.what: {
            "the paper": f"{number.value:g} {number.unit}".strip(),
            "how sure": number.sure,
            "ours: another model, another benchmark": ours.get(f"{group}.{name}", OPEN),
        }
        for name, number in paper.numbers[group].items()
    }
    return pd.DataFrame(cells).T.rename_axis(index=None)


# %% [markdown]
# ## The average of four benchmarks

# %%
table("average")

# %% [markdown]
# ## The gain on each benchmark

# %%
table("gain")

# %% [markdown]
# ## SealTool, taken apart

# %%
table("sealtool")

# %% [markdown]
# ## Seconds a sample
#
# The paper's on one A40, ours on one thread of the CPU that the [](10_what_it_costs) chapter names. *Ours* for
# *uncertain* is an adapted sample, for *certain* one that only had its margin taken.

# %%
table("latency")

# %% [markdown]
# ## Settings
#
# Ours are the profile's; the profile `paper` has the paper's own.

# %%
table("settings")

# %% [markdown]
# ## What does not add up
#
# Computed from the numbers above, nothing else:

# %%
number = {name: paper[f"sealtool.{name}"].value for name in paper.numbers["sealtool"]}
n, runs = int(number["test_samples"]), int(paper["settings.runs"].value)
implied = number["tt_si"] - paper["gain.sealtool"].value
gains = [one.value for one in paper.numbers["gain"].values()]


def nearest(share, samples):
    return f"{100 * round(share / 100 * samples) / samples:.3f}"


checks = {
    "SealTool's base, as stated": f"{number['base']:g}",
    "SealTool's base, from TT-SI minus its gain": f"{implied:.2f}",
    f"nearest share of {n} samples to the base": nearest(number["base"], n),
    f"nearest share of {n} samples to TT-SI": nearest(number["tt_si"], n),
    f"nearest share of {n * runs:,} answers ({runs} runs) to the base": nearest(number["base"], n * runs),
    f"nearest share of {n * runs:,} answers to TT-SI": nearest(number["tt_si"], n * runs),
    "mean of the four gains": f"{sum(gains) / len(gains):.4f}",
    "average gain, as stated": f"{paper['average.tt_si_direct_gain'].value:g}",
    "average gain, conference version": f"{paper['average.tt_si_direct_gain_conference'].value:g}",
}
pd.Series(checks, name="percent, or points").to_frame()

# %% tags=["hide-input"]
fits = abs(float(nearest(number["tt_si"], n * runs)) - number["tt_si"]) < 0.005
Markdown(
    "The SealTool accuracies are "
    + ("" if fits else "not ")
    + f"shares of {n} samples or of {n * runs:,} answers to the digits given, so exact agreement "
    + ("can" if fits else "cannot")
    + " be a target of a reproduction."
)

# %% [markdown]
# ## What is not stated

# %%
left_open = pd.DataFrame([{"not stated": one.what, "our setting": one.setting or "–"} for one in paper.unknown])
left_open.set_index("not stated")

# %% tags=["remove-cell"]
quoted = [(group, name) for group, members in paper.numbers.items() for name in members]
answered = [f"{group}.{name}" in ours for group, name in quoted]
glue("paper_numbers", str(len(quoted)), display=False)
glue("paper_answered", str(sum(answered)), display=False)
glue("paper_open", str(len(quoted) - sum(answered)), display=False)

# %% [markdown]
# ## What we learned
#
# - {glue:text}`paper_numbers` numbers of the paper are known to us. For {glue:text}`paper_answered` there is a number of
#   ours that answers the same question on another model and benchmark; {glue:text}`paper_open` are open.
# - None of the paper's own cells is reproduced yet: that takes a GPU, the weights of Qwen2.5 and the benchmarks' files.
#   The code for it is here and tested on small models; *on a GPU it is not yet measured*.
#
# ## Things to try
#
# - With a GPU: `make paper`, or one cell of it: `ttsi run --profile paper --method base --out base`.
#
# ## References
#
# The paper: {cite:t}`acikgoz2025ttsi`.
