# %% [markdown]
# # When to adapt
#
# **Is it worth asking whether the agent is unsure, or should it practise for every request?**
#
# A gate decides which requests are worth practising for. It can do two things: save work, by leaving alone what would
# not have changed, and protect answers that were right from being broken. You will see four gates at the same budget,
# where among the margins the fixed and the broken samples lie, what the threshold does to accuracy and to cost, and what
# the paper itself found.

# %% tags=["parameters"]
profile = "tiny"
tau = None  # threshold of the gate, in [0, 1]; None: the profile's

# %% tags=["hide-input"]
import numpy as np
import pandas as pd
from IPython.display import Markdown
from myst_nb import glue

from ttsi.data import data_root
from ttsi.evaluation import comparison as compare
from ttsi.evaluation.comparison import LABELS
from ttsi.evaluation.costs import seconds_adapted, seconds_kept
from ttsi.evaluation.statistics import mcnemar, tau_sweep
from ttsi.runs.config import configure
from ttsi.studies.families import SEEDS
from ttsi.studies.published import margins_of, read_study, replay
from ttsi_book.analysis.paper import read_paper
from ttsi_book.plots.accuracy import accuracy_dots, fixed_and_broken
from ttsi_book.plots.frame import style
from ttsi_book.plots.gates import tau_sweep_curve

style()
config = configure(profile, **({} if tau is None else {"tau": tau}))
tau, estimator = config.loop.tau, config.loop.estimator


# %% tags=["hide-input"]
def unseen(family):
    rows = read_study(data_root() / "results", family)
    return rows[rows["split"].str.endswith("/unseen")].sort_values(
        "sample_id", ignore_index=True
    )


base = unseen("base")
practised = {family: unseen(family) for family in ("tt-si", "tt-d")}
gates = ("uncertain", "lot", "surest", "all")
gated = {
    (family, gate): replay(rows, tau=tau, gate=gate)
    for family, rows in practised.items()
    for gate in gates
}
n, budget = len(base), int((practised["tt-si"]["margin"] < tau).sum())

# %% tags=["hide-input"]
right = compare.right_answers(
    {"base": base}
    | {
        f"{LABELS[family]}, {gate}": rows
        for (family, gate), rows in gated.items()
    }
)
right = right.xs("direct", axis="columns", level="decoding", drop_level=False)
shares = compare.accuracies(right)
split_name = shares["method"].str.rpartition(", ")
dots = shares.assign(
    method=split_name[2].replace("base", "none (base)"),
    practice=split_name[0].replace("", "no practice"),
)

# %% mystnb={"image": {"alt": "Dots with 95 percent intervals: exact match without practice and behind four gates, for tuned TT-SI and TT-D."}, "figure": {"name": "fig-gates-accuracy", "caption": "Exact match on the unseen splits without practice and behind four gates. The gates uncertain, lot and surest choose the same number of samples, of which those with valid practice are adapted; the rows are the gates."}}
figure = accuracy_dots(dots, series="practice")
figure.axes[0].set_ylabel("gate")
figure

# %% [markdown]
# **Against as many requests drawn by lot, a gate on our margin shows {glue:text}`gates_effect_lot`, one on the paper's margin
# {glue:text}`gates_effect_rss`.** Below our gate's tau lie {glue:text}`gates_share` of the requests. Practising for these alone
# takes {glue:text}`gates_saved` less time than practising for all. The tests are below.

# %% [markdown]
# ## Four gates at the same budget
#
# The published rows hold two answers to each sample, before and after practice, since every sample was adapted. A gate
# only picks which of the two counts:
#
# | gate | adapts |
# |---|---|
# | uncertain | the samples whose margin $u$ is below *tau*: the paper's rule, with our margin |
# | lot | as many, drawn by lot |
# | surest | as many, those with the highest margins |
# | all | every sample |
#
# If the margin knows where practice helps, *uncertain* beats *lot*, and *lot* beats *surest*. (With a budget above
# one half, *uncertain* and *surest* share samples.) The samples are
# those of the unseen splits, pooled over splits and seeds, so a split weighs as many samples as it has
# ([](06_results)); answers are greedy.

# %% tags=["hide-input"]
chosen = gated["tt-si", "uncertain"]["adapted"]
Markdown(
    f"At tau = {tau:g} the first three gates choose {budget:,} of {n:,} "
    f"samples ({budget / n:.0%}). {chosen.sum():,} of those of the gate "
    "uncertain had a valid example, and were adapted."
)

# %% [markdown]
# ## Where the fixed and the broken samples lie
#
# All samples are adapted here, and counted on both sides of the threshold: those that the gate lets
# through, and those that it leaves alone. What is fixed on the certain side is what the gate gives away, and what is broken there is what
# it prevents.

