# %% [markdown]
# # Who writes the practice
#
# **Is an agent good enough to be its own teacher, and does better practice make better answers?**
#
# Three authors write practice for the same requests: the agent itself (TT-SI), a larger agent that knows more tools
# (TT-D), and the benchmark's own grammar, which is never wrong (an *oracle*: an upper bound, no method). You will see
# how much of what they write can be used, how much of it is *right*, and what that is worth in answers.

# %% tags=["parameters"]
profile = "tiny"
samples = 2  # validation requests that agent and teacher write for, live
seed = 0

# %% tags=["hide-input"]
import json
from contextlib import ExitStack

import pandas as pd
from myst_nb import glue

from ttsi.augmentation import VALID, augment
from ttsi.benchmarks.toolworld import SPLITS
from ttsi.benchmarks.toolworld.judging import is_right
from ttsi.comparison import differences, p_text, points_text, readable_differences
from ttsi.data import data_root
from ttsi.loop import seed_for
from ttsi.plots import example_verdicts, style
from ttsi.plots.practice import quality_and_gain
from ttsi.profiles import configure
from ttsi.prompts import answer_chat, read_practice, transcript
from ttsi.published import read_study
from ttsi.runs import load_agent, load_samples, teacher_of
from ttsi.statistics import difference_interval, mcnemar, mean_interval
from ttsi.teacher import OracleTeacher
from ttsi.uncertainty import Evidence, relative_softmax_scores

style()
config = configure(profile, split="single/unseen", subset="validation", seed=seed)
AUTHORS = {"tt-si": "the agent", "tt-d": "the teacher", "tt-d-oracle": "the oracle"}
UNSEEN = [name for name in SPLITS if name.endswith("/unseen")]

# %% [markdown]
# ## Valid, and right
#
# What can be checked without a label decides what is trained on: an example is *valid* if its calls are of offered
# tools, fit their schemas, and take their values from the written request. Whether the calls are the *right* ones for
# that request is another matter. Here we can know afterwards: the grammar that made the benchmark can be run
# backwards, and says whether it could have said this request for these calls. Neither the agent nor the teacher
# is told.

# %%
rows = pd.concat(read_study(data_root() / "results", family) for family in AUTHORS)
rows = rows[rows["split"].isin(UNSEEN)]
attempts = [
    {"family": row.family, "split": row.split, "sample": row.sample_id, **attempt}
    for row in rows.itertuples()
    for attempt in json.loads(row.examples)
]
written = pd.DataFrame(attempts)


# %%
def fate(attempt):
    if attempt.verdict != VALID:
        return attempt.verdict
    return "valid, right" if is_right(attempt.sample, read_practice(attempt.text)) else "valid, wrong"


written["fate"] = [fate(attempt) for attempt in written.itertuples()]
order = ["valid, right", "valid, wrong", *sorted(set(written["fate"]) - {"valid, right", "valid, wrong"})]
counts = pd.crosstab(written["family"], written["fate"]).reindex(index=list(AUTHORS), columns=order, fill_value=0)

# %% mystnb={"image": {"alt": "Stacked bars of what became of the practice examples of agent, teacher and oracle: valid and right, valid but wrong, or why not valid."}, "figure": {"name": "fig-practice-fates", "caption": "What became of the practice examples that each author wrote, on the four unseen splits. The oracle's are right by construction; one that repeats another, or the request itself, is not used."}}
example_verdicts(counts.rename(index=AUTHORS))

# %% [markdown]
# Examples for one request resemble each other, so the request is the unit of the intervals. Of all examples written:

# %%
flags = written.assign(
    valid=written["verdict"] == VALID,
    right=written["fate"] == "valid, right",
    duplicate=written["verdict"] == "duplicate",
)
by_request = flags.groupby(["family", "split", "sample"])[["valid", "right", "duplicate"]].mean()
by_request["covered"] = by_request["valid"] > 0


# %%
def shares(of_requests):
    intervals = {name: mean_interval(of_requests[name].astype(float)) for name in by_request}
    return {name: f"{i.estimate:.0%} ({i.low:.0%}–{i.high:.0%})" for name, i in intervals.items()}


quality = pd.DataFrame({AUTHORS[family]: shares(by_request.loc[family]) for family in AUTHORS}).T
quality.rename(columns={"covered": "requests with a valid one"}).rename_axis("share (95% interval)", axis="columns")

