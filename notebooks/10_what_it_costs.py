# %% [markdown]
# # What it costs
#
# **What does test-time self-improvement cost, what would the same seconds buy elsewhere, and when would training once
# have been cheaper?**

# %% tags=["parameters"]
profile = "tiny"
tau = None  # threshold of the gate, in [0, 1]; None: the profile's
served = None  # requests at the end of the axis of totals; None: automatic
samples = 3  # requests to time live
seed = 0

# %% tags=["hide-input"]
import json

import numpy as np
import pandas as pd
from IPython.display import Markdown
from myst_nb import glue

from ttsi.data import data_root
from ttsi.evaluation.comparison import (
    LABELS,
    accuracy,
    differences,
    effect_text,
    p_text,
    points_text,
    read_methods,
    right_answers,
)
from ttsi.evaluation.costs import (
    PAID,
    Serving,
    crossing,
    crossing_interval,
    frontier,
    seconds_adapted,
    seconds_kept,
)
from ttsi.evaluation.statistics import mean_interval
from ttsi.evaluation.texts import interval_text
from ttsi.runs.config import configure
from ttsi.runs.run import load_agent, load_samples, outcomes
from ttsi.scoring import DRAWS, majority, score
from ttsi.settings import METHODS
from ttsi.studies.collecting import read_made
from ttsi.studies.families import FAMILIES, HEADLINE, HEADLINE_LIMIT, SEEDS
from ttsi.studies.published import read_study
from ttsi_book.analysis.paper import read_paper
from ttsi_book.plots.costs import (
    cost_frontier,
    crossings_by_training_time,
    total_seconds,
)
from ttsi_book.plots.frame import percent, style
from ttsi_book.plots.stacked import stage_seconds

style()
config = configure(profile, **({} if tau is None else {"tau": tau}))
tau, samples = config.loop.tau, min(samples, config.limit)

# %% tags=["hide-input"]
results, timing = data_root() / "results", data_root() / "timing"
rows = read_study(results)
rows = rows[rows["split"] == HEADLINE]
timed = {
    name: one.set_index("sample_id", drop=False)
    for name, one in read_study(timing).groupby("family")
}
uncertain = {
    name: (one["margin"] < tau).to_numpy()
    for name, one in rows.groupby("family")
}
made = {name: read_made(timing, name) for name in timed}


def from_a_cache(name):
    teacher = METHODS[FAMILIES[name]["method"]]["author"] == "teacher"
    return (
        teacher
        and timed[name]["seconds_augmentation"].median()
        < 0.1 * timed[name]["seconds_base"].median()
    )


left_out = [name for name in timed if from_a_cache(name)]
families = [
    name for name in FAMILIES if name in timed and name not in left_out
]


def gated(name):
    return METHODS[FAMILIES[name]["method"]]["author"] in ("self", "teacher")


def serving(name, decoding="direct", chosen=None):
    adapted = seconds_adapted(timed[name], decoding).sum(axis=1).to_numpy()
    once = np.mean([one.seconds_once for one in made[name]])
    if not gated(name):
        return Serving.ungated(adapted, once=once)
    kept = (
        seconds_kept(timed[name], timed["base"], decoding)
        .sum(axis=1)
        .to_numpy()
    )
    return Serving(
        kept, adapted, uncertain[name] if chosen is None else chosen, once
    )


def point(name, decoding="direct", label=None):
    # accuracy from the results, seconds from the timing
    cost = serving(name, decoding).interval()
    right = accuracy(correct[name, decoding].dropna())
    values = {
        "accuracy": right.estimate,
        "accuracy_low": right.low,
        "accuracy_high": right.high,
        "n": right.n,
    }
    seconds = {
        "seconds": cost.estimate,
        "seconds_low": cost.low,
        "seconds_high": cost.high,
        "timed": cost.n,
    }
    return (
        {
            "method": label or LABELS[name].removesuffix(" + constrained"),
            "decoding": decoding,
        }
        | values
        | seconds
    )