# %%
sides = []
for family, rows in practised.items():
    for side, chosen in (
        ("uncertain", rows["margin"] < tau),
        ("certain", rows["margin"] >= tau),
    ):
        test = mcnemar(
            rows.loc[chosen, "base_correct"],
            rows.loc[chosen, "greedy_correct"],
        )
        sides.append(
            {"label": f"{LABELS[family]}, {side} samples", **vars(test)}
        )
sides = pd.DataFrame(sides)

# %% mystnb={"image": {"alt": "Samples fixed and samples broken by practice, among the uncertain and among the certain samples, for tuned TT-SI and TT-D."}, "figure": {"name": "fig-gates-sides", "caption": "What practice fixes and breaks among the samples below tau (uncertain) and the others (certain), unseen splits, every sample adapted."}}
fixed_and_broken(sides)

# %% tags=["hide-input"]
counted = sides.set_index("label")[["fixed", "broken"]]
lines = []
for family in practised:
    below = counted.loc[f"{LABELS[family]}, uncertain samples"]
    both = below + counted.loc[f"{LABELS[family]}, certain samples"]
    lines.append(
        f"- {LABELS[family]}: {below['fixed']:,} of the {both['fixed']:,} "
        f"fixed samples and {below['broken']:,} of the {both['broken']:,} "
        "broken ones lie below tau."
    )
Markdown("\n".join(lines))

# %% [markdown]
# ## The differences, paired
#
# Points are percentage points of exact match with a 95% bootstrap interval over paired samples, *p* is McNemar's exact
# test, and Holm's *p* is adjusted for all rows of both tables.

# %%
to_uncertain = [(before, "uncertain") for before in ("base", "lot", "surest")]
versus = [*to_uncertain, ("base", "all"), ("uncertain", "all")]


def named(family, gate):
    return (
        ("base", "direct")
        if gate == "base"
        else (f"{LABELS[family]}, {gate}", "direct")
    )


pairs = [
    (named(family, before), named(family, after))
    for family in practised
    for before, after in versus
]
tested = compare.differences(right, pairs)


# %% tags=["hide-input"]
def table(family):
    rows = tested[
        [
            after[0].startswith(f"{LABELS[family]},")
            for after in tested["after"]
        ]
    ]
    cells = compare.readable_differences(rows)
    return cells.set_index(
        pd.Index(
            [f"{after} against {before}" for before, after in versus],
            name=LABELS[family],
        )
    )


table("tt-si")

# %% tags=["hide-input"]
table("tt-d")

# %% [markdown]
# The gate *lot* is one draw of many. Over all draws its expected accuracy follows from the two ends: base, plus its
# share of what adapting everything changes.

# %%
ends = practised["tt-si"][["base_correct", "greedy_correct"]].mean()
expected = ends["base_correct"] + budget / n * (
    ends["greedy_correct"] - ends["base_correct"]
)
drawn = gated["tt-si", "lot"]["greedy_correct"].mean()
print(
    f"{LABELS['tt-si']}, gate by lot: {drawn:.1%} in this draw, "
    f"{expected:.1%} expected"
)

# %% [markdown]
# ## The threshold, and what it costs
#
# With *tau* = 0 nothing is adapted, with *tau* = 1 nearly everything. A good estimator reaches the accuracy of
# adapting everything early, with few samples below tau. Every sample pays for an answer and the margin; one below tau
# also for practice and, where an example is valid, for training and a second answer. The seconds are means of one CPU
# thread on a machine with nothing else to do. They were timed on {glue:text}`gates_timed_split` alone and are applied to
# all unseen splits.

# %%
timing = data_root() / "timing"
timed = read_study(timing, "tt-si")
seconds_always = (
    seconds_kept(timed, read_study(timing, "base")).sum(axis="columns").mean()
)
seconds_practice = (
    seconds_adapted(timed).sum(axis="columns").mean() - seconds_always
)
margins = margins_of(base)
rows = practised["tt-si"]
assert (rows["sample_id"] == base["sample_id"]).all()

# %%
compared = dict.fromkeys(["rss-margin", "entropy", estimator])
taus = np.linspace(0, 1, 101)
sweeps = {
    name: tau_sweep(rows.assign(margin=margins[name]), taus)
    for name in compared
}

# %% mystnb={"image": {"alt": "Accuracy of tuned TT-SI with a 95 percent band against the threshold tau for three estimators, and below it the mean seconds of a sample with the share of samples below tau on a second scale."}, "figure": {"name": "fig-gates-tau", "caption": "Accuracy of tuned TT-SI against the threshold for three estimators of the margin, and below it the mean seconds of a sample; the scale on the right is the share of samples below tau. Unseen splits."}}
tau_sweep_curve(sweeps, seconds=(seconds_always, seconds_practice))

