# %% [markdown]
# # Results
#
# **Does it help, by how much, and how sure can we be?**
#
# On tools that it has never seen the embedded agent is right in {glue:text}`results_base` of the requests. **Constrained
# decoding, which forbids calls of tools that are not on offer and needs no training, makes that
# {glue:text}`results_constrained`.** TT-SI as we tuned it makes it {glue:text}`results_tt_si`, behind the
# paper's gate {glue:text}`results_tt_si_paper_gate`. On single/unseen, where both were timed, tuned TT-SI takes
# {glue:text}`results_times_constrained` times the seconds of constrained decoding.
#
# Below: the methods, the table, paired tests, what was fixed and broken, what did not work, and a handful of the
# published answers computed again.

# %% tags=["parameters"]
profile = "tiny"
tau = None  # threshold of the gate, in [0, 1]; None: the profile's
gate = "uncertain"  # who practises: "uncertain", "all", "surest" or "lot"
samples = 12  # published samples to compute again
split = "single/unseen"  # of the recomputation
seed = 0

# %% tags=["hide-input"]
import numpy as np
import pandas as pd
from IPython.display import Markdown
from myst_nb import glue

from ttsi.benchmarks.toolworld import SPLITS
from ttsi.data import data_root
from ttsi.evaluation import comparison as compare
from ttsi.evaluation.comparison import LABELS, PAPER_GATE, PRIMARY
from ttsi.evaluation.costs import Serving, seconds_adapted, seconds_kept
from ttsi.runs.config import RunConfig, configure
from ttsi.runs.provenance import machine, versions
from ttsi.runs.results import as_table
from ttsi.runs.run import load_agent, load_samples, outcomes
from ttsi.studies.collecting import read_made
from ttsi.studies.families import FAMILIES, HEADLINE, SEEDS
from ttsi.studies.published import read_study
from ttsi_book.analysis.changes import as_markdown, changed_settings
from ttsi_book.analysis.occurrences import gains, seconds
from ttsi_book.plots.accuracy import (
    accuracy_dots,
    difference_dots,
    fixed_and_broken,
)
from ttsi_book.plots.frame import style

style()
config = configure(profile, **({} if tau is None else {"tau": tau}))
tau = config.loop.tau
results = data_root() / "results"

# %% tags=["hide-input"]
published = compare.read_methods(results, tau=tau, gate=gate)
order = [name for name in LABELS if name in published or name == PAPER_GATE]
methods = {
    name: published.get(name)
    if name in published
    else compare.behind_paper_gate(results)
    for name in order
}
right = compare.right_answers(methods)
is_unseen = right.index.get_level_values("split").str.endswith("/unseen")
groups = {"unseen": right[is_unseen], "seen": right[~is_unseen]}
counts = (
    right.groupby(level="split")
    .size()
    .reindex(
        [name for name in SPLITS if name in set(methods["base"]["split"])]
    )
)
weight = {
    name: counts[name] / len(groups[name.split("/")[1]])
    for name in counts.index
}
shares = {group: compare.accuracies(part) for group, part in groups.items()}

# %% mystnb={"image": {"alt": "Dots with 95 percent intervals: exact match of the methods on the unseen splits, direct, by majority vote and as pass at five."}, "figure": {"name": "fig-results-accuracy", "caption": "Exact match of all methods on the unseen splits, pooled over splits and seeds. pass@5 is a bound: choosing the right one of five answers takes the label."}}
accuracy_dots(shares["unseen"].replace({"method": LABELS}))

# %% tags=["hide-input"]
greedy = shares["unseen"].query("decoding == 'direct'")
greedy = greedy.set_index("method")
top = greedy.loc[greedy["estimate"].idxmax()]
Markdown(
    f"Of the direct answers, those of *{LABELS[top.name]}* are right most "
    f"often: {compare.share_text(top)}, where base has "
    f"{compare.share_text(greedy.loc['base'])}. Whiskers that overlap do not "
    "say whether two methods differ; the paired tests below do."
)

