# %% [markdown]
# # Results
#
# **Does it help, by how much, and how sure can we be?**
#
# Four methods on every split of toolworld, five seeds each, every answer kept. You will see the accuracies with
# intervals, paired tests of the differences, what the threshold does, what it all costs, a handful of the published
# answers computed again, and what did not work.
#
# The comparison that counts is the last of the four against the second. An agent that misspells a tool's name can be
# repaired by simply forbidding names that are not on the list (*constrained* decoding), which costs nothing. Practice
# that only relearns this has found out what we could have told it.

# %% tags=["parameters"]
profile = "tiny"
tau = None  # threshold of the gate, in [0, 1]; None: the profile's
samples = 6  # published samples to compute again
split = "single/unseen"  # of the threshold sweep and of the recomputation
seed = 0

# %% tags=["hide-input"]

import numpy as np
import pandas as pd
from IPython.display import Markdown
from myst_nb import glue

from ttsi.benchmarks.toolworld import SPLITS
from ttsi.plots import accuracy_bars, fixed_and_broken, stage_seconds, style, tau_sweep_curve
from ttsi.profiles import RunConfig, configure, data_root
from ttsi.provenance import machine, versions
from ttsi.results import as_table, read_outcomes, read_provenance
from ttsi.runs import load_agent, load_samples, outcomes
from ttsi.statistics import difference_interval, mcnemar, proportion_interval, tau_sweep
from ttsi.study import FAMILIES, HEADLINE, SEEDS, at_tau, read_study

style()
config = configure(profile, **({} if tau is None else {"tau": tau}))
tau = config.loop.tau
results = data_root() / "results"

# %% [markdown]
# ## Four methods
#
# | method | what it does |
# |---|---|
# | base | the agent answers, greedily |
# | constrained | the same, but a tool's name can only be one of the offered names |
# | TT-SI | where the margin is below *tau*: practice, an adapter, a second answer |
# | TT-SI + constrained | both: answers are constrained before and after practice |
#
# The published runs adapt every sample, so that the gate can be replayed at any threshold afterwards: an adapted
# answer does not depend on *tau*. Each seed draws its own test samples, so the rows of all seeds are independent and
# pooled. On the headline's split, the constrained methods answered only the first samples of each seed; a comparison
# uses the samples that both of its methods answered.

# %%
published = read_study(results)
families = {family: published[published["family"] == family].set_index("sample_id") for family in FAMILIES}
plain, constrained = families["tt-si"], families["tt-si-constrained"]

# %%
correct = pd.DataFrame(
    {
        "split": plain["split"],
        "base": plain["base_correct"],
        "constrained": constrained["base_correct"],
        "TT-SI": at_tau(plain, tau)["correct"],
        "TT-SI + constrained": at_tau(constrained, tau)["correct"],
    }
)
methods = list(correct.columns[1:])

# %%
bars = [
    {"method": method, "split": name, **vars(proportion_interval(int(right.sum()), len(right)))}
    for name, rows in correct.groupby("split")
    for method in methods
    for right in [rows[method].dropna()]
]
bars = pd.DataFrame(bars).sort_values("split", key=lambda column: column.map(SPLITS.index), kind="stable")

# %% mystnb={"image": {"alt": "Grouped bars of the exact match of four methods on each split of toolworld, with 95 percent intervals."}, "figure": {"name": "fig-results-accuracy", "caption": "Exact match of the four methods on every split of toolworld, five seeds pooled."}}
accuracy_bars(bars)

# %%
wide = bars.assign(share=[f"{bar.estimate:.1%} of {bar.n:,}" for bar in bars.itertuples()])
wide = wide.pivot(index="split", columns="method", values="share").loc[list(dict.fromkeys(bars["split"])), methods]
wide


# %% [markdown]
# ## The differences, paired
#
# Both methods of a comparison answered the same samples. The interval is a bootstrap over the samples' differences;
# *p* is McNemar's exact test of whether as many samples were fixed as broken. There are several splits and no
# correction for that, so read one small *p* among them with care.