# %% [markdown]
# A margin is good where its upper curve is high while its lower one is still low.
#
# The three margins need about the same work, since the tools' names are scored in any case. Those that write out a
# call for each tool, or sample answers, cost more than is drawn here ([](03_self_awareness)).
#
# Many thresholds were looked at here, on test samples, so the best point of a curve is no result. The profile's *tau*
# is the value that the paper used, not one of these picked afterwards.

# %% tags=["hide-input"]
ours = LABELS["tt-si"]
rows_of_gates = {
    "none": (0, "base"),
    "uncertain": (budget, f"{ours}, uncertain"),
    "all": (n, f"{ours}, all"),
}
found = compare.readable_accuracies(shares)["direct"]
costs = {
    "samples chosen": {
        gate: f"{below / n:.0%}" for gate, (below, _) in rows_of_gates.items()
    },
    "seconds a sample": {
        gate: f"{seconds_always + seconds_practice * below / n:.2f}"
        for gate, (below, _) in rows_of_gates.items()
    },
    "exact match (95% interval)": {
        gate: found[method] for gate, (_, method) in rows_of_gates.items()
    },
}
pd.DataFrame(costs).rename_axis(f"gate, {ours}, n = {n:,}")

# %% tags=["hide-input"]
timed_split = timed["split"].iloc[0]
share_there = (rows.loc[rows["split"] == timed_split, "margin"] < tau).mean()
Markdown(
    f"On {timed_split} alone {share_there:.0%} of the samples lie below tau, "
    "and one takes "
    f"{seconds_always + seconds_practice * share_there:.2f} seconds on "
    "average behind the gate."
)

# %% [markdown]
# (The gate *none* pays for a margin that it does not use. An agent without one answers faster; [](06_results) calls it
# base.)
#
# ## Every estimator at the same budget
#
# One *tau* means different things to different estimators, so each gets the *tau* at which it adapts the share of
# samples nearest to that of the profile's gate, and is compared with *lot* at its own budget. Holm's *p* is
# adjusted for the number of rows.

# %%
at_budget, budgets = {"base": base}, {}
for name in margins:
    same = rows.assign(margin=margins[name])
    budgets[name] = compare.tau_for(margins[name], budget / n)
    at_budget[name] = replay(same, tau=budgets[name])
    at_budget[f"{name}, lot"] = replay(same, tau=budgets[name], gate="lot")
answers = compare.right_answers(at_budget).xs(
    "direct", axis="columns", level="decoding", drop_level=False
)
against = compare.differences(
    answers,
    [((f"{name}, lot", "direct"), (name, "direct")) for name in margins],
)

# %% tags=["hide-input"]
cells = compare.readable_differences(against)
columns = {
    "chosen": [
        f"{(margins[name] < budgets[name]).mean():.0%}" for name in margins
    ],
    "exact match": compare.readable_accuracies(compare.accuracies(answers))[
        "direct"
    ]
    .loc[list(margins)]
    .tolist(),
    "against lot, points": cells["points (95% interval)"].tolist(),
    "p, Holm": cells["p, Holm"].tolist(),
}
pd.DataFrame(columns, index=list(margins))

# %% [markdown]
# [](06_results) says how many samples `rss-margin`, the paper's, adapts at the paper's own tau.
#
# ## What the paper found
#
# On SealTool, with another model, the paper compares similar gates; its *certain* samples are all those that are not
# uncertain, whatever their number. These are its numbers, as [](11_reported_and_reproduced) quotes them; none was computed
# here.

# %% tags=["hide-input"]
paper = read_paper()
keys = ["base", "tt_si", "tt_si_all", "tt_si_certain", "tt_si_tau_0_35"]
reported = [paper[f"sealtool.{key}"] for key in keys]
columns = {
    "as reported (%)": [f"{one.value:.2f}" for one in reported],
}
pd.DataFrame(
    columns,
    index=pd.Index([one.what for one in reported], name=paper.source.model),
)

# %% tags=["hide-input"]
lost = paper["sealtool.tt_si_all"].value - paper["sealtool.tt_si"].value
saved = (
    1
    - paper["sealtool.uncertain_samples"].value
    / paper["sealtool.test_samples"].value
)
gained, gained_certain, gained_all = (
    paper[f"sealtool.{key}"].value - paper["sealtool.base"].value
    for key in ("tt_si", "tt_si_certain", "tt_si_all")
)
fixed_certain = counted.loc[f"{ours}, certain samples", "fixed"]
Markdown(
    f"Adapting everything was {'better' if lost > 0 else 'no better'} there "
    f"than the gate, by {lost:+.2f} points; the gate left {saved:.0%} of the "
    f"samples alone and kept {gained:+.2f} points on base. So in the paper "
    "the gate saves work rather than adding accuracy. It gives no intervals "
    "and no paired test, so whether that difference is more than chance "
    "cannot be told from it. Adapting only the certain samples changes "
    f"accuracy by {gained_certain:+.2f} points there, adapting all by "
    f"{gained_all:+.2f}; here tuned TT-SI fixes {fixed_certain:,} certain "
    "samples."
)

