# %% [markdown]
# # Self-awareness
#
# **Does the agent know when it is about to be wrong?**
#
# The loop adapts only where the agent is unsure, so everything hangs on a number that must be low before wrong
# answers and high before right ones, and that is computed without a label. The paper names one such number and leaves
# open how exactly it is computed. This chapter sets several of them side by side on the published runs: how well
# they separate right from wrong, what they cost, and whether they mean what they say.

# %% tags=["parameters"]
profile = "tiny"
split = "single/unseen"  # of the close look at two estimators
tau = None  # threshold of the gate, in [0, 1]; None: the profile's
share = 0.3  # of the samples, to be flagged in the table of thresholds
samples = 4  # live, to time the estimators

# %% tags=["hide-input"]
from time import perf_counter

import pandas as pd
from IPython.display import Markdown
from myst_nb import glue

from ttsi.benchmarks.toolworld import SPLITS
from ttsi.data import data_root
from ttsi.estimators import ESTIMATORS
from ttsi.evaluation.comparison import (
    FEW,
    differences,
    effect_text,
    p_text,
    points_text,
    right_answers,
    tau_for,
)
from ttsi.evaluation.statistics import (
    UndefinedError,
    auroc,
    calibration_bins,
    expected_calibration_error,
)
from ttsi.evaluation.texts import interval_text
from ttsi.runs.config import configure
from ttsi.runs.run import load_agent, load_samples
from ttsi.studies.published import margins_of, read_study, replay
from ttsi.uncertainty import Evidence
from ttsi_book.plots.awareness import (
    auroc_dots,
    margin_ecdf,
    reliability,
    roc_curves,
)
from ttsi_book.plots.frame import style

style()
config = configure(
    profile, split=split, **({} if tau is None else {"tau": tau})
)
tau = config.loop.tau

# %% tags=["hide-input"]
base = read_study(data_root() / "results", "base")
margins = margins_of(base)
names = list(margins)
wrong = ~base["base_correct"]
groups = {
    group: base["split"].str.endswith(f"/{group}")
    for group in ("unseen", "seen")
}


# %% tags=["hide-input"]
def area(name, where):
    try:
        return auroc(-margins.loc[where, name], wrong[where])
    except UndefinedError:
        return None


areas = {
    (name, group): area(name, where)
    for name in names
    for group, where in groups.items()
}
dots = [
    {"estimator": name, "group": group, **vars(found)}
    for (name, group), found in areas.items()
    if found
]

# %% mystnb={"image": {"alt": "Dots with 95 percent intervals: the AUROC of the estimators for finding wrong base answers, on the unseen and on the seen splits."}, "figure": {"name": "fig-awareness-auroc", "caption": "How well each margin finds wrong base answers, on the splits with unseen tools (pooled) and with seen tools (pooled). The dashed line is chance. A group in which the agent made fewer than two mistakes has no dots."}}
auroc_dots(pd.DataFrame(dots))

# %% [markdown]
# **How well it knows depends on what it is asked.** The probability of its whole answer, which this book's gate looks at,
# finds wrong answers on unseen tools with an AUROC of {glue:text}`auroc_profile`, where 0.5 is chance, 1 is perfect. The
# gap between the two most probable tools, which the paper's gate looks at as we read it, reaches {glue:text}`auroc_rss`.

# %% [markdown]
# ## The margins
#
# Each is a number $u$ in $[0, 1]$ that grows with confidence; we call them *margins*, and a request is *uncertain* if
# $u <$ *tau*, the threshold. They look at three things.
#
# **The tools.** Let $\ell_n = \log P(\text{call of tool } n \mid x)$ for each of the $N$ offered tools. Relative
# softmax scoring (RSS), the paper's, turns them into
#
# $$p_n = \frac{e^{\ell_n - \max_k \ell_k}}{\sum_k e^{\ell_k - \max_j \ell_j}}, \qquad u = p_{(1)} - p_{(2)},$$
#
# the gap between the two most probable tools. It asks: *which of these tools?*
#
# **The answer.** $P(a \mid x)$, the probability of the whole greedy answer $a$ of $T$ tokens. It asks: *would
# I write this again?* It also sees doubts about arguments, and about how an unfamiliar name is spelled; a comparison of
# the offered names cannot.
#
# **Other answers.** Five are sampled. How many say the same?
#
# | estimator | margin $u$ | looks at |
# |---|---|---|
# | `rss-margin` | $p_{(1)} - p_{(2)}$ | each tool's name: the call up to its arguments |
# | `rss-margin-normalised` | the same, $\ell_n$ divided by its number of tokens | each tool's name |
# | `rss-call` | $p_{(1)} - p_{(2)}$ | each tool's best call, arguments and all |
# | `rss-call-normalised` | the same, $\ell_n$ divided by its number of tokens | each tool's best call |
# | `maximum-probability` | $p_{(1)}$ | each tool's name |
# | `entropy` | $1 - H(p) / \log N$ | each tool's name |
# | `call-probability` | $P(a \mid x)$ | the greedy answer |
# | `perplexity` | $P(a \mid x)^{1/T}$, the inverse of the perplexity | the greedy answer |
# | `self-consistency` | share of the samples that hold the calls of $a$ | five sampled answers |
#
# The first four are four readings of the paper, which does not say whether the name or the whole call is scored, nor
# whether $\ell_n$ is normalised by length. The published rows hold margins of the same base answers by
# several estimators; all that they hold are shown.