# %% [markdown]
# The share that is right, split by split:

# %%
right_by_split = by_request["right"].groupby(["family", "split"]).mean().unstack("split").loc[list(AUTHORS), UNSEEN]
right_by_split.rename(index=AUTHORS).map("{:.0%}".format).rename_axis(index=None, columns=None)

# %% [markdown]
# ## What right practice is worth
#
# A sample trains on its first valid examples, up to the profile's K. Three groups: all of them right, one or more wrong
# (valid, but the calls do not answer the written request), or none valid, so that the base answer stood. For each, the
# answers before and after:


# %%
def used(of_sample):
    valid = [fate for fate in of_sample["fate"] if fate.startswith("valid")][: config.loop.k]
    return "none valid" if not valid else "all right" if set(valid) == {"valid, right"} else "some wrong"


practice = {key: used(of_sample) for key, of_sample in written.groupby(["family", "sample"])}
rows["practice"] = [practice.get((row.family, row.sample_id), "none valid") for row in rows.itertuples()]


# %%
def gain(of_samples):
    change = difference_interval(of_samples["base_correct"], of_samples["greedy_correct"])
    test = mcnemar(of_samples["base_correct"], of_samples["greedy_correct"])
    return {
        "n": len(of_samples),
        "base right": f"{of_samples['base_correct'].mean():.0%}",
        "points (95% interval)": points_text(change),
        "fixed / broken": f"{test.fixed} / {test.broken}",
        "p": p_text(test.p_value),
    }


groups = {
    f"{AUTHORS[family]}: {name}": gain(of_samples)
    for (family, name), of_samples in rows.groupby(["family", "practice"], sort=False)
    if name != "none valid"
}
pd.DataFrame(groups).T

# %% [markdown]
# Groups differ in more than their practice: a request that is hard to write for is hard to answer, so the table
# compares answers before and after *within* a group, and groups among each other only with care. What is wrong about
# the agent's wrong examples? Often the request that it writes misspells the very noun of the tool whose call was begun
# for it:

# %%
wrong = written[(written["family"] == "tt-si") & (written["fate"] == "valid, wrong")]


def misspells(text):
    example = read_practice(text)
    said = transcript(example.messages).lower()
    return any(call.name.partition("_")[2] not in said for call in example.calls)


misspelled = mean_interval([float(misspells(text)) for text in wrong["text"]])
f"{misspelled.estimate:.0%} ({misspelled.low:.0%}–{misspelled.high:.0%}) of {misspelled.n} wrong examples"

# %% [markdown]
# Such an example is wrong as an answer to its request, and still practice in spelling the name: a label of right and
# wrong does not say what an example teaches.

# %%
points = [
    {
        "author": AUTHORS[family],
        "split": split,
        "right": by_request.loc[family, split]["right"].mean(),
        **vars(difference_interval(of_samples["base_correct"], of_samples["greedy_correct"])),
    }
    for (family, split), of_samples in rows.groupby(["family", "split"], sort=False)
]
points = pd.DataFrame(points)

# %% mystnb={"image": {"alt": "For each author and unseen split, the gain in accuracy against the share of right practice examples, with intervals."}, "figure": {"name": "fig-practice-gain", "caption": "Gain over base against the share of written examples that are right, a point for each author and unseen split. Every sample adapted."}}
quality_and_gain(points)

# %% tags=["remove-cell"]
means = {family: by_request.loc[family] for family in AUTHORS}
glue("practice_misspelled", f"{misspelled.estimate:.0%}", display=False)
for family, name in (("tt-si", "self"), ("tt-d", "teacher"), ("tt-d-oracle", "oracle")):
    glue(f"practice_valid_{name}", f"{means[family]['valid'].mean():.0%}", display=False)
    glue(f"practice_right_{name}", f"{means[family]['right'].mean():.0%}", display=False)
aligned = rows.pivot(index="sample_id", columns="family", values="greedy_correct").astype(bool)
authors = pd.DataFrame({(family, "direct"): aligned[family] for family in AUTHORS})
compared = differences(
    authors,
    [(("tt-si", "direct"), ("tt-d", "direct")), (("tt-si", "direct"), ("tt-d-oracle", "direct"))],
)