# %% tags=["remove-cell"]
said = {}
comparisons = [(family, *pair) for family in practised for pair in versus]
for comparison, row in zip(comparisons, tested.itertuples(), strict=True):
    effect = compare.effect_text(row)
    said[comparison] = (
        f"{effect}, {compare.points_text(row)} points, Holm's p "
        f"{compare.p_text(row.p_holm)}"
    )
for (family, before, after), text in said.items():
    glue(
        f"gates_{family.replace('-', '_')}_{after}_{before}",
        text,
        display=False,
    )
glue(
    "gates_effect_lot",
    said["tt-si", "lot", "uncertain"].partition(",")[0],
    display=False,
)
of_paper = against.iloc[list(margins).index("rss-margin")]
glue("gates_effect_rss", compare.effect_text(of_paper), display=False)
glue("gates_n", f"{n:,}", display=False)
glue("gates_seeds", str(len(SEEDS)), display=False)
glue("gates_tau", f"{tau:g}", display=False)
glue("gates_share", f"{budget / n:.0%}", display=False)
glue("gates_timed_split", timed_split, display=False)
glue(
    "gates_trained",
    f"{timed['adapted'].sum()} of {len(timed)}",
    display=False,
)
seconds_below = seconds_always + seconds_practice
seconds_mean = seconds_always + seconds_practice * budget / n
glue("gates_kept", f"{seconds_always:.2f}", display=False)
glue("gates_adapted", f"{seconds_below:.2f}", display=False)
glue("gates_mean", f"{seconds_mean:.2f}", display=False)
glue("gates_saved", f"{1 - seconds_mean / seconds_below:.0%}", display=False)

# %% [markdown]
# ## What we learned
#
# On the unseen splits, n = {glue:text}`gates_n` samples of {glue:text}`gates_seeds` seeds, tau =
# {glue:text}`gates_tau`, below which {glue:text}`gates_share` of them lie:
#
# - Tuned TT-SI, uncertain against base: {glue:text}`gates_tt_si_uncertain_base`.
# - Tuned TT-SI, uncertain against lot: {glue:text}`gates_tt_si_uncertain_lot`.
# - Tuned TT-SI, uncertain against surest: {glue:text}`gates_tt_si_uncertain_surest`.
# - TT-D, uncertain against lot: {glue:text}`gates_tt_d_uncertain_lot`.
# - A sample at or above tau takes {glue:text}`gates_kept` seconds; one below tau, trained on or not
#   ({glue:text}`gates_trained` timed ones were), takes {glue:text}`gates_adapted`. Behind the gate the mean is
#   {glue:text}`gates_mean`: {glue:text}`gates_saved` less than adapting every sample.

# %% tags=["hide-input"]
GATE_DOES = {
    "a gain": "saves work and costs accuracy",
    "a loss": "saves work and adds accuracy",
}


def every_sample(family):
    found = said[family, "uncertain", "all"]
    does = GATE_DOES.get(
        found.partition(",")[0], "saves work; no more can be claimed"
    )
    return (
        f"- {LABELS[family]}, all against uncertain: {found}. The gate {does}."
    )


effects = [compare.effect_text(row) for row in against.itertuples()]
lines = [
    f"- Against drawing as many by lot, {effect} with the margins "
    + ", ".join(f"`{one}`" for one in found.index)
    + "."
    for effect, found in pd.Series(effects, margins.columns).groupby(effects)
]
lines += map(every_sample, practised)
Markdown("\n".join(lines))

# %% [markdown]
# A gate can only be as good as its margin and as the practice behind it: where practice breaks nothing, adapting
# everything is the safe choice and the gate is about seconds.
#
# ## Things to try
#
# - A stricter gate: `tau = 0.5`, or `ttsi book --only 07 -p tau=0.5 --out scratch`.
# - The oracle as teacher: add `"tt-d-oracle"` to the families in the line that begins with `practised =`.
# - Other estimators in the sweep: `compared = dict.fromkeys(["self-consistency", estimator])`.
#
# ## References
#
# The gate, the certain samples and the numbers on SealTool: {cite:t}`acikgoz2025ttsi`.
