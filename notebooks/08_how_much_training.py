# %% [markdown]
# # How much training
#
# **How many examples, steps, how fast and how large an adapter: what does it take, and what is too much?**
#
# The paper gives one setting each: one example, five epochs, a learning rate of 1e-4, rank 8. It shows no other. Here
# each is varied with everything else as it is in the profile, on the same samples, and you will see the accuracy of each, what
# it fixes and what it breaks.

# %% tags=["parameters"]
profile = "tiny"

# %% tags=["hide-input"]
import pandas as pd
from IPython.display import Markdown
from myst_nb import glue

from ttsi.data import data_root
from ttsi.evaluation.comparison import (
    accuracy,
    differences,
    effect_text,
    points_text,
    readable_differences,
    right_answers,
)
from ttsi.runs.config import configure
from ttsi.settings import METHODS
from ttsi.studies.collecting import read_made
from ttsi.studies.families import CANDIDATES, SWEEPS
from ttsi.studies.published import read_study
from ttsi_book.plots.frame import style
from ttsi_book.plots.sweeps import setting_sweep

style()
config = configure(profile)

# %% tags=["hide-input"]
swept = {name: read_study(data_root() / "sweeps", name) for name in SWEEPS}
samples = next(iter(swept.values()))["sample_id"]
published = data_root() / "results"
own = {
    name: read_study(published, name)
    .set_index("sample_id")
    .loc[samples]
    .reset_index()
    for name in ("base", "tt-si")
}
rows = {**own, **swept}
right = right_answers(
    {name: table for name, table in rows.items() if not name.startswith("sft")}
)
right = right.xs("direct", axis="columns", level="decoding")
glue("sweep_n", str(len(right)), display=False)
glue("sweep_split", ", ".join(own["base"]["split"].unique()), display=False)


# %% tags=["hide-input"]
def settings_of(name):
    study = "sweeps" if name in SWEEPS else "results"
    loop = read_made(data_root() / study, name)[0].config["loop"]
    return loop["lora"] | {
        "k": loop["k"],
        "steps": loop["lora"]["epochs"] * loop["k"],
    }


def sweep(setting, *prefixes):
    """Return a row for each value of a setting, the profile's among them."""
    names = [name for name in right if name.startswith(prefixes)] + ["tt-si"]
    cells = [
        {
            "value": settings_of(name)[setting],
            **vars(accuracy(right[name])),
            "profile": name == "tt-si",
            "family": name,
        }
        for name in names
    ]
    return pd.DataFrame(cells).sort_values("value", ignore_index=True)


def right_of(table, setting):
    counts = [
        f"{right[row.family].sum()} with {setting} = {row.value:g}"
        for row in table.itertuples()
    ]
    return (
        f"Right answers of {len(right)}: {', '.join(counts)}; "
        f"{right['base'].sum()} with base."
    )


IN_WORDS = {
    "learning-rate": "a learning rate of {}",
    "k": "K = {}",
    "epochs": "epochs = {}",
    "rank": "rank = {}",
}


def in_words(name):
    if name == "tt-si":
        return "the profile's settings"
    setting, _, value = name.rpartition("-")
    return IN_WORDS[setting].format(value)


base = right["base"].mean()

# %% mystnb={"image": {"alt": "Accuracy for five learning rates, with the base accuracy as a line."}, "figure": {"name": "fig-sweep-learning-rate", "caption": "Accuracy against the learning rate. All samples adapted."}}
rate_sweep = sweep("learning_rate", "learning-rate-")
setting_sweep(rate_sweep, setting="learning rate", base=base)

# %% [markdown]
# **On {glue:text}`sweep_n` samples of {glue:text}`sweep_split`, {glue:text}`sweep_told_apart`.** Against base the
# change ranges from {glue:text}`sweep_worst_points` to {glue:text}`sweep_best_points`, and {glue:text}`sweep_gains`.