# %%
def compare(before, after):
    compared = []
    for name in bars["split"].unique():
        rows = correct.loc[correct["split"] == name, [before, after]].dropna().astype(bool)
        points = difference_interval(rows[before], rows[after])
        test = mcnemar(rows[before], rows[after])
        compared.append({"label": name, "points": points, **vars(test)})
    return pd.DataFrame(compared)


# %%
def readable(compared):
    cells = [f"{100 * one.estimate:+.1f} ({100 * one.low:+.1f} to {100 * one.high:+.1f})" for one in compared["points"]]
    p = ["< 0.001" if value < 0.001 else f"{value:.2g}" for value in compared["p_value"]]
    table = {"points (95% interval)": cells, "fixed": compared["fixed"], "broken": compared["broken"], "p": p}
    return pd.DataFrame(table).set_index(compared["label"]).rename_axis("split")


# %% [markdown]
# TT-SI against base, the paper's comparison:

# %%
against_base = compare("base", "TT-SI")
readable(against_base)

# %% mystnb={"image": {"alt": "For each split, samples that TT-SI fixed and samples that it broke, compared with the base agent."}, "figure": {"name": "fig-results-base", "caption": "TT-SI against base: samples fixed and broken."}}
fixed_and_broken(against_base)

# %% [markdown]
# TT-SI with constrained names against constrained names alone, the comparison that counts:

# %%
against_constrained = compare("constrained", "TT-SI + constrained")
readable(against_constrained)

# %% mystnb={"image": {"alt": "For each split, samples that TT-SI fixed and samples that it broke on top of constrained tool names."}, "figure": {"name": "fig-results-constrained", "caption": "TT-SI with constrained tool names against constrained tool names alone: samples fixed and broken."}}
fixed_and_broken(against_constrained)

# %% [markdown]
# And practice against the free alternative, TT-SI against constrained names alone:

# %%
readable(compare("constrained", "TT-SI"))

# %% [markdown]
# ## The threshold
#
# With *tau* = 0 nothing is adapted, with *tau* = 1 nearly everything. A good estimator reaches the accuracy of
# adapting everything early, with few samples adapted.

# %%
rows = plain[plain["split"] == split]
rss = rows.assign(margin=rows["rss_margin"])
taus = np.linspace(0, 1, 101)
sweeps = {"RSS margin": tau_sweep(rss, taus), "call probability": tau_sweep(rows, taus)}

# %% mystnb={"image": {"alt": "Accuracy with a 95 percent band, and below it the share of samples adapted, against the threshold tau for both estimators."}, "figure": {"name": "fig-results-tau", "caption": "Accuracy of TT-SI, and the share of samples that it adapts, against the threshold, for both estimators of the margin."}}
tau_sweep_curve(sweeps)

# %% [markdown]
# Several of these thresholds were looked at here, on test samples, so the best point of a curve is no result. The
# profile's *tau* is the value that the paper used, not one of these picked afterwards.
#
# ## What it costs
#
# Mean seconds of one sample on one CPU thread. TT-SI pays for the margin on every sample, and for practice and a
# second answer on the uncertain ones, here at the profile's *tau*. The cost comes back with every request; training a
# better agent is paid once.

# %%
stages = ["answer", "uncertainty", "augmentation", "adaptation"]
spent = plain[[f"seconds_{stage}" for stage in stages]].set_axis(stages, axis="columns")
uncertain = plain["margin"] < tau
answer = {"answer": plain["seconds_base"].mean()}
certain = answer | {"uncertainty": spent["uncertainty"].mean()}
share, rest = uncertain.mean(), pd.Series(certain).reindex(stages, fill_value=0)
mixed = share * spent[uncertain].mean().fillna(0) + (1 - share) * rest
labels = ["base", "TT-SI, certain", "TT-SI, adapted", "TT-SI, mean"]
seconds = pd.DataFrame([answer, certain, spent[plain["adapted"]].mean(), mixed], index=labels, columns=stages).fillna(0)