# %% [markdown]
# ## The methods
#
# | method | who writes the practice | what is done with it |
# |---|---|---|
# | base | nobody | |
# | TT-SI, tuned | the agent itself | it trains on it for a moment, answers, forgets |
# | TT-SI, paper's gate | the same | the same, but only where the paper's margin says so |
# | TT-D | a teacher, a larger model | as TT-SI, tuned |
# | TT-D (oracle) | the benchmark's own grammar, always right, which need not be most useful | the same |
# | TT-ICL | the agent itself | it stands in the prompt; no training |
# | ICL | the training set, examples drawn at random | it stands in the prompt |
# | SFT | the training set | one training for all samples (supervised fine-tuning) |
#
# **"TT-SI, tuned" is not the paper's TT-SI.** Its gate looks at another margin, it asks for practice in another way, and
# it trains at another rate; the table below has every change. "TT-SI, paper's gate" replays the same adapted answers
# behind the paper's gate, the RSS margin below 0.95. Its practice and its training are still ours: the paper's setting, as
# far as it is known, was run on the real model alone ([](14_a_real_model)). TT-D and TT-ICL use the settings of the tuned TT-SI.
#
# *Constrained* is base with an answer limited to offered tools and their schemas; tuned TT-SI, TT-D and TT-ICL also stand on
# top of it. How good the teacher is at the task itself is on
# [its card](https://github.com/ttsi-book/ttsi-book/blob/main/data/agents/tiny-teacher/README.md). The words of the
# unseen splits are new to the agent and stand nowhere in its training set; the teacher was trained on such words.
#
# The methods that practise for a request do so only where its margin is below *tau*; [](07_when_to_adapt) is about
# this gate. ICL and SFT have none. Every sample was adapted when the published rows were made, so any gate is replayed.
#
# A request is answered in three ways. **Direct** is the greedy answer. **Majority vote** takes, of five sampled
# answers, one that most agree with. **pass@5** counts a request as right if any of the five is: a bound, not a method,
# since choosing that one takes the label. The greedy answer is not among the five, so even this bound may lie below
# direct answers.

# %% tags=["hide-input"]
changes = changed_settings()
columns = {
    "what": "setting",
    "paper": "the paper",
    "tiny": "ours, here",
    "real": "ours, real model",
}
numbered = changes.assign(chapter=changes["chapter"].str[:2].astype(int))
numbered.rename(columns=columns).set_index("setting")

# %% tags=["hide-input"]
rows = {
    "samples": counts,
    "a seed": counts // len(SEEDS),
    "weight in its group": pd.Series(weight).map("{:.0%}".format),
}
pd.DataFrame(rows)

# %% [markdown]
# Each seed draws its own test samples, so the rows of all seeds are independent and pooled. Pooling gives every
# *sample* the same weight, so a split weighs as the table says. All methods answered the same samples.
#
# ## The table
#
# The splits whose tools the agent has never seen, pooled. The interval is a percentile bootstrap over samples (Wilson's
# where fewer than ten answers are right, or wrong). A dash: no answers were sampled.

# %%
compare.readable_accuracies(shares["unseen"])

# %% tags=["hide-input"]
unseen = groups["unseen"]
undrawn = {
    name: int((unseen[name, "direct"] & ~unseen[name, "pass@5"]).sum())
    for name in ("base", "tt-si")
}
Markdown(
    f"Of the right direct answers of tuned TT-SI, {undrawn['tt-si']} have no "
    f"right one among the five drawn; of base, {undrawn['base']}. Practice "
    "can make the right call the most likely one, and still leave most of the "
    "probability to others, which the draws then take."
)

# %% [markdown]
# The splits with tools seen in training, pooled. Where base is nearly always right, there is little left to repair; a
# method can still break.

# %% tags=["hide-output"]
compare.readable_accuracies(shares["seen"])

# %% [markdown]
# Split by split, direct answers, the unseen ones and then the seen ones:


# %% tags=["hide-input"]
def by_split(ending):
    columns = {}
    for name in (name for name in counts.index if name.endswith(ending)):
        part = compare.accuracies(right.loc[[name]]).query(
            "decoding == 'direct'"
        )
        columns[f"{name} (n = {counts[name]})"] = compare.readable_accuracies(
            part
        )["direct"]
    return pd.DataFrame(columns)


by_split("/unseen")

# %% tags=["hide-output"]
by_split("/seen")