# %% [markdown]
# ## How it was measured
#
# The samples are test samples of {glue:text}`sweep_split`, the first of each of five seeds of the
# published runs. The profile's own settings were fixed before, on validation samples (at the end of this chapter);
# nothing here was used to choose. Every sample is adapted, whatever its margin: the question is what training does, not
# when to train.
#
# What training costs follows from the settings: its time grows with the steps, K times epochs.
# [](10_what_it_costs) has the seconds, taken on a machine that did nothing else.

# %% [markdown]
# ## Examples
#
# *K* is the number of practice examples that a sample trains on, at most. As many steps are taken an epoch, so more
# examples are also more training.

# %% mystnb={"image": {"alt": "Accuracy for one, two and five practice examples, with the base accuracy as a line."}, "figure": {"name": "fig-sweep-k", "caption": "Accuracy against K, the number of practice examples that a sample trains on. All samples adapted."}}
k_sweep = sweep("k", "k-")
setting_sweep(k_sweep, setting="practice examples K", base=base)

# %% tags=["hide-input"]
Markdown(right_of(k_sweep, "K"))

# %% [markdown]
# ## Steps
#
# Passes over the same examples. One optimizer step is one example.

# %% mystnb={"image": {"alt": "Accuracy for one to twenty epochs, with the base accuracy as a line."}, "figure": {"name": "fig-sweep-epochs", "caption": "Accuracy against the number of epochs. All samples adapted."}}
epoch_sweep = sweep("epochs", "epochs-")
setting_sweep(epoch_sweep, setting="epochs", base=base)

# %% tags=["hide-input"]
Markdown(right_of(epoch_sweep, "epochs"))

# %% [markdown]
# ## Learning rate
#
# The first figure shows it. The lowest rate is the paper's, for a far larger model. A small model takes larger steps.

# %% [markdown]
# ## Rank
#
# The size of the adapter; alpha stays, so a larger rank also takes smaller steps.

# %% mystnb={"image": {"alt": "Accuracy for adapters of rank one, eight and thirty-two, with the base accuracy as a line."}, "figure": {"name": "fig-sweep-rank", "caption": "Accuracy against the rank of the adapter. All samples adapted."}}
rank_sweep = sweep("rank", "rank-")
setting_sweep(rank_sweep, setting="rank", base=base)

# %% tags=["hide-input"]
Markdown(right_of(rank_sweep, "rank"))

# %% [markdown]
# ## Against base, and against the profile
#
# The same samples, paired. First each setting against the base answers: what training gains at all.

# %%
names = [name for name in right if name != "base"]
pairs = pd.DataFrame({(name, "direct"): right[name] for name in right})
against_base = differences(
    pairs, [(("base", "direct"), (name, "direct")) for name in names]
)
readable_differences(against_base)

# %% tags=["hide-input"]
apart = [
    in_words(row.after[0])
    for row in against_base.itertuples()
    if row.low > 0 or row.high < 0
]
Markdown(
    "Intervals that lie wholly on one side of zero: of "
    f"{', '.join(apart) or 'none'}. Settings whose intervals hold zero cannot "
    "be ranked."
)

# %% [markdown]
# Then each against the profile's own settings: what another setting would have changed.

# %%
others = [name for name in names if name != "tt-si"]
against_profile = differences(
    pairs, [(("tt-si", "direct"), (name, "direct")) for name in others]
)
readable_differences(against_profile)


# %% tags=["remove-cell"]
def extreme(which):
    """Say how many are right at one end, and with which settings."""
    counts = right[names].sum()
    end = counts.agg(which)
    ties = [in_words(name) for name in names if counts[name] == end]
    return f"{end} of {len(right)}, with {', '.join(ties)}"


