# %% [markdown]
# # Self-awareness
#
# **Does the agent know when it is about to be wrong?**
#
# The loop adapts only where the agent is unsure, so everything hangs on a number that must be low before wrong
# answers and high before right ones, and that is computed without a label. This chapter compares two such numbers on
# the published runs: how they separate right from wrong, and whether they mean what they say.

# %% tags=["parameters"]
profile = "tiny"
split = "single/unseen"
tau = None  # threshold of the gate, in [0, 1]; None: the profile's

# %% tags=["hide-input"]
import pandas as pd
from IPython.display import Markdown
from myst_nb import glue

from ttsi.benchmarks.toolworld import SPLITS
from ttsi.plots import margin_histogram, reliability, roc_curves, style
from ttsi.profiles import configure, data_root
from ttsi.statistics import UndefinedError, auroc, calibration_bins, expected_calibration_error
from ttsi.study import read_study

style()
config = configure(profile, split=split, **({} if tau is None else {"tau": tau}))
tau = config.loop.tau

# %% [markdown]
# ## Two margins
#
# Both are numbers $u$ in $[0, 1]$ that grow with confidence; we call them *margins*, and a request is *uncertain* if
# $u <$ *tau*, the threshold.
#
# **RSS margin**, the paper's (relative softmax scoring). Let $\ell_n = \log P(\text{call of tool } n \mid x)$ for
# each offered tool $n$, up to the call's arguments. Then
#
# $$p_n = \frac{e^{\ell_n - \max_k \ell_k}}{\sum_k e^{\ell_k - \max_j \ell_j}}, \qquad u = p_{(1)} - p_{(2)},$$
#
# the gap between the two most probable tools. It asks: *which of these tools?* The paper leaves open whether $\ell_n$
# is normalised by length; we take the plain sum over the opening of the call.
#
# **Call probability**, ours: $u = P(\hat y \mid x)$, the probability of the whole greedy answer $\hat y$. It asks:
# *would I write this again?* It also sees doubts about arguments, and about how an unfamiliar name is spelled; the
# RSS margin compares offered tools only and cannot.
#
# The published rows hold both margins of the same samples and the same base answers.

# %%
same = read_study(data_root() / "results").query("family == 'tt-si'")
names = {"RSS margin": "rss_margin", "call probability": "margin"}
everything = {name: same[["split", "base_correct"]].assign(margin=same[column]) for name, column in names.items()}
rows = {name: table[table["split"] == split] for name, table in everything.items()}

# %% [markdown]
# ## Do they find the wrong answers?
#
# A single curve answers for every threshold at once: lower *tau* from 1 to 0, and note which share of the wrong
# answers falls below it and which share of the right ones. The area under that curve (AUROC) is the probability that
# a wrong answer has a lower margin than a right one; one half is chance.

# %% mystnb={"image": {"alt": "Receiver operating characteristic of both margins for finding wrong base answers, with the areas under the curves."}, "figure": {"name": "fig-awareness-roc", "caption": "How well a low margin finds wrong base answers, for every threshold. Above the diagonal is better than chance."}}
roc_curves(rows)

# %% [markdown]
# The same on every split. A dash stands where there are not two answers of each sort to compare.


# %%
def area(name, split):
    table = everything[name][everything[name]["split"] == split]
    try:
        found = auroc(-table["margin"], ~table["base_correct"])
    except UndefinedError:
        return "–"
    return f"{found.estimate:.2f} ({found.low:.2f}–{found.high:.2f})"


areas = pd.DataFrame({name: {one: area(name, one) for one in SPLITS} for name in names})
areas.rename_axis("AUROC (95% interval)", axis="columns")

# %% [markdown]
# ## Where the margins lie
#
# What stands left of the dashed line would be adapted. Orange there is what the gate is for; blue there is work spent
# on answers that were right, and a chance to break them; orange on the right is missed.

# %% mystnb={"image": {"alt": "Stacked histogram of RSS margins of right and wrong base answers with the threshold tau."}, "figure": {"name": "fig-awareness-rss", "caption": "RSS margins of right and wrong base answers."}}
margin_histogram(rows["RSS margin"], tau=tau, estimator="RSS margin")

