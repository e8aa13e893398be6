# %% [markdown]
# # The paper's benchmarks
#
# **What do the four benchmarks hold, and what can a score on them mean?**
#
# The paper measures on NexusRaven, SealTool, API-Bank and ToolAlpaca. Each has its own format, its own slips and its
# own idea of a right answer. This library reads all four into the same records as toolworld and scores them by one
# rule. The files themselves are not part of this project: they belong to others, and one licence is for non-commercial
# use only. What stands here is a summary in counts, made from the files by a command that you can run yourself. You will see
# what a sample is like, where the right tool stands, and how high a score can get.

# %% tags=["parameters"]
profile = "tiny"
split = "sealtool/test"  # of the figure of positions
data_dir = None  # folder of the files; None: that of `ttsi benchmarks fetch`

# %% tags=["hide-input"]
from pathlib import Path

import pandas as pd
from IPython.display import Markdown
from myst_nb import glue

from ttsi.benchmarks import BENCHMARKS, PAPER_BENCHMARKS
from ttsi.benchmarks.sources import load_manifest
from ttsi.data import data_root
from ttsi.evaluation.statistics import (
    difference_interval,
    proportion_interval,
)
from ttsi.evaluation.texts import interval_text
from ttsi.runs.config import configure
from ttsi.studies.published import read_study
from ttsi_book.analysis.survey import (
    OUT_OF_REACH,
    files_at_hand,
    read_survey,
    survey_split,
)
from ttsi_book.plots.frame import percent, style
from ttsi_book.plots.survey import gold_positions, reachable_shares

style()
config = configure(profile)
folder = None if data_dir is None else Path(data_dir)
survey = read_survey()

# %% mystnb={"image": {"alt": "Bars of the samples of each split that are within reach of an exact match and of those that are not."}, "figure": {"name": "fig-benchmarks-reach", "caption": "Samples that an agent can answer exactly from what it is given, and samples that it cannot."}}
reachable_shares(
    {name: (one.reachable, one.check.n) for name, one in survey.splits.items()}
)

# %% [markdown]
# **Of the splits in the paper's table, {glue:text}`benchmarks_worst` has the lowest limit: {glue:text}`benchmarks_limit`
# can be answered exactly by an agent that keeps to what it is given.** And a habit scores: as upstream lists the tools of
# SealTool, the first one is right for {glue:text}`benchmarks_first_upstream`.
#
# ## Where the files come from
#
# Every file is pinned to a commit of its repository and to its checksum (`data/benchmarks.toml`). A command fetches and
# verifies them: `ttsi benchmarks fetch sealtool`.

# %% tags=["hide-input"]
manifest = load_manifest()
sources = {
    name: {
        "repository": source.repository,
        "commit": source.commit[:10],
        "licence": source.licence,
    }
    for name, source in manifest.sources.items()
}
pd.DataFrame(sources).T

# %% [markdown]
# `bfcl` is none of the four: the real model of [](14_a_real_model) was tuned on it.
#
# NexusRaven's queries may be used for non-commercial purposes only, so none of them is in this repository. ToolAlpaca's
# golden answers hold keys of other services that its authors published; the reader replaces them before a sample is
# made, and no key is printed or stored anywhere.
#
# Not at hand when the summary was made, and so not in the tables below:

# %% tags=["hide-input"]
missing = pd.DataFrame({"fetch it with": survey.missing}).rename_axis("split")
missing["then"] = "python -m ttsi_book.analysis.survey"
missing if len(missing) else Markdown("None: every split was at hand.")

# %% [markdown]
# Where the files are here now, the summary is computed again and must agree:

# %%
at_hand = [
    name
    for name in survey.splits
    if files_at_hand(*name.split("/"), folder) is not None
]
agree = {
    name: survey_split(*name.split("/"), folder) == survey.splits[name]
    for name in at_hand
}
assert all(agree.values()), (
    f"the files say otherwise than the summary: {agree}"
)
print(
    f"computed again from the files, and equal: {len(agree)} of "
    f"{len(survey.splits)} splits"
    if agree
    else "not computed again: none of the files is here"
)

# %% [markdown]
# ## What a sample is like
#
# *Parsed*: the gold calls can be read. *Clean*: parsed, every gold tool is on offer, and every gold argument is in its
# tool's schema. Samples that are not clean are kept and flagged. A prompt is counted in characters, the conversation
# and the tools as JSON, since tokens depend on the model. Splits that the paper's table is made of, as far as we can
# tell, are marked.