methods = read_methods(results, *families, tau=tau)
methods = {
    name: one[one["split"] == HEADLINE] for name, one in methods.items()
}
correct = right_answers(methods)
points = pd.DataFrame(
    [point(*column) | {"family": column[0]} for column in correct.columns]
)
points["method"] = points["method"].replace("constrained", "base")
limited = points["family"].map(
    lambda name: FAMILIES[name].get("constrained", name == "constrained")
)
points["answers"] = (
    points["decoding"]
    .replace("majority-vote", "majority vote")
    .mask(limited, "direct, constrained")
)

# %% mystnb={"image": {"alt": "Accuracy against mean seconds of a request, a point with whiskers for each method and way to answer, and a dotted line through those that none beats."}, "figure": {"name": "fig-costs-frontier", "caption": "Accuracy against seconds of a request. The colour is the method, the marker how it answers."}}
cost_frontier(points, bound="pass@5")

# %% [markdown]
# **Tuned TT-SI takes {glue:text}`costs_times_constrained` times the seconds of constrained decoding, and shows
# {glue:text}`costs_effect_constrained` against it.** It is paid for with every request: a margin for each, and for the
# uncertain ones practice, training and a second answer. Two other ways to spend seconds stand beside it. *Sampling*
# asks the same agent several times and takes a vote. *Supervised fine-tuning* (SFT) trains once, on labelled examples,
# and serves every request after that at the price of an answer.
#
# ## Where the numbers come from
#
# *Accuracy* comes from the published results, five seeds. *Seconds* come from runs of their own on the same benchmark
# split, one CPU thread, with nothing else on the machine: seconds that were taken while other work shared the machine
# say little. The methods took turns, so that a slow minute meets all of them alike. SFT is charged what the base
# answers of its own runs take: its adapter would be merged into the weights before it serves. In both, every sample is
# let through, so that the gate can be replayed at any threshold. What a request costs is the mean over certain and
# uncertain ones, weighted by the share below tau in the results. A request below tau is charged the mean of the timed
# ones, trained on or not; {glue:text}`costs_trained` had a valid example, and were.

# %% tags=["hide-input"]
facts = {
    "machine": made["base"][0].device,
    "CPU threads": made["base"][0].threads,
    "timed samples": len(timed["base"]),
    "rounds through all methods": len(made["base"]),
    "samples behind accuracies": f"{rows['family'].eq('base').sum():,}",
    "date of the timing (UTC)": made["base"][0].started[:10],
}
pd.Series(facts, name=HEADLINE).to_frame()

# %% [markdown]
# Families whose practice was not written in these seconds are left out: the *oracle*, toolworld's own grammar, takes no
# time that a real author would take, and a teacher that answered from its cache does not show what writing costs.


# %% tags=["hide-input"]
Markdown(
    f"Left out: {', '.join(LABELS[name] for name in left_out) or 'none'}."
)


# %% [markdown]
# ## Seconds by stage
#
# The stages of one request: *answer* (greedy; an adapted request is answered twice), *uncertainty* (the margin, H),
# *augmentation* (writing practice, G), *adaptation* (training, T), and *draws* (five sampled answers, for those modes
# that vote).


# %% tags=["hide-input"]
def mean_stages(name):
    adapted = seconds_adapted(timed[name]).mean()
    if not gated(name):
        return adapted
    share = uncertain[name].mean()
    return (
        share * adapted
        + (1 - share) * seconds_kept(timed[name], timed["base"]).mean()
    )


stages = pd.DataFrame({LABELS[name]: mean_stages(name) for name in families}).T
stages.loc["base, 5 sampled answers"] = seconds_adapted(
    timed["base"], "majority-vote"
).mean()
BELOW_TAU = "TT-SI, tuned, a request below tau"
stages.loc[BELOW_TAU] = seconds_adapted(timed["tt-si"]).mean()

# %% mystnb={"image": {"alt": "Stacked horizontal bars of the mean seconds of a request by stage, for each method."}, "figure": {"name": "fig-costs-stages", "caption": "Mean seconds of a request by stage. Methods with a gate are weighted by the share of samples below tau; the last bar is a request below tau, trained on or not."}}
stage_seconds(stages[list(PAID)])