# %% [markdown]
# ## Another author, another answer?
#
# The same samples, all adapted. The teacher and the oracle against the agent's own practice:

# %%
readable_differences(compared)

# %% tags=["remove-cell"]
for name, test in zip(("teacher", "oracle"), compared.to_dict("records"), strict=True):
    better = "better" if test["estimate"] > 0 else "worse"
    chance = test["p_value"] >= 0.05
    text = "no better or worse than chance would have it" if chance else f"{better} than its own practice"
    glue(f"practice_{name}_verdict", f"{text} ({100 * test['estimate']:+.1f} points)", display=False)

# %% [markdown]
# ## Shown instead of trained on
#
# TT-ICL puts the same self-written examples into the prompt and trains on nothing; ICL shows real examples of the
# training set. The tiny agent was never trained to read demonstrations, so this says little of larger models, which
# were.

# %%
shown = read_study(data_root() / "results", "base", "tt-icl", "icl")
shown = shown[shown["split"].isin(UNSEEN)].pivot(index="sample_id", columns="family", values="greedy_correct")
shown = pd.DataFrame({(family, "direct"): shown[family].astype(bool) for family in shown})
in_context = differences(shown, [(("base", "direct"), (family, "direct")) for family in ("tt-icl", "icl")])
readable_differences(in_context)

# %% tags=["remove-cell"]
for row in in_context.to_dict("records"):
    glue(f"practice_{row['after'][0]}", f"{100 * row['estimate']:+.1f} points", display=False)

# %% [markdown]
# ## Read some, live
#
# The agent, the teacher and the oracle write one example each for the same validation requests. The teacher is a model
# behind an HTTP endpoint that speaks OpenAI's protocol: here a second tiny agent, served on this machine by
# `transformers serve` for the length of this cell. Any other endpoint takes its place by its URL.

# %%
agent = load_agent(config)
requests = [sample.request for sample in load_samples(config)[:samples]]
asked = {"draws": 1, "temperature": config.loop.temperature}


def own_practice(request):
    prompt = agent.prompt(answer_chat(request.messages), request.tools)
    evidence = Evidence(agent, request, agent.generate([prompt])[0])
    scores = relative_softmax_scores(evidence.names)
    how = {"elicitation": config.loop.elicitation, "seed": seed_for(seed, request.id)}
    return augment(agent, request, scores, **asked, **how)[0].text


# %%
with ExitStack() as stack:
    teacher = stack.enter_context(teacher_of(configure(profile, method="tt-d")))
    writers = {"the teacher": teacher, "the oracle": OracleTeacher()}
    for request in requests:
        print(f"=== {transcript(request.messages)}\n\n--- the agent\n{own_practice(request)}\n")
        for name, writer in writers.items():
            settings = {"seed": seed_for(seed, request.id), "max_new_tokens": config.max_new_tokens}
            print(f"--- {name}\n{writer.write(request, **asked, **settings)[0]}\n")

# %% [markdown]
# ## What we learned
#
# - Of what the agent writes for itself, {glue:text}`practice_valid_self` is valid and {glue:text}`practice_right_self`
#   right; of the teacher's, {glue:text}`practice_valid_teacher` and {glue:text}`practice_right_teacher`; of the
#   oracle's, {glue:text}`practice_valid_oracle` and {glue:text}`practice_right_oracle`.
# - Of the agent's wrong examples, {glue:text}`practice_misspelled` misspell in the request what the call spells right.
# - Training on the teacher's examples is {glue:text}`practice_teacher_verdict`; on the oracle's,
#   {glue:text}`practice_oracle_verdict`.
# - Shown in the prompt instead, the agent's own examples change accuracy by {glue:text}`practice_tt-icl`, real ones by
#   {glue:text}`practice_icl`.
#
# The agent is asked to complete a call that is given to it, the teacher is asked freely (an endpoint takes no forced
# beginning), so the shares compare two ways of asking as well as two authors.
#
# ## Things to try
#
# - More live requests: `samples = 5`.
# - A teacher of your own: `ttsi run --method tt-d --teacher-url URL --teacher-model NAME --out mine`.
#
# ## References
#
# Practice written by a stronger model is the paper's TT-D {cite:p}`acikgoz2025ttsi`; a model that learns to write its
# own is in {cite:t}`zweiger2025seal`.