# %% mystnb={"image": {"alt": "Stacked histogram of call probabilities of right and wrong base answers with the threshold tau."}, "figure": {"name": "fig-awareness-call", "caption": "Call probabilities of right and wrong base answers."}}
margin_histogram(rows["call probability"], tau=tau, estimator="call probability")


# %%
def gate(table):
    uncertain, wrong = table["margin"] < tau, ~table["base_correct"]
    return {
        "adapted": f"{uncertain.mean():.0%}",
        "of the wrong": f"{uncertain[wrong].mean():.0%}" if wrong.any() else "–",
        "of the right": f"{uncertain[~wrong].mean():.0%}" if (~wrong).any() else "–",
    }


gates = pd.DataFrame({name: gate(table) for name, table in rows.items()}).T
gates.rename_axis(f"uncertain at tau = {tau:g}", axis="columns")

# %% [markdown]
# ## Do they mean what they say?
#
# The call probability is a probability: of all answers given with probability 0.8, eight in ten should be right.
# Agreement of the two is called *calibration*, and the mean gap between them the expected calibration error (ECE).
# The RSS margin is a difference of probabilities and promises no such thing; it is drawn for comparison.

# %% mystnb={"image": {"alt": "Reliability diagram of both margins: accuracy against stated confidence, and the number of samples in each part."}, "figure": {"name": "fig-awareness-reliability", "caption": "Accuracy against stated confidence in ten equal parts of the range, and below it how many samples each part holds."}}
bins = {name: calibration_bins(table["margin"], table["base_correct"]) for name, table in rows.items()}
reliability(bins)

# %% [markdown]
# Points above the diagonal are answers that are right more often than the model's confidence says.

# %% tags=["remove-cell"]
for name, key in (("RSS margin", "rss"), ("call probability", "call")):
    glue(f"auroc_{key}", area(name, split), display=False)
    glue(f"ece_{key}", f"{expected_calibration_error(bins[name]):.2f}", display=False)
    for column, short in (("adapted", "adapted"), ("of the wrong", "wrong"), ("of the right", "right")):
        glue(f"gate_{key}_{short}", gates.loc[name, column], display=False)
glue("awareness_tau", f"{tau:g}", display=False)
glue("awareness_split", split, display=False)
glue("awareness_n", f"{len(rows['RSS margin']):,}", display=False)

# %% [markdown]
# ## What we learned
#
# On {glue:text}`awareness_split` ({glue:text}`awareness_n` samples), with tau = {glue:text}`awareness_tau`:
#
# | | RSS margin | call probability |
# |---|---|---|
# | AUROC for "base is wrong" | {glue:text}`auroc_rss` | {glue:text}`auroc_call` |
# | ECE | {glue:text}`ece_rss` | {glue:text}`ece_call` |
# | share adapted | {glue:text}`gate_rss_adapted` | {glue:text}`gate_call_adapted` |
# | of the wrong answers | {glue:text}`gate_rss_wrong` | {glue:text}`gate_call_wrong` |
# | of the right answers | {glue:text}`gate_rss_right` | {glue:text}`gate_call_right` |

# %% tags=["hide-input"]
wrong = ~rows["RSS margin"]["base_correct"]
try:
    found = {name: auroc(-table["margin"], wrong) for name, table in rows.items()}
except UndefinedError as reason:
    verdict = f"On these samples the comparison is undefined: AUROC {reason}."
else:
    other, better = sorted(found, key=lambda name: found[name].estimate)
    apart = found[better].low > found[other].high
    clear = "their intervals do not overlap" if apart else "but their intervals overlap, so the order may be chance"
    verdict = f"Here the **{better}** separates wrong from right answers better than the {other}; {clear}."
Markdown(verdict)

# %% [markdown]
# A margin says how sure the *model* is. A model that is confidently wrong passes any gate, and no threshold repairs
# that. A larger, instruction-tuned model may rank the two estimators differently: the errors of this agent are often
# misspelled copies of unfamiliar words, which a comparison of offered tools cannot see.
#
# ## Things to try
#
# - Another split: `split = "typed/unseen"`, where errors sit in the arguments.
# - A stricter gate: `tau = 0.5`, or `ttsi book --only 03 -p tau=0.5 --out scratch`.
# - Finer calibration: `calibration_bins(..., bins=20)`.
#
# ## References
#
# RSS and the gate: {cite:t}`acikgoz2025ttsi`, Section 3.