# %% tags=["hide-input"]
below_tau = stages.loc[BELOW_TAU, list(PAID)]
longest = below_tau.idxmax()
Markdown(
    f"The longest stage of a request below tau is *{longest}*: "
    f"{below_tau[longest]:.2f} of {below_tau.sum():.2f} seconds."
)

# %% [markdown]
# Does a request below tau cost as much, once let through, as any other? The weighting assumes so.

# %% tags=["hide-input"]
ours = timed["tt-si"]
spent = seconds_adapted(ours).sum(axis=1)
side = (ours["margin"] < tau).map({True: "uncertain", False: "certain"})
by_margin = {name: mean_interval(group) for name, group in spent.groupby(side)}
pd.Series(
    {
        name: interval_text(one, ".2f", with_n=True)
        for name, one in by_margin.items()
    },
    name="seconds of a request let through (95% interval)",
).to_frame()

# %% tags=["hide-input"]
certain, doubtful = (by_margin.get(n) for n in ("certain", "uncertain"))
answer = (
    "All of the timed requests lie on one side of tau, so these rows cannot "
    "say."
)
if certain and doubtful:
    apart = certain.high < doubtful.low or doubtful.high < certain.low
    answer = (
        f"An uncertain one takes {doubtful.estimate / certain.estimate:.2f} "
        "times as long. "
        + (
            "The intervals do not meet: the weighting is off by that much."
            if apart
            else (
                "The intervals overlap, so these rows do not show that the "
                "weighting is wrong."
            )
        )
    )
Markdown(answer)


# %% [markdown]
# ## What the seconds buy
#
# The first figure has each method with its accuracy and its seconds for a request. A filled point can be used as it is. *pass@5* is
# hollow: it counts a sample as right if any of five sampled answers is, and to choose that one takes the label, or a
# checker as good. No usable method is both cheaper and better than those on the dotted line.


# %% tags=["hide-input"]
def cell(one, name, form):
    return (
        f"{one[name]:{form}} ({one[name + '_low']:{form}} to "
        f"{one[name + '_high']:{form}})"
    )


by_cost = points.sort_values("seconds").to_dict("records")
columns = {
    "accuracy (95% interval)": [
        cell(one, "accuracy", ".1%") for one in by_cost
    ],
    "seconds (95% interval)": [cell(one, "seconds", ".2f") for one in by_cost],
}
pd.DataFrame(
    columns,
    index=pd.Index(
        [f"{one['method']}, {one['answers']}" for one in by_cost],
        name="method",
    ),
)

# %% tags=["hide-input"]
unbeaten = frontier(points[points["answers"] != "pass@5"])
names = [f"{one.method} ({one.answers})" for one in unbeaten.itertuples()]
first_answers = timed["base"]["base_output"]
same_answers = [
    one["seconds_base"].mean()
    for one in timed.values()
    if one["base_output"].equals(first_answers)
]
sft = differences(correct, [(("base", "direct"), ("sft", "direct"))]).iloc[0]
noise = f"from {min(same_answers):.2f} to {max(same_answers):.2f} seconds"
Markdown(
    "Usable and, by their estimates, beaten by nothing, cheapest first: "
    f"{'; '.join(names)}. The same base answer took {noise} across the runs; "
    "smaller differences between methods mean nothing. In accuracy SFT shows "
    f"{effect_text(sft)} against base."
)

# %% [markdown]
# ## The same seconds, spent on answers
#
# The comparison that a method at test time owes its reader: not with one answer of the agent, but with as many
# answers as the same seconds would have bought. Five sampled answers are generated side by side, so they need
# not cost five times one answer.

# %%
spending = (("base", "direct"), ("base", "majority-vote"), ("tt-si", "direct"))
cost = {column: serving(*column).each for column in spending}
ratio = cost["tt-si", "direct"] / cost["base", "majority-vote"]
compared = [
    (("base", mode), ("tt-si", "direct"))
    for mode in ("direct", "majority-vote", "pass@5")
]
compared += [(("base", "majority-vote"), ("tt-si", "majority-vote"))]
compared += [(("constrained", "direct"), ("tt-si", "direct"))]
paired = differences(correct, compared)