# %% [markdown]
# ## Do they find the wrong answers?
#
# In the first figure one number judges an estimator at every threshold at once: the probability that a wrong answer has a lower margin
# than a right one, called AUROC (the area under the receiver operating characteristic). One half is chance, one is
# perfect. It needs answers of both sorts, so it says nothing where the agent is always right.

# %% tags=["hide-input"]
lines = []
for group, where in groups.items():
    counted = (
        f"{wrong[where].sum():,} of {where.sum():,} base answers are wrong"
    )
    warning = ""
    if areas[names[0], group] is None:
        warning = "; AUROC is undefined"
    elif wrong[where].sum() < FEW:
        warning = ", too few to compare AUROCs by"
    lines.append(f"- {group} splits: {counted}{warning}.")
Markdown("\n".join(lines))

# %% [markdown]
# Pooled splits differ in how hard they are, and an estimator may gain by telling splits apart. So here is every unseen
# split by itself; a dash stands where there are not two answers of each sort.


# %% tags=["hide-input"]
def cell(found):
    return interval_text(found, ".2f") if found else "–"


unseen = [name for name in SPLITS if name.endswith("/unseen")]
by_split = {
    one: {name: cell(area(name, base["split"] == one)) for name in names}
    for one in unseen
}
pd.DataFrame(by_split).rename_axis("AUROC (95% interval)")

# %% [markdown]
# ## What they cost, and where the threshold lies
#
# The tools' names are scored in one batch of short continuations of the prompt, and the greedy answer in one. A tool's
# best call must first be written out, for every tool; self-consistency writes five answers. Seconds are measured here
# and now, from a fresh start for each estimator. The greedy answer is there already.

# %%
agent = load_agent(config)
drawn = [sample.request for sample in load_samples(config)[:samples]]
spent = dict.fromkeys(names, 0.0)
for request in drawn:
    answer = agent.answer(request)
    for name in names:
        evidence, start = Evidence(agent, request, answer), perf_counter()
        ESTIMATORS[name].u(evidence)
        spent[name] += (perf_counter() - start) / len(drawn)

# %% [markdown]
# The scales differ too: the same *tau* means something else to each estimator. The table gives the *tau* that comes
# nearest to flagging a given share of the unseen splits' samples, and the share that it does flag; an estimator with
# few possible values cannot flag every share.

# %% tags=["hide-input"]
inside = margins[groups["unseen"]]
taus = {name: tau_for(inside[name], share) for name in names}
columns = {
    "AUROC, unseen": {name: cell(areas[name, "unseen"]) for name in names},
    "AUROC, seen": {name: cell(areas[name, "seen"]) for name in names},
    f"tau for {share:.0%}": {name: f"{taus[name]:.5f}" for name in names},
    "flagged": {
        name: f"{(inside[name] < taus[name]).mean():.0%}" for name in names
    },
    "seconds": {name: f"{spent[name]:.3f}" for name in names},
}
pd.DataFrame(columns).loc[names]

# %% [markdown]
# ## A close look at two
#
# The paper's margin and the one that this profile's gate looks at, on one split. Lower *tau* from 1 to 0, and note
# which share of the wrong answers falls below it and which share of the right ones: that is the curve.

# %% tags=["hide-input"]
pair = dict.fromkeys(["rss-margin", config.loop.estimator])
here = base["split"] == split
rows = {
    name: base.loc[here, ["base_correct"]].assign(
        margin=margins.loc[here, name]
    )
    for name in pair
}