# %% mystnb={"image": {"alt": "Stacked horizontal bars of mean seconds by stage for the base agent, for a certain and an adapted sample of TT-SI, and for TT-SI on average."}, "figure": {"name": "fig-results-seconds", "caption": "Mean seconds of one sample by stage, all splits. An adapted sample answers twice; the last bar is the mean over certain and uncertain samples at the tau of this page."}}
stage_seconds(seconds)

# %% [markdown]
# ## Are these numbers from this code?
#
# A few of the published samples, computed again from the configuration that stands beside their rows, and compared.
# On the machine and with the versions that made them, anything but equality is an error. Elsewhere floating-point
# sums may differ in their last bits, which now and then changes a sampled word; then the table says so.

# %%
folder = results / "tt-si" / split.replace("/", "-") / f"seed-{seed}"
made = read_provenance(folder)
again = RunConfig.model_validate(made.config | {"limit": min(samples, config.limit)})
fresh = as_table(outcomes(load_samples(again), again, load_agent(again)))
stored = read_outcomes(folder).head(len(fresh))
agree = fresh[["base_output", "output", "examples"]].eq(stored[["base_output", "output", "examples"]])
agree.index = fresh["sample_id"].str.split("/").str[-1].rename("sample")
agree.assign(margin=np.isclose(fresh["margin"], stored["margin"], atol=1e-5)).rename(columns={"examples": "practice"})

# %%
same_machine = made.device == machine(again.device) and made.versions == versions()
print(f"{agree.to_numpy().all(axis=1).sum()} of {len(agree)} rows equal; same machine and versions: {same_machine}")
assert agree.to_numpy().all() or not same_machine

# %% [markdown]
# What made the published rows:

# %%
provenances = [read_provenance(path.parent) for path in results.glob("*/*/*/provenance.json")]
facts = {
    "runs": len(provenances),
    "samples": f"{len(correct):,}",
    "commit": ", ".join(sorted({(one.commit or "unknown")[:10] for one in provenances})),
    "uncommitted changes": ", ".join(sorted({str(one.dirty) for one in provenances})),
    "device": ", ".join(sorted({one.device for one in provenances})),
    "threads": ", ".join(sorted({str(one.threads) for one in provenances})),
    "date (UTC)": " to ".join(sorted({one.started[:10] for one in provenances})),
    **provenances[0].versions,
}
pd.Series(facts, name="published runs").to_frame()

# %% [markdown]
# ## What the paper reports
#
# For orientation, {cite:t}`acikgoz2025ttsi` report the following of Qwen2.5-1.5B-Instruct. These are the paper's
# numbers, on other models and other benchmarks. None of them was computed here, and none of ours should be compared
# with them in size.
#
# | as reported by the paper (accuracy, %) | base | TT-SI | gain |
# |---|---|---|---|
# | average of four benchmarks | 54.66 | 60.14 | +5.48 |
# | ToolAlpaca | | | +5.84 |
# | NexusRaven | | | +6.05 |
# | SealTool | | | +5.76 |
# | API-Bank | | | +4.26 |
#
# The paper gives no standard deviations over its runs, so what these gains are worth statistically cannot be told
# from it. Its benchmarks and models are not part of this book yet.
#
# ## What did not work
#
# The sentences below are written by the numbers, whatever these turn out to be. An effect is named where the exact
# test gives *p* below 0.05, without a correction for the number of splits.


# %%
def effect(one):
    if one.p_value >= 0.05:
        return "no effect that these samples can tell from chance"
    return "a gain" if one.fixed > one.broken else "a loss"


def told(compared, what):
    by_effect = compared.groupby([effect(one) for one in compared.itertuples()])["label"]
    return f"- {what}: " + "; ".join(f"{found} on {', '.join(labels)}" for found, labels in by_effect) + "."


# %%
lines = [
    told(against_base, "TT-SI against base"),
    told(against_constrained, "TT-SI + constrained against constrained"),
]
Markdown("\n".join(lines))