# %% tags=["hide-input"]
evaluated = {
    f"{name}/{one}"
    for name in PAPER_BENCHMARKS
    for one in BENCHMARKS[name].evaluated
}
shape = {
    name: {
        "in the table": "yes" if name in evaluated else "",
        "samples": one.check.n,
        "parsed": one.check.parsed,
        "clean": one.check.clean,
    }
    for name, one in survey.splits.items()
}
pd.DataFrame(shape).T

# %% tags=["hide-input"]
sizes = {
    name: {
        "tools, mean (most)": (
            f"{one.tools.mean:.2f} ({one.tools.quartiles[-1]:.0f})"
        ),
        "calls, mean (most)": (
            f"{one.calls.mean:.2f} ({one.calls.quartiles[-1]:.0f})"
        ),
        "characters, mean (most)": (
            f"{one.prompt_characters.mean:,.0f} "
            f"({one.prompt_characters.quartiles[-1]:,.0f})"
        ),
    }
    for name, one in survey.splits.items()
}
pd.DataFrame(sizes).T

# %% [markdown]
# What is unusual, and in how many samples:

# %% tags=["hide-input"]
flags = {
    name: ", ".join(
        f"{count} {flag}" for flag, count in one.check.flags.items()
    )
    or "nothing"
    for name, one in survey.splits.items()
}
pd.Series(flags, name="samples with a flag").to_frame()

# %% [markdown]
# | flag | what it means |
# |---|---|
# | `argument_not_in_schema` | a gold argument that its tool does not have |
# | `duplicate` | conversation, tools and gold as in an earlier sample |
# | `gold_repaired` | upstream's text is broken, and was read by repairing it |
# | `gold_tool_not_offered` | a gold tool that is not on the list |
# | `gold_unparsable` | gold calls that cannot be read |
# | `needs_absent_key` | a gold argument is a key that stands neither in the request nor in the tools |
# | `nested_calls` | a call that uses another's result |
# | `number_as_text` | a gold number that is written as text |
# | `placeholder` | a gold value that stands for what an earlier call would return |
#
# ## Where the right tool stands
#
# An agent that reads nothing and names the first tool on the list should be right as often as chance. On SealTool it
# is right far more often, because upstream mostly lists the right tool first. A model that has learned to like the
# first place gets that for nothing, and so does one trained on such lists. We shuffle the tools of every sample, with
# a seed that is the sample's own id, and report upstream's order beside it.

# %% tags=["hide-input"]
shown = survey.splits[split]
orders = {
    "as upstream lists them": shown.positions["upstream"],
    "shuffled": shown.positions["shuffled"],
}

# %% mystnb={"image": {"alt": "Bars of the share of samples that have the gold tool first, second and so on, as upstream lists the tools and shuffled."}, "figure": {"name": "fig-benchmarks-positions", "caption": "Position of the gold tool among the tools on offer, in upstream's order and shuffled."}}
gold_positions(orders, first_by_chance=shown.first_by_chance)

# %% tags=["hide-input"]
first = {
    order: f"{places[0] / sum(places):.1%}" for order, places in orders.items()
}
Markdown(
    f"On {split} the gold tool stands first in "
    f"{first['as upstream lists them']} of the samples as upstream lists "
    f"them, and in {first['shuffled']} once they are shuffled. By chance it "
    "would in "
    f"{shown.first_by_chance / sum(orders['shuffled']):.1%}."
)

# %% [markdown]
# The share of samples in which the first tool is the right one, for every split at hand; n is the number of samples whose
# first gold call is of a tool on offer:

# %% tags=["hide-input"]
firsts = {
    name: {
        "n": (n := sum(one.positions["upstream"])),
        "upstream": interval_text(
            proportion_interval(one.positions["upstream"][0], n)
        ),
        "shuffled": f"{one.positions['shuffled'][0] / n:.1%}",
        "by chance": f"{one.first_by_chance / n:.1%}",
    }
    for name, one in survey.splits.items()
}
pd.DataFrame(firsts).T


# %% tags=["hide-input"]
def leaning(one):
    n = sum(one.positions["upstream"])
    first, chance = (
        proportion_interval(one.positions["upstream"][0], n),
        one.first_by_chance / n,
    )
    return (
        "more often"
        if first.low > chance
        else "less often"
        if first.high < chance
        else "about as often"
    )


leanings = {name: leaning(one) for name, one in survey.splits.items()}
Markdown(
    "\n".join(
        f"- Upstream lists the right tool first {lean} "
        f"{'as' if 'about' in lean else 'than'} by chance: "
        + ", ".join(name for name, found in leanings.items() if found == lean)
        + "."
        for lean in dict.fromkeys(leanings.values())
    )
)

# %% [markdown]
# How much a model gains from the order can only be measured with the model. `make paper` answers SealTool both ways.