# %% mystnb={"image": {"alt": "Receiver operating characteristic of two margins for finding wrong base answers, with the areas under the curves."}, "figure": {"name": "fig-awareness-roc", "caption": "How well a low margin finds wrong base answers, for every threshold. Above the diagonal is better than chance."}}
roc_curves(rows)

# %% [markdown]
# Where one curve lies above the other, that margin finds more of the wrong answers for the same share of right ones.
#
# What stands left of the dashed line is below tau. Orange there is what the gate is for; blue there is work spent
# on answers that were right, and a chance to break them; orange on the right is missed.


# %% tags=["hide-input"]
def gate(table):
    uncertain, mistaken = table["margin"] < tau, ~table["base_correct"]
    return {
        "below tau": f"{uncertain.mean():.0%}",
        "of the wrong": f"{uncertain[mistaken].mean():.0%}"
        if mistaken.any()
        else "–",
        "of the right": f"{uncertain[~mistaken].mean():.0%}"
        if (~mistaken).any()
        else "–",
    }


gates = pd.DataFrame({name: gate(table) for name, table in rows.items()}).T


def parted(name):
    below = gates.loc[name]
    return (
        f"At tau = {tau:g}, {below['of the wrong']} of the wrong answers and "
        f"{below['of the right']} of the right ones lie left of the line."
    )


# %% mystnb={"image": {"alt": "Two rising steps: the share of right and of wrong base answers whose RSS margin lies below each value, with the threshold tau."}, "figure": {"name": "fig-awareness-rss", "caption": "RSS margins of right and wrong base answers: the share below each value."}}
margin_ecdf(rows["rss-margin"], tau=tau, estimator="rss-margin")

# %% tags=["hide-input"]
Markdown(parted("rss-margin"))

# %% mystnb={"image": {"alt": "Two rising steps: the share of right and of wrong base answers whose margin by the profile's estimator lies below each value, with the threshold tau."}, "figure": {"name": "fig-awareness-profile", "caption": "Margins by the profile's estimator, of right and wrong base answers: the share below each value."}}
margin_ecdf(
    rows[config.loop.estimator], tau=tau, estimator=config.loop.estimator
)

# %% tags=["hide-input"]
Markdown(parted(config.loop.estimator))

# %% tags=["hide-input"]
gates.rename_axis(
    f"uncertain at tau = {tau:g}, n = {here.sum():,}", axis="columns"
)

# %% [markdown]
# ## Do they mean what they say?
#
# The call probability is a probability: of all answers given with probability 0.8, eight in ten should be right.
# Agreement of the two is called *calibration*, and the mean gap between them the expected calibration error (ECE).
# The RSS margin is a difference of probabilities and promises no such thing; it is drawn for comparison.

# %% mystnb={"image": {"alt": "Reliability diagram of two margins: accuracy against stated confidence, and the number of samples in each part."}, "figure": {"name": "fig-awareness-reliability", "caption": "Accuracy against stated confidence in ten equal parts of the range, and below it how many samples each part holds."}}
bins = {
    name: calibration_bins(table["margin"], table["base_correct"])
    for name, table in rows.items()
}
reliability(bins)

# %% [markdown]
# Points above the diagonal are answers that are right more often than the model's confidence says.

# %% tags=["remove-cell"]
for name, key in (("rss-margin", "rss"), (config.loop.estimator, "profile")):
    glue(f"auroc_{key}", cell(areas[name, "unseen"]), display=False)
    glue(f"seconds_{key}", f"{spent[name]:.3f}", display=False)
    glue(
        f"ece_{key}",
        f"{expected_calibration_error(bins[name]):.2f}",
        display=False,
    )
    for column, short in (
        ("below tau", "below"),
        ("of the wrong", "wrong"),
        ("of the right", "right"),
    ):
        glue(f"gate_{key}_{short}", gates.loc[name, column], display=False)
glue("awareness_tau", f"{tau:g}", display=False)
glue("awareness_split", split, display=False)
glue("awareness_n", f"{here.sum():,}", display=False)
glue("awareness_unseen", f"{groups['unseen'].sum():,}", display=False)
glue("awareness_timed", str(len(drawn)), display=False)
glue("awareness_estimator", config.loop.estimator, display=False)