# %% tags=["hide-input"] mystnb={"image": {"alt": "Dots of the exact match of four methods on each split of toolworld, with 95 percent intervals."}, "figure": {"name": "fig-results-splits", "caption": "Exact match of four of the methods, direct answers, on every split of toolworld, five seeds pooled."}}
four = [
    name
    for name in ("base", "constrained", "tt-si", "tt-si-constrained")
    if name in methods
]
bars = [
    compare.accuracies(right.loc[[name], four]).assign(split=name)
    for name in counts.index
]
direct_answers = pd.concat(bars).query("decoding == 'direct'")
accuracy_dots(
    direct_answers.replace({"method": LABELS}), row="split", series="method"
)

# %% tags=["hide-input"]
points = direct_answers.pivot(
    index="split", columns="method", values="estimate"
)
above = [
    f"*{LABELS[name]}* in {(points[name] > points['base']).sum()}"
    for name in four
    if name != "base"
]
Markdown(
    f"Of the {len(points)} splits, the dot lies right of that of base for "
    f"{'; '.join(above)}."
)

# %% [markdown]
# Do the seeds agree? The accuracy of each seed on the headline's split; every seed has its own samples, so this is the
# scatter of samples and of runs together.

# %% tags=["hide-output"]
by_seed = (
    right.loc[HEADLINE]
    .xs("direct", axis="columns", level="decoding")
    .groupby(level="seed")
    .mean()
)
spread = pd.DataFrame(
    {
        "mean": by_seed.mean(),
        "SD over seeds": by_seed.std(),
        "min": by_seed.min(),
        "max": by_seed.max(),
    }
)
spread.rename(index=LABELS).rename_axis(index=None).map("{:.1%}".format)

# %% [markdown]
# ## The differences, paired
#
# Both sides of a comparison answered the same samples. The interval is a bootstrap over the samples' differences, in
# percentage points; *p* is McNemar's exact test of whether as many samples were fixed (wrong before, right after) as
# broken.
#
# With many tests, some *p* fall below 0.05 by chance alone. So beside each *p* stands Holm's, adjusted for all
# comparisons below in that group of splits, and the page speaks of a gain or a loss only where that one is below 0.05
# and the interval excludes zero. Where just one of the two holds, it says which: a gain *by its interval alone*.
#
# A star marks the comparisons that the book is about. They are listed in one place, `PRIMARY` in
# `ttsi.evaluation.comparison`, and were written down when the first rows were known. The rest is exploration.

# %%
DIRECT, VOTE, BOUND = "direct", "majority-vote", "pass@5"
on_base = [
    name
    for name in methods
    if name != "base" and not name.endswith("-constrained")
]
on_constrained = [name for name in methods if name.endswith("-constrained")]
pairs = [(("base", DIRECT), (name, DIRECT)) for name in on_base]
pairs += [(("constrained", DIRECT), (name, DIRECT)) for name in on_constrained]
pairs += [(("base", DIRECT), ("base", VOTE))]
sampled = [name for name in on_base if (name, VOTE) in right]
pairs += [
    (("base", mode), (name, mode))
    for mode in (VOTE, BOUND)
    for name in sampled
]
tested = {
    group: compare.differences(part, pairs) for group, part in groups.items()
}


# %% tags=["hide-input"]
def told(group, before):
    chosen = tested[group][
        [pair == before for pair in tested[group]["before"]]
    ]
    cells = compare.readable_differences(chosen)
    stars = [
        " *" if (before, after) in PRIMARY else "" for after in chosen["after"]
    ]
    return cells.set_index(cells.index + stars)


# %% [markdown]
# **Against base**, direct answers, unseen splits pooled. The last row is the base agent again, by majority vote: more
# answers instead of practice.

# %% tags=["hide-input"]
told("unseen", ("base", DIRECT))

# %% [markdown]
# **Against constrained decoding**, the comparison that counts for practice on top of it:

# %% tags=["hide-input"]
told("unseen", ("constrained", DIRECT))