# %% tags=["hide-input"]
cells = {
    "points (95% interval)": [points_text(one) for one in paired.itertuples()],
    "fixed / broken": [
        f"{one.fixed} / {one.broken}" for one in paired.itertuples()
    ],
    "p (Holm)": [p_text(one.p_holm) for one in paired.itertuples()],
    "n": paired["n"].tolist(),
}
pair_names = [
    f"{LABELS[a]}, {how} → {LABELS[b]}, {then}"
    for (a, how), (b, then) in compared
]
pd.DataFrame(cells, index=pd.Index(pair_names, name="from → to"))

# %% tags=["hide-input"]
vote, bound = (paired.iloc[row] for row in (1, 2))
told = (
    f"Tuned TT-SI at tau = {tau:g} takes {ratio:.1f} times the seconds of "
    "five sampled answers of the base agent. "
)
told += f"Against their majority vote it shows {effect_text(vote)}. "
told += (
    f"Against pass@5, which needs a checker, it shows {effect_text(bound)}."
)
Markdown(told)

# %% [markdown]
# The seconds of tuned TT-SI buy {glue:text}`costs_ratio` batches of five sampled answers; the published rows hold one
# batch. What fewer answers would have done can be read from it:

# %% tags=["hide-input"]
drawing = [
    config.model_copy(
        update={"split": HEADLINE, "seed": one, "limit": HEADLINE_LIMIT}
    )
    for one in SEEDS
]
gold = {
    sample.request.id: sample.gold
    for one in drawing
    for sample in load_samples(one)
}
drawn = methods["base"].set_index("sample_id")["draws"].map(json.loads)
right = {
    name: [score(text, gold[name]).exact_match for text in answers]
    for name, answers in drawn.items()
}


# %% tags=["hide-input"]
def voted(name, n):
    answers = drawn[name][:n]
    return right[name][answers.index(majority(answers))]


counts = range(1, DRAWS + 1)
by_count = {
    "majority vote": [
        percent(accuracy([voted(name, n) for name in right])) for n in counts
    ],
    "any is right": [
        percent(accuracy([any(one[:n]) for one in right.values()]))
        for n in counts
    ],
}
pd.DataFrame(by_count, index=pd.Index(counts, name="sampled answers"))

# %% [markdown]
# The paper reports both modes but not at equal seconds. A study of code generation did compare them:
# {cite:t}`barnes2026surprisal` adapts a large model on KernelBench and finds that the best of many samples beats a few
# steps of adaptation, and that adaptation does worse than a single unadapted sample. It names the fault *over-sharpening*: training on its own answers makes the model surer of middling ones and takes away
# the variety that a search needs. Its tasks have a checker that scores every answer; tool calls have none, so there
# is nobody to choose the best of five. Where adaptation costs variety, pass@5 gains less over a direct answer after it:


# %% tags=["hide-input"]
def variety(name):
    right = correct[name].astype(float)
    return differences(correct, [((name, "direct"), (name, "pass@5"))]).iloc[
        0
    ], right["pass@5"].mean()


spreads = {
    name: variety(name)
    for name in ("base", "tt-si", "tt-d")
    if (name, "pass@5") in correct
}
spread_cells = {
    LABELS[name]: {
        "pass@5": f"{best:.1%}",
        "pass@5 minus direct, points": points_text(one),
        "n": one.n,
    }
    for name, (one, best) in spreads.items()
}
pd.DataFrame(spread_cells).T

# %% tags=["hide-input"]
listed = ", ".join(
    f"{100 * one.estimate:+.1f} points with {LABELS[name]}"
    for name, (one, _) in spreads.items()
)
Markdown(
    f"It gains {listed}. No test stands between these, so a loss of variety "
    "is not shown."
)

# %% [markdown]
# ## Paid once, or with every request
#
# SFT trains for some seconds before the first request and answers like the base agent afterwards. Tuned TT-SI trains
# nothing in advance. The two totals are straight lines, and where they cross, training once has become cheaper.

# %%
everything = np.ones(1, dtype=bool)
gate, all_of_them = f"TT-SI, tuned, tau = {tau:g}", "TT-SI, tuned, all adapted"
lines = {
    "base": serving("base"),
    "SFT": serving("sft"),
    gate: serving("tt-si"),
    all_of_them: serving("tt-si", chosen=everything),
}
crossings = {
    name: crossing_interval(lines["SFT"], lines[name])
    for name in (gate, all_of_them)
}
reach = [
    one.high if np.isfinite(one.high) else 1.5 * one.estimate
    for one in crossings.values()
]