# %% tags=["hide-input"]
unpractised, broken = (plain["examples_valid"] == 0).mean(), against_base["broken"].sum()
nothing, gated, everything = plain["base_correct"].mean(), correct["TT-SI"].mean(), plain["correct"].mean()
lines = [
    f"- {unpractised:.0%} of all samples had no valid practice example, and keep their base answer at any tau.",
    f"- TT-SI made {broken:,} right answers wrong (all splits, tau = {tau:g}).",
    f"- The gate at tau = {tau:g} picks {share:.0%} of the samples.",
    f"- Right of all answers: {nothing:.1%} unadapted, {gated:.1%} gated, {everything:.1%} all adapted.",
]
Markdown("\n".join(lines))

# %% [markdown]
# What cannot be shown here at all: whether practice helps a model that was trained on the world at large, and
# requests that people wrote.

# %% tags=["remove-cell"]
shares = bars.set_index(["split", "method"])
for method in methods:
    key = "results_" + method.lower().replace(" + ", "_").replace("-", "")
    bar = shares.loc[(HEADLINE, method)]
    interval = f"{bar['low']:.1%} to {bar['high']:.1%}, n = {int(bar['n']):,}"
    glue(key, f"{bar['estimate']:.1%} ({interval})", display=False)

# %% tags=["remove-cell"]
for key, compared in (("results_difference", against_base), ("results_difference_constrained", against_constrained)):
    [row] = compared[compared["label"] == HEADLINE].itertuples()
    cells = readable(compared).loc[HEADLINE]
    sign = "" if "<" in cells["p"] else "= "
    counts = f"{row.fixed} fixed, {row.broken} broken of {row.n:,}, exact p {sign}{cells['p']}"
    glue(key, f"{cells.iloc[0]} points; {counts}", display=False)
    glue(key.replace("difference", "effect"), effect(row), display=False)

# %% tags=["remove-cell"]
glue("results_split", HEADLINE, display=False)
glue("results_seeds", str(len(SEEDS)), display=False)
glue("results_tau", f"{tau:g}", display=False)
glue("results_seconds_base", f"{seconds.loc['base'].sum():.2f}", display=False)
glue("results_seconds_adapted", f"{seconds.loc['TT-SI, adapted'].sum():.2f}", display=False)
glue("results_seconds_mean", f"{seconds.loc['TT-SI, mean'].sum():.2f}", display=False)

# %% [markdown]
# ## What we learned
#
# On {glue:text}`results_split`, {glue:text}`results_seeds` seeds, tau = {glue:text}`results_tau`:
#
# | method | exact match (95% interval) |
# |---|---|
# | base | {glue:text}`results_base` |
# | constrained | {glue:text}`results_constrained` |
# | TT-SI | {glue:text}`results_ttsi` |
# | TT-SI + constrained | {glue:text}`results_ttsi_constrained` |
#
# - TT-SI against base: {glue:text}`results_effect`, {glue:text}`results_difference`.
# - TT-SI with constrained names against constrained names: {glue:text}`results_effect_constrained`,
#   {glue:text}`results_difference_constrained`.
# - An adapted sample takes {glue:text}`results_seconds_adapted` seconds, TT-SI on average
#   {glue:text}`results_seconds_mean`, an answer of the base agent {glue:text}`results_seconds_base`.
#
# All of this is about one tiny agent in a generated world. It shows what the mechanism can and cannot do where
# everything is known; it does not reproduce the paper's table. Still to come: the paper's benchmarks and models,
# further baselines at equal cost (majority vote, best of several), a stronger teacher, and measurements on a GPU.
#
# ## Things to try
#
# - Another threshold: `tau = 0.5`, or `ttsi book --only 06 -p tau=0.5 --out scratch`. Nothing needs to be run again.
# - The sweep on another split: `split = "parallel/unseen"`.
# - Compute more of the published rows again: `samples = 40`.
# - A run of your own: `ttsi run --split typed/unseen --tau 0.8 --limit 50 --out scratch/run`.
#
# ## References
#
# The method and the reported numbers: {cite:t}`acikgoz2025ttsi`. Tests and intervals are described in
# `ttsi.statistics`.