# %% tags=["hide-input"] mystnb={"image": {"alt": "Dots with 95 percent intervals: the difference in accuracy of each method to base or, on top of constrained decoding, to constrained decoding, on the unseen splits."}, "figure": {"name": "fig-results-differences", "caption": "Paired differences in exact match, direct answers, on the unseen splits. Each method is compared with what it builds on: base, or constrained decoding."}}
direct = tested["unseen"][
    [after[1] == DIRECT for after in tested["unseen"]["after"]]
]
labels = {
    "label": direct["after"].map(compare.answers_label),
    "against": [f"against {LABELS[name]}" for name, _ in direct["before"]],
}
difference_dots(direct.assign(**labels), series="against")

# %% tags=["hide-input"]
named = direct.set_index(labels["label"])
sides = {
    "right": named[named["low"] > 0].index,
    "left": named[named["high"] < 0].index,
}
Markdown(
    "Whiskers that lie wholly right of zero: "
    f"{'; '.join(sides['right']) or 'none'}. Wholly left of it: "
    f"{'; '.join(sides['left']) or 'none'}."
)

# %% mystnb={"image": {"alt": "For each method, samples of the unseen splits that it fixed and samples that it broke, compared with what it builds on."}, "figure": {"name": "fig-results-fixed-broken", "caption": "Samples fixed and samples broken on the unseen splits, each method against what it builds on. p is not adjusted here; the tables have both."}}
fixed_and_broken(direct.assign(label=labels["label"]))

# %% tags=["hide-input"]
most = named.loc[named["broken"].idxmax()]
Markdown(
    f"Most samples are broken by *{most.name}*: {most['broken']:,}, where it "
    f"fixes {most['fixed']:,}."
)

# %% [markdown]
# **Majority vote against majority vote**, and pass@5 against pass@5, as the paper's table has them:

# %% tags=["hide-input"]
told("unseen", ("base", VOTE))

# %% tags=["hide-input"]
told("unseen", ("base", BOUND))

# %% [markdown]
# The same comparisons on the seen splits, pooled:

# %% tags=["hide-output"]
told("seen", ("base", DIRECT))

# %% tags=["hide-output"]
told("seen", ("constrained", DIRECT))

# %% [markdown]
# And on every split by itself; Holm's *p* is adjusted for all rows of both tables.

# %% tags=["hide-output"]
direct_pairs = [pair for pair in pairs if pair[1][1] == DIRECT]
parts = [
    compare.differences(right.loc[[name]], direct_pairs).assign(split=name)
    for name in counts.index
]
every = compare.with_holm(pd.concat(parts, ignore_index=True))
lines = compare.readable_differences(every)
lines.index = every["split"] + ": " + lines.index
lines[lines.index.str.contains("/unseen")]

# %% tags=["hide-output"]
lines[lines.index.str.contains("/seen")]

# %% [markdown]
# ## Are these numbers from this code?
#
# The published rows come from the reference, PEFT and one sample at a time. A few of them, computed again from the
# configuration that stands beside them, but many samples at once ([](13_how_fast)), and compared.
# Sums are taken in another order, so margins agree to rounding; on the machine and with the versions that made the
# rows, another answer is an error. Elsewhere last bits now and then change a sampled word; then the table says so.

# %%
made = next(
    one
    for one in read_made(results, "tt-si")
    if (one.config["split"], one.config["seed"]) == (split, seed)
)
again = RunConfig.model_validate(
    made.config | {"limit": min(samples, config.limit), "backend": "batched"}
)
fresh = as_table(outcomes(load_samples(again), again, load_agent(again)))
stored = (
    read_study(results, "tt-si")
    .set_index("sample_id")
    .loc[fresh["sample_id"]]
    .reset_index()
)
columns = ["base_output", "greedy_output", "draws", "examples"]
agree = fresh[columns].eq(stored[columns])
agree.index = fresh["sample_id"].str.split("/").str[-1].rename("sample")
agree = agree.assign(
    margin=np.isclose(fresh["margin"], stored["margin"], atol=1e-5)
).rename(columns={"examples": "practice"})
agree.sum().rename(f"equal, of {len(agree)}").to_frame()

# %%
same_machine = (
    made.device == machine(again.device)
    and made.versions.items() <= versions().items()
)
print(
    f"{agree.to_numpy().all(axis=1).sum()} of {len(agree)} rows equal; same "
    f"machine and versions: {same_machine}"
)
assert agree.to_numpy().all() or not same_machine

# %% [markdown]
# What made the published rows. *Then unknown* says that a run was interrupted and went on under a commit that was not
# recorded:

# %% tags=["hide-input"]
provenances = [
    one for family in FAMILIES for one in read_made(results, family)
]
facts = {
    "runs": len(provenances),
    "rows": f"{sum(len(methods[name]) for name in FAMILIES):,}",
    "commit": "; ".join(sorted({one.sources() for one in provenances})),
    "device": ", ".join(sorted({one.device for one in provenances})),
    "threads": ", ".join(sorted({str(one.threads) for one in provenances})),
    "date (UTC)": " to ".join(
        sorted({one.started[:10] for one in provenances})
    ),
    **provenances[0].versions,
}
pd.Series(facts, name="published runs").to_frame()

# %% [markdown]
# Settings were checked on validation samples ([](05_test_time_lora)), which enter no result of this page. The seeds are
# the first five numbers and were not chosen. When to adapt, and what a gate saves, is in [](07_when_to_adapt).
#
# ## What did not work
#
# This list is made from the tables: every comparison of direct answers on the unseen splits without a clear gain, the losses
# first. The tables have those of votes, and of the seen splits.

# %% tags=["hide-input"]
NONE = "no effect that these samples can tell from chance"
WORST_FIRST = (
    "a loss",
    "a loss by its interval alone",
    "a loss by its p value alone",
    NONE,
    "a gain by its p value alone",
    "a gain by its interval alone",
)


def sentences(group, before):
    chosen = tested[group][
        [pair == before for pair in tested[group]["before"]]
    ]
    effects = [compare.effect_text(row) for row in chosen.itertuples()]
    found = (
        chosen["after"]
        .map(compare.answers_label)
        .groupby(effects)
        .agg(", ".join)
    )
    against = compare.answers_label(before)
    return [
        f"- Against {against}, {group} splits: {effect} for {found[effect]}."
        for effect in WORST_FIRST
        if effect in found
    ]


plain = methods["tt-si"]
unpractised = (plain["examples_valid"] == 0).mean()
broken = (plain["base_correct"] & ~plain["greedy_correct"]).sum()
lines = [
    *sentences("unseen", ("constrained", DIRECT)),
    *sentences("unseen", ("base", DIRECT)),
]
lines.append(
    f"- Tuned TT-SI made {broken:,} right answers wrong (all splits, gate: "
    f"{gate}, tau = {tau:g})."
)
lines.append(
    f"- {unpractised:.0%} of all samples had no valid practice example, and "
    "keep their base answer at any tau."
)
Markdown("\n".join(lines))

# %% [markdown]
# This agent cannot show whether practice helps a model that was trained on the world at large. [](14_a_real_model) tries
# one.
#
# ## One quantity, several numbers
#
# The gain of one method stands in several chapters with several values, each of them right: of other samples, behind
# another gate, or with every split weighted alike. Those of the embedded agent, computed anew ([](14_a_real_model) has the real model's):

# %% tags=["hide-input"]
gains(data_root(), tau=tau)

# %% [markdown]
# And the seconds of a request with the tuned TT-SI, on one thread and with nothing else to do ([](10_what_it_costs)),
# except for the speed benchmark, which chooses its threads ([](13_how_fast)). Seconds that a chapter measures live are
# those of the machine that built it, and stand nowhere else.

# %% tags=["hide-input"]
seconds(data_root(), tau=tau)

# %% tags=["remove-cell"]
for row in shares["unseen"].query("decoding == 'direct'").itertuples():
    glue(
        "results_" + row.method.replace("-", "_"),
        compare.share_text(row),
        display=False,
    )
told_below = {
    "base": (("base", DIRECT), ("tt-si", DIRECT)),
    "gate": (("base", DIRECT), (PAPER_GATE, DIRECT)),
    "alone": (("base", DIRECT), ("constrained", DIRECT)),
    "constrained": (("constrained", DIRECT), ("tt-si-constrained", DIRECT)),
    "sft": (("base", DIRECT), ("sft", DIRECT)),
    "teacher": (("base", DIRECT), ("tt-d", DIRECT)),
    "vote": (("base", DIRECT), ("base", VOTE)),
}
for key, pair in told_below.items():
    row = next(tested["unseen"].iloc[[pairs.index(pair)]].itertuples())
    points, p_holm = compare.points_text(row), compare.p_text(row.p_holm)
    found = (
        f"{points} points, {row.fixed} fixed, {row.broken} broken, Holm's p "
        f"{p_holm}"
    )
    glue(f"results_difference_{key}", found, display=False)
    glue(f"results_effect_{key}", compare.effect_text(row), display=False)
    glue(f"results_points_{key}", points, display=False)