# %% mystnb={"image": {"alt": "Total seconds against requests served: straight lines of the base agent, supervised fine-tuning and tuned TT-SI at two thresholds, with marks where fine-tuning becomes cheaper."}, "figure": {"name": "fig-costs-totals", "caption": "Total seconds against the number of requests served, training included. Dots: from here on, training once is cheaper."}}
total_seconds(
    lines,
    crossings,
    samples=served or int(1.1 * max([45, *filter(np.isfinite, reach)])),
)


# %% [markdown]
# A line starts at the seconds that were paid in advance; its slope is what a request costs.


# %% tags=["hide-input"]
def requests_text(one):
    if np.isinf(one.estimate):
        return "never"
    high = "no end" if np.isinf(one.high) else f"{np.ceil(one.high):,.0f}"
    return (
        f"{np.ceil(one.estimate):,.0f} (95% interval {np.ceil(one.low):,.0f} "
        f"to {high})"
    )


columns = {
    "trained once, s": [f"{one.once:.1f}" for one in lines.values()],
    "each request, s": [f"{one.each:.2f}" for one in lines.values()],
    "SFT is cheaper from request": [
        requests_text(crossings[name]) if name in crossings else ""
        for name in lines
    ],
}
pd.DataFrame(columns, index=pd.Index(lines, name=HEADLINE))

# %% [markdown]
# Cheaper is not better. What the lines say about seconds is worth nothing without what each answers right, and
# labelled examples are not free either: SFT needs them, tuned TT-SI does not.

# %% tags=["hide-input"]
versus = differences(
    correct,
    [
        (("base", "direct"), ("sft", "direct")),
        (("sft", "direct"), ("tt-si", "direct")),
    ],
)
cells = {
    "points (95% interval)": [points_text(one) for one in versus.itertuples()],
    "p (Holm)": [p_text(one.p_holm) for one in versus.itertuples()],
    "n": versus["n"].tolist(),
}
pd.DataFrame(
    cells,
    index=pd.Index(["base → SFT", "SFT → TT-SI, tuned"], name="from → to"),
)

# %% [markdown]
# ## The paper's own sum
#
# This section takes the numbers that the paper reports. They were measured on other
# hardware, with another model, on another benchmark (SealTool), and cannot be compared with the seconds above.

# %%
paper = read_paper()
value = {
    name: number.value for name, number in paper.numbers["latency"].items()
}
tested, trained, labelled = (
    int(paper[f"sealtool.{name}"].value)
    for name in ("test_samples", "uncertain_samples", "sft_samples")
)
chosen = np.arange(tested) < trained
kept, adapted = (np.array([value[name]]) for name in ("certain", "uncertain"))
theirs = {
    "base": Serving.ungated([value["base"]]),
    f"TT-SI, {trained} of {tested} adapted": Serving(kept, adapted, chosen),
    "TT-SI, all adapted": Serving(kept, adapted, np.ones(1)),
}

# %% tags=["hide-input"]
sums = {
    "each sample, s": [f"{one.each:.2f}" for one in theirs.values()],
    f"{tested} samples, s": [
        f"{float(one.total(tested)):,.0f}" for one in theirs.values()
    ],
    "10,000 samples, h": [
        f"{float(one.total(10_000)) / 3600:.1f}" for one in theirs.values()
    ],
}
pd.DataFrame(sums, index=pd.Index(theirs, name="the paper's numbers"))

# %% [markdown]
# How long its supervised fine-tuning took, the paper does not say, so where the lines cross cannot be computed, only
# how it depends on that time. After fine-tuning, a sample is taken to cost what it costs the base model:

# %%
hours = np.linspace(0, 12, 121)
gated_line, all_line = list(theirs)[1:]
fine_tuned = [
    Serving.ungated([value["base"]], once=3600 * one) for one in hours
]
by_hours = {
    name: np.array([crossing(one, theirs[name]) for one in fine_tuned])
    for name in (gated_line, all_line)
}
minutes_tested = tested * (theirs[gated_line].each - value["base"]) / 60