# %% tags=["hide-input"]
reproduced = data_root() / "paper-results"
if (reproduced / "base-upstream-order.parquet").is_file():
    both = read_study(reproduced, "base", "base-upstream-order")
    both = both[both["sample_id"].str.startswith("sealtool/")]
    means = both.pivot_table(
        "greedy_correct", "sample_id", "family", aggfunc="mean"
    ).astype(float)
    gain = difference_interval(means["base"], means["base-upstream-order"])
    words = interval_text(gain, "points", with_n=True)
    order_effect = f"upstream's order against shuffled: {words} points"
else:
    order_effect = "not measured: the paper's models have not been run here"
Markdown(order_effect[0].upper() + order_effect[1:] + ".")

# %% [markdown]
# ## How high a score can get
#
# Exact match asks for the same calls with the same arguments. Some samples cannot be answered so by any agent that keeps
# to what it is given: the gold calls a tool that is not on offer or an argument that its tool does not have, needs a
# key that nobody said, stands for a value to come, or cannot be read. An agent may still hit one by luck or by having
# seen it before, so the limit in the first figure is one for honest work rather than a bound of logic.

# %% tags=["hide-input"]
Markdown(
    "Counted as out of reach: "
    + ", ".join(f"`{flag}`" for flag in OUT_OF_REACH)
    + "."
)

# %% [markdown]
# ToolAlpaca's split of real APIs needs keys that neither the request nor the tools state. They are counted where its file
# is at hand.
#
# ## One rule of scoring
#
# The benchmarks' own scores differ: NexusRaven compares a call with its defaults filled in, SealTool counts tool names
# and parameters, API-Bank executes the call, and ToolAlpaca asks a large model for its verdict. The paper reports one
# accuracy for all four and does not say how it was counted. Here one rule holds for all: the same calls, in any
# order, with the same arguments after normalising numbers and white space. A differing rule can
# move a score. We have not measured by how much, so scores from two papers should not be laid side by side.

# %% tags=["remove-cell"]
seal, n_seal = (
    survey.splits["sealtool/test"],
    sum(survey.splits["sealtool/test"].positions["upstream"]),
)
glue(
    "benchmarks_first_upstream",
    percent(proportion_interval(seal.positions["upstream"][0], n_seal)),
    display=False,
)
glue(
    "benchmarks_first_shuffled",
    f"{seal.positions['shuffled'][0] / n_seal:.1%}",
    display=False,
)
glue(
    "benchmarks_first_chance",
    f"{seal.first_by_chance / n_seal:.1%}",
    display=False,
)
glue("benchmarks_splits", str(len(survey.splits)), display=False)
glue("benchmarks_missing", ", ".join(survey.missing) or "none", display=False)
limits = pd.Series(
    {name: one.reachable / one.check.n for name, one in survey.splits.items()}
)
in_table = limits[limits.index.isin(evaluated)]
for key, found in (("worst", in_table), ("worst_of_all", limits)):
    lowest = found.idxmin()
    glue(f"benchmarks_{key}", lowest, display=False)
    glue(
        f"benchmarks_{key.replace('worst', 'limit')}",
        f"{found[lowest]:.1%} (n = {survey.splits[lowest].check.n})",
        display=False,
    )
glue("benchmarks_order_effect", order_effect, display=False)

# %% [markdown]
# ## What we learned
#
# - {glue:text}`benchmarks_splits` splits are counted here; not at hand were {glue:text}`benchmarks_missing`.
# - On SealTool's single calls, naming the first tool is right in {glue:text}`benchmarks_first_upstream` as upstream
#   lists the tools, in {glue:text}`benchmarks_first_shuffled` once they are shuffled, and in
#   {glue:text}`benchmarks_first_chance` by chance. An accuracy there says little without the order.
# - What the order does to the paper's model: {glue:text}`benchmarks_order_effect`.
# - Of the splits in the paper's table, {glue:text}`benchmarks_worst` has the lowest limit: at most
#   {glue:text}`benchmarks_limit` can be matched exactly from what is given. Of all splits counted here it is
#   {glue:text}`benchmarks_worst_of_all`: {glue:text}`benchmarks_limit_of_all`.
#
# ## Things to try
#
# - Where the right tool stands elsewhere: `split = "apibank/level-2"`.
# - Fetch a benchmark and count it yourself: `ttsi benchmarks fetch toolalpaca`, then
#   `python -m ttsi_book.analysis.survey`.
# - Files in a folder of your own: `data_dir = "scratch/benchmarks"`.
#
# ## References
#
# NexusRaven: {cite:t}`srinivasan2023nexusraven`; SealTool: {cite:t}`wu2024sealtools`; API-Bank: {cite:t}`li2023apibank`;
# ToolAlpaca: {cite:t}`tang2023toolalpaca`.