glue("results_n", f"{len(groups['unseen']):,}", display=False)
glue("results_tests", str(len(pairs)), display=False)
glue("results_seeds", str(len(SEEDS)), display=False)
glue("results_gate", f"{gate}, tau = {tau:g}", display=False)
timed = {
    family: read_study(data_root() / "timing", family)
    for family in ("base", "constrained", "tt-si")
}
spent = {
    family: seconds_adapted(rows).sum(axis=1).to_numpy()
    for family, rows in timed.items()
}
kept = seconds_kept(timed["tt-si"], timed["base"]).sum(axis=1).to_numpy()
uncertain = methods["tt-si"].query("split == @HEADLINE")["uncertain"]
of_ours, of_constrained = (
    Serving(kept, spent["tt-si"], uncertain).each,
    spent["constrained"].mean(),
)
glue("results_headline_share", f"{uncertain.mean():.0%}", display=False)
glue("results_headline_seconds", f"{of_ours:.2f}", display=False)
glue(
    "results_times_constrained",
    f"{of_ours / of_constrained:.1f}",
    display=False,
)
gated = methods[PAPER_GATE]
gated = gated[gated["split"].str.endswith("/unseen")]
glue("results_gate_adapted", f"{gated['uncertain'].mean():.1%}", display=False)
glue("results_gate_practised", str(gated["adapted"].sum()), display=False)
glue("settings_changes", Markdown(as_markdown(changes)), display=False)

# %% [markdown]
# ## What we learned
#
# On the unseen splits, n = {glue:text}`results_n` samples of {glue:text}`results_seeds` seeds, gate:
# {glue:text}`results_gate`, direct answers:
#
# | method | exact match (95% interval) |
# |---|---|
# | base | {glue:text}`results_base` |
# | constrained | {glue:text}`results_constrained` |
# | TT-SI, paper's gate | {glue:text}`results_tt_si_paper_gate` |
# | TT-SI, tuned | {glue:text}`results_tt_si` |
# | TT-D | {glue:text}`results_tt_d` |
# | SFT | {glue:text}`results_sft` |
# | TT-SI, tuned + constrained | {glue:text}`results_tt_si_constrained` |
#
# - Constrained decoding against base: {glue:text}`results_effect_alone`; {glue:text}`results_difference_alone`.
# - TT-SI, paper's gate, against base: {glue:text}`results_effect_gate`; {glue:text}`results_difference_gate`. Below
#   its tau lie {glue:text}`results_gate_adapted` of the samples.
# - TT-SI, tuned, against base: {glue:text}`results_effect_base`; {glue:text}`results_difference_base`.
# - TT-SI, tuned + constrained, against constrained: {glue:text}`results_effect_constrained`;
#   {glue:text}`results_difference_constrained`.
# - TT-D against base: {glue:text}`results_effect_teacher`; {glue:text}`results_difference_teacher`.
# - Majority vote of the base agent against its greedy answer: {glue:text}`results_effect_vote`;
#   {glue:text}`results_difference_vote`.
# - Each is one of {glue:text}`results_tests` tests, which Holm's p accounts for.
#
# All of this is about one tiny agent in a generated world. It shows what the mechanism can and cannot do where
# everything is known; it does not reproduce the paper's table, whose models and benchmarks are others.
#
# ## Things to try
#
# - Practice for every sample: `gate = "all"`, or `ttsi book --only 06 -p gate=all --out scratch`. Nothing needs to be
#   run again.
# - Another threshold: `tau = 0.5`.
# - Compute more of the published rows again: `samples = 40`.
# - A run of your own: `ttsi run --split typed/unseen --tau 0.8 --limit 50 --out scratch/run`.
#
# ## References
#
# The method: {cite:t}`acikgoz2025ttsi`. Tests and intervals are described in `ttsi.evaluation.statistics`, the tables in
# `ttsi.evaluation.comparison`.