# %% mystnb={"image": {"alt": "Number of samples from which fine-tuning is cheaper than TT-SI, rising in a straight line with the unknown hours of fine-tuning."}, "figure": {"name": "fig-costs-paper", "caption": "From the paper's seconds: the number of samples from which supervised fine-tuning is the cheaper of the two, against the hours that it took, which are not reported."}}
crossings_by_training_time(hours, by_hours, tested=tested)

# %% tags=["hide-input"]
after_an_hour = Serving.ungated([value["base"]], once=3600)
an_hour = [
    f"{crossing(after_an_hour, theirs[name]):,.0f} against {name}"
    for name in by_hours
]
Markdown(
    "Each hour of fine-tuning puts the crossing off by this many samples: "
    f"{'; '.join(an_hour)}."
)

# %% [markdown]
# ## What "fewer samples" says
#
# The abstract says that TT-SI used {glue:text}`costs_fewer` times fewer training samples. That factor is the number of
# labelled examples of SFT over the number of test samples on which TT-SI trained:

# %% tags=["hide-input"]
share, fewer = trained / tested, paper["sealtool.fewer_samples"].value
catches_up = labelled / share
counted = {
    "labelled examples of SFT": f"about {labelled:,}",
    "samples that TT-SI trained on": f"{trained}, of {tested} test samples",
    "their ratio": f"{labelled / trained:.1f} (reported: {fewer:.0f})",
    "the ratio after 1,000 test samples": f"{labelled / (1000 * share):.1f}",
    "the ratio is 1 after": f"{catches_up:,.0f} test samples",
}
pd.Series(counted, name="the paper's numbers").to_frame()

# %% [markdown]
# - It **says** that no labelled examples were needed, and that few were trained on for these test samples.
# - It **does not say** that less was computed. SFT's examples are counted once for all requests to come, TT-SI's for
#   these requests alone: the numerator stays, the denominator grows with every request served, and the ratio shrinks.
# - It counts examples, not steps, tokens or seconds. Writing an example costs seconds too, and so does the margin of
#   every sample that is then not adapted.
# - The paper's reviewers {cite:p}`ttsi2026reviews` made this point, and also asked whether its seconds for one adapted request are practical.
#
# The same count for our agent, at the same threshold:

# %% tags=["hide-input"]
config_sft = made["sft"][0].config["loop"]
k = made["tt-si"][0].config["loop"]["k"]
per_request = methods["tt-si"]["adapted"].mean() * k
even = config_sft["sft_examples"] / per_request if per_request else np.inf
Markdown(
    f"SFT trained on {config_sft['sft_examples']} labelled examples once; "
    f"tuned TT-SI trains on at most {per_request:.2f} examples a request on "
    "average, so it has trained on as many after no fewer than "
    f"{even:,.0f} requests."
)

# %% [markdown]
# ## Your machine
#
# A few requests, timed while this page was made. The ratios should look like those above; the seconds are this
# machine's, which may have had other work to do.

# %%
live = configure(
    profile,
    split=HEADLINE,
    seed=seed,
    limit=samples,
    adapt="all",
    decoding="majority-vote",
)
agent = load_agent(live)
fresh = pd.DataFrame(
    [one.model_dump() for one in outcomes(load_samples(live), live, agent)]
).assign(family="tt-si")
here = seconds_adapted(fresh).sum(axis=1).mean() / fresh["seconds_base"].mean()
there = spent.mean() / timed["tt-si"]["seconds_base"].mean()
print(
    f"A request let through takes {here:.1f} times a base answer here (n = "
    f"{samples}), {there:.1f} times as published."
)

# %% tags=["remove-cell"]
glue("costs_split", HEADLINE, display=False)
glue("costs_tau", f"{tau:g}", display=False)
for key, column in zip(("base", "vote", "ttsi"), cost, strict=True):
    one = serving(*column).interval()
    interval = f"95% interval {one.low:.2f} to {one.high:.2f}, n = {one.n}"
    glue(f"costs_{key}", f"{one.estimate:.2f} ({interval})", display=False)