told_apart = [
    f"{in_words(row.after[0])} shows {effect_text(row)}"
    for row in against_profile.itertuples()
    if effect_text(row).startswith("a ")
]
paper_rate = against_base[
    against_base["after"] == ("learning-rate-0.0001", "direct")
].iloc[0]
ordered = against_base.sort_values("estimate")
best, worst = ordered.iloc[-1], ordered.iloc[0]
glue("sweep_best", extreme("max"), display=False)
glue("sweep_worst", extreme("min"), display=False)
glue("sweep_base", str(right["base"].sum()), display=False)
glue("sweep_best_points", f"{points_text(best)} points", display=False)
glue("sweep_worst_points", points_text(worst), display=False)
gaining = sum(
    effect_text(row) == "a gain" for row in against_base.itertuples()
)
glue(
    "sweep_gains",
    f"{gaining} of {len(against_base)} settings show a gain",
    display=False,
)
glue(
    "sweep_paper_rate",
    f"{points_text(paper_rate)} points, {effect_text(paper_rate)}",
    display=False,
)
differing = "no setting can be told from the profile's"
if told_apart:
    differing = f"against the profile, {' and '.join(told_apart)}"
glue("sweep_told_apart", differing, display=False)

# %% [markdown]
# ## Supervised fine-tuning
#
# The other way to spend training: once, on examples of the training set, one adapter for all samples. The agent was
# trained from nothing on that very training set, so there is little left in it to learn.

# %% tags=["hide-input"]
fine_tuned = {
    name: read_made(data_root() / "sweeps", name)[0]
    for name in SWEEPS
    if name.startswith("sft")
}
fine_tuned["sft"] = read_made(published, "sft")[0]
answers = {
    **{name: swept[name] for name in fine_tuned if name in swept},
    "sft": read_study(published, "sft"),
}
table = pd.DataFrame(
    {
        "training examples": made.config["loop"]["sft_examples"],
        **{
            label: round(
                answers[name]
                .set_index("sample_id")
                .loc[samples, column]
                .mean(),
                3,
            )
            for label, column in (
                ("base", "base_correct"),
                ("fine-tuned", "greedy_correct"),
            )
        },
    }
    for name, made in fine_tuned.items()
)
table.sort_values("training examples").set_index("training examples")

# %% [markdown]
# ## What the profile was checked on
#
# The settings came from a prototype. Before any test sample was reported, candidates were compared with them on
# *validation* samples of two unseen splits. With few samples only large differences show. [](05_test_time_lora) says
# whether any candidate showed a gain against the profile; here each is set against base.

# %% tags=["hide-input"]
chosen = {
    name: read_study(data_root() / "selection", name) for name in CANDIDATES
}
practises = [
    name
    for name in CANDIDATES
    if METHODS[CANDIDATES[name].get("method", "tt-si")]["author"] == "self"
]
checked = right_answers(
    {
        "base": chosen["profile"].assign(
            greedy_correct=chosen["profile"]["base_correct"]
        )
    }
    | {name: chosen[name] for name in practises}
).xs("direct", axis="columns", level="decoding")
checked = pd.DataFrame({(name, "direct"): checked[name] for name in checked})
on_validation = differences(
    checked, [(("base", "direct"), (name, "direct")) for name in practises]
)
glue("validation_n", str(len(checked)), display=False)
readable_differences(on_validation)

# %% [markdown]
# ## What we learned
#
# On {glue:text}`sweep_n` samples of {glue:text}`sweep_split`, every one adapted:
#
# - Most right answers: {glue:text}`sweep_best`. Fewest: {glue:text}`sweep_worst`. With base {glue:text}`sweep_base`.
#   Over base {glue:text}`sweep_gains`.
# - The paper's learning rate: {glue:text}`sweep_paper_rate`. It was meant for another model.
# - After Holm's adjustment, {glue:text}`sweep_told_apart`. With this few samples an effect has to be large to be seen,
#   and what cannot be told apart is not shown to be equal.
# - The validation check had {glue:text}`validation_n` samples.
#
# ## Things to try
#
# - One setting of your own: `ttsi run --adapt all --rank 4 --limit 20 --out mine`, then read `mine/outcomes.parquet`.
# - A setting for the whole chapter: add it to `SWEEPS` in `src/ttsi/studies/families.py`, then
#   `ttsi study run sweeps --out DIR` and `ttsi study collect DIR --out data/sweeps`.
#
# ## References
#
# The adapter: {cite:t}`hu2021lora`; training on a test input before answering it: {cite:t}`akyurek2024ttt`.