# %% [markdown]
# ## What we learned
#
# The paper's margin against the profile's, {glue:text}`awareness_estimator`:
#
# | on all splits | RSS margin | the profile's |
# |---|---|---|
# | AUROC for "base is wrong", unseen splits, n = {glue:text}`awareness_unseen` | {glue:text}`auroc_rss` | {glue:text}`auroc_profile` |
# | seconds, mean of {glue:text}`awareness_timed` | {glue:text}`seconds_rss` | {glue:text}`seconds_profile` |
#
# The same two on {glue:text}`awareness_split` alone (n = {glue:text}`awareness_n`), with tau = {glue:text}`awareness_tau`:
#
# | on one split | RSS margin | the profile's |
# |---|---|---|
# | ECE | {glue:text}`ece_rss` | {glue:text}`ece_profile` |
# | share below tau | {glue:text}`gate_rss_below` | {glue:text}`gate_profile_below` |
# | of the wrong answers | {glue:text}`gate_rss_wrong` | {glue:text}`gate_profile_wrong` |
# | of the right answers | {glue:text}`gate_rss_right` | {glue:text}`gate_profile_right` |


# %% tags=["hide-input"]
def listed(found):
    return ", ".join(f"`{name}`" for name in found) or "none"


ranked = sorted(
    names, key=lambda name: areas[name, "unseen"].estimate, reverse=True
)
best = areas[ranked[0], "unseen"]
CLOSE = 0.05  # to the highest AUROC
close = [
    name
    for name in ranked[1:]
    if best.estimate - areas[name, "unseen"].estimate < CLOSE
]
chance = [name for name in names if round(areas[name, "unseen"].low, 2) <= 0.5]

# %% tags=["hide-input"]
lines = [
    (
        f"- Highest on the unseen splits: `{ranked[0]}`, AUROC {cell(best)}. "
        f"Less than {CLOSE:g} below it: {listed(close)}. Further below: "
        f"{listed([name for name in ranked[1:] if name not in close])}. No "
        "test was made of the order."
    ),
    (
        "- Pooled over the unseen splits not told from chance: "
        f"{listed(chance)}. The table above has each split alone."
    ),
]
Markdown("\n".join(lines))

# %% [markdown]
# Does a gate on the paper's margin adapt the right samples? Here it may adapt as many as the profile's gate does, and is
# compared with a gate that draws them by lot:

# %% tags=["hide-input"]
paper_margin = margins["rss-margin"].set_axis(base["sample_id"])
practised = read_study(data_root() / "results", "tt-si")
practised = practised[practised["split"].str.endswith("/unseen")]
budget = (practised["margin"] < config.loop.tau).mean()
practised = practised.assign(
    margin=paper_margin.loc[practised["sample_id"]].to_numpy()
)
at_budget = {"tau": tau_for(practised["margin"], budget)}
gated = {
    "lot": replay(practised, gate="lot", **at_budget),
    "RSS": replay(practised, **at_budget),
}
(rss_gate,) = differences(
    right_answers(gated), [(("lot", "direct"), ("RSS", "direct"))]
).itertuples()
Markdown(
    f"At {budget:.0%} of the unseen splits' samples, the gate on the RSS "
    "margin against the lot, in the accuracy of tuned TT-SI: "
    f"{effect_text(rss_gate)}, {points_text(rss_gate)} points, p "
    f"{p_text(rss_gate.p_value)}."
)

# %% [markdown]
# All of them were looked at on test samples here, so this ranking chooses nothing. The validation samples on which the
# profile was checked ([](08_how_much_training)) may choose, but they are few:

# %%
checked = read_study(data_root() / "selection", "profile")
checked_margins, checked_wrong = margins_of(checked), ~checked["base_correct"]
found = [auroc(-u, checked_wrong) for _, u in checked_margins.items()]
checked_areas = pd.DataFrame(
    {"AUROC (95% interval)": map(cell, found)},
    index=checked_margins.columns,
)
validation = f"validation, n = {len(checked)}, {checked_wrong.sum()} wrong"
checked_areas.rename_axis(validation, axis="columns")

# %% [markdown]
# What a gate built on each of them does to accuracy is in [](07_when_to_adapt).
#
# A margin says how sure the *model* is. Where a model is confidently wrong its request is left alone, and no threshold
# repairs that. A larger, instruction-tuned model may rank the estimators differently: the errors of this agent are often
# misspelled copies of unfamiliar words, which a comparison of offered tools cannot see.
#
# ## Things to try
#
# - Another split: `split = "typed/unseen"`, where errors sit in the arguments.
# - A stricter gate: `tau = 0.5`, or `ttsi book --only 03 -p tau=0.5 --out scratch`.
# - Thresholds for a smaller budget: `share = 0.1`.
# - Finer calibration: `calibration_bins(..., bins=20)`.
#
# ## References
#
# RSS and the gate: {cite:t}`acikgoz2025ttsi`, Section 3.