adapted_mean = mean_interval(spent)
interval = (
    f"95% interval {adapted_mean.low:.2f} to {adapted_mean.high:.2f}, n = "
    f"{adapted_mean.n}"
)
glue(
    "costs_adapted", f"{adapted_mean.estimate:.2f} ({interval})", display=False
)
glue(
    "costs_trained",
    f"{ours['adapted'].sum()} of {len(ours)}",
    display=False,
)
glue("costs_noise", noise, display=False)
glue("costs_share", f"{uncertain['tt-si'].mean():.0%}", display=False)
glue(
    "costs_vote_difference",
    f"{points_text(vote)} points, n = {vote.n}, {effect_text(vote)}",
    display=False,
)
glue("costs_ratio", f"{ratio:.1f}", display=False)
times = cost["tt-si", "direct"] / serving("constrained").each
glue("costs_times_constrained", f"{times:.1f}", display=False)
constrained = effect_text(paired.iloc[-1])
glue("costs_effect_constrained", constrained, display=False)

# %% tags=["remove-cell"]
glue("costs_crossing", requests_text(crossings[gate]), display=False)
glue(
    "costs_crossing_all", requests_text(crossings[all_of_them]), display=False
)
glue("costs_once", f"{lines['SFT'].once:.1f}", display=False)
glue("costs_unbeaten", "; ".join(names), display=False)
glue(
    "costs_paper_total",
    f"{float(theirs[gated_line].total(tested)):,.0f}",
    display=False,
)
glue(
    "costs_paper_base",
    f"{float(theirs['base'].total(tested)):,.0f}",
    display=False,
)
glue("costs_paper_tested", str(tested), display=False)
glue("costs_fewer", f"{fewer:.0f}", display=False)
glue("costs_paper_minutes", f"{minutes_tested:.0f}", display=False)
glue("costs_paper_even", f"{catches_up:,.0f}", display=False)

# %% [markdown]
# ## What we learned
#
# On {glue:text}`costs_split`, tau = {glue:text}`costs_tau`, below which {glue:text}`costs_share` of
# the requests lie:
#
# | answered by | seconds for a request |
# |---|---|
# | base, one answer | {glue:text}`costs_base` |
# | base, five sampled answers | {glue:text}`costs_vote` |
# | TT-SI, tuned | {glue:text}`costs_ttsi` |
# | TT-SI, tuned, a request below tau, trained on or not ({glue:text}`costs_trained` were) | {glue:text}`costs_adapted` |
#
# - Tuned TT-SI takes {glue:text}`costs_ratio` times the seconds of five sampled answers. Against their majority vote it
#   makes a difference of {glue:text}`costs_vote_difference`.
# - Usable and, by their estimates, beaten by nothing: {glue:text}`costs_unbeaten`. The
#   same base answer took {glue:text}`costs_noise` across the runs.
# - SFT trained for {glue:text}`costs_once` seconds. From this many requests on it is cheaper than tuned TT-SI:
#   {glue:text}`costs_crossing`; than adapting every request: {glue:text}`costs_crossing_all`.
# - With the paper's own seconds, its {glue:text}`costs_paper_tested` test samples take TT-SI
#   {glue:text}`costs_paper_total` seconds and the base model {glue:text}`costs_paper_base`. SFT was the cheaper one
#   for them already if it trained for less than {glue:text}`costs_paper_minutes` minutes, which is not reported.
# - "{glue:text}`costs_fewer` times fewer samples" counts examples for these test samples. The count is even after
#   {glue:text}`costs_paper_even` test samples.
#
# These are the seconds of a tiny agent on one CPU thread. A larger model on a GPU spends them in other proportions;
# [](13_how_fast) measured one. What carries over is the shape of the sum: one method is paid once, the other every time.
#
# ## Things to try
#
# - Another gate: `tau = 0.5`. Fewer requests are adapted; where do the lines cross now?
# - A longer axis: `served = 500`.
# - Time more requests: `samples = 20`.
#
# ## References
#
# The method and its reported numbers: {cite:t}`acikgoz2025ttsi`. Sampling against adaptation at equal compute:
# {cite:t}`barnes2026surprisal`.
