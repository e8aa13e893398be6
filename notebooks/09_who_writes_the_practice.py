# %% [markdown]
# # Who writes the practice
#
# **Is an agent good enough to be its own teacher, and does better practice make better answers?**
#
# Three authors write practice examples for the same requests: the agent itself (tuned TT-SI), a *teacher*, which is a
# larger agent that knows more words (TT-D, test-time distillation), and an *oracle*, the benchmark's own grammar. The
# oracle's examples are always right, which does not make them the most useful. You will see how much of what they write
# can be used, how much of it is *right*, and what that is worth in answers.

# %% tags=["parameters"]
profile = "tiny"
samples = 2  # validation requests that all three write for, live
seed = 0

# %% tags=["hide-input"]
import json

import pandas as pd
from IPython.display import HTML, Markdown, display
from myst_nb import glue

from ttsi.augmentation import VALID, augment, judge
from ttsi.benchmarks.toolworld import SPLITS
from ttsi.benchmarks.toolworld.judging import is_right
from ttsi.benchmarks.toolworld.oracle import tools_of
from ttsi.calls import MalformedCall, parse_calls
from ttsi.data import data_root
from ttsi.estimators.tools import relative_softmax_scores
from ttsi.evaluation.comparison import (
    accuracy,
    differences,
    effect_text,
    p_text,
    points_text,
    readable_differences,
    with_holm,
)
from ttsi.evaluation.statistics import (
    difference_interval,
    mcnemar,
    mean_interval,
)
from ttsi.evaluation.texts import interval_text
from ttsi.prompts import read_practice, transcript
from ttsi.records import seed_for
from ttsi.runs.config import configure
from ttsi.runs.run import load_agent, load_samples, teacher_of
from ttsi.studies.published import read_study
from ttsi.teacher import OracleTeacher
from ttsi.uncertainty import Evidence
from ttsi_book.plots.cards import card
from ttsi_book.plots.frame import percent, style
from ttsi_book.plots.practice import quality_and_gain
from ttsi_book.plots.stacked import example_verdicts

style()
config = configure(
    profile, split="single/unseen", subset="validation", seed=seed
)
AUTHORS = {
    "tt-si": "the agent",
    "tt-d": "the teacher",
    "tt-d-oracle": "the oracle",
}

# %% tags=["hide-input"]
rows = pd.concat(
    [read_study(data_root() / "results", family) for family in AUTHORS],
    ignore_index=True,
)
rows["author"], rows["tools"] = (
    rows["family"].map(AUTHORS),
    rows["split"].str.split("/").str[1],
)
attempts = [
    {
        "author": row.author,
        "split": row.split,
        "sample": row.sample_id,
        **attempt,
    }
    for row in rows.itertuples()
    for attempt in json.loads(row.examples)
]
written = pd.DataFrame(attempts)

# %% tags=["hide-input"]
RIGHT, WRONG = "valid, right", "valid, wrong"


def fate(attempt):
    if attempt.verdict != VALID:
        return attempt.verdict
    return (
        RIGHT
        if is_right(attempt.sample, read_practice(attempt.text))
        else WRONG
    )


written["fate"] = [fate(attempt) for attempt in written.itertuples()]
fates = [RIGHT, WRONG, *sorted(set(written["fate"]) - {RIGHT, WRONG})]
counts = pd.crosstab(written["author"], written["fate"]).reindex(
    list(AUTHORS.values()), columns=fates, fill_value=0
)

# %% mystnb={"image": {"alt": "Stacked bars of what became of the practice examples of agent, teacher and oracle: valid and right, valid but wrong, or why not valid."}, "figure": {"name": "fig-practice-fates", "caption": "What became of the practice examples that each author wrote, all splits of the published runs. The oracle's are right by construction. Parts too narrow for a number have none."}}
example_verdicts(counts, rows="author")

# %% [markdown]
# **On unseen tools, against the agent's own practice, {glue:text}`practice_effects`.** Of the agent's own examples
# {glue:text}`practice_right_self` are right, of the teacher's {glue:text}`practice_right_teacher`, of the oracle's all.
# "What we learned" has the changes in points.

# %% [markdown]
# ## Valid, and right
#
# What can be checked without a label decides what is trained on: an example is *valid* if its calls are of offered
# tools, fit their schemas, and take their values from the written request ([](04_self_augmentation)). Whether the calls
# are the *right* ones for that request is another matter. In this world we can know it afterwards: the grammar that
# made the benchmark is read backwards, and says which calls the written request asks for. Nobody is told while the loop
# runs, and no test label is read for it.

# %% [markdown]
# Examples for one request resemble each other, so the request is the unit of the intervals: the mean share of its
# examples that are valid and right, and the share of requests with a valid one, which are the only ones that practice
# can change.

# %%
flags = written.assign(
    valid=written["verdict"] == VALID, right=written["fate"] == RIGHT
)
flags["duplicate"] = written["verdict"] == "duplicate"
by_request = flags.groupby(["split", "author", "sample"], sort=False)[
    ["valid", "right", "duplicate"]
].mean()


# %% tags=["hide-input"]
def quality(of_requests):
    means = {
        name: mean_interval(of_requests[name]) for name in ("valid", "right")
    }
    means["some valid"] = accuracy(of_requests["valid"] > 0)
    return {name: interval_text(found, ".0%") for name, found in means.items()}


overall = {
    author: quality(of_author)
    for author, of_author in by_request.groupby("author", sort=False)
}
pd.DataFrame(overall).T.rename_axis(
    f"n = {rows['sample_id'].nunique()} requests", axis="columns"
)

# %% tags=["hide-input"]
repeated = (by_request["duplicate"] > 0).groupby("author").sum()
Markdown(
    "Two examples of the same text were written for this many of the "
    "requests: "
    + ", ".join(f"{repeated[author]} by {author}" for author in overall)
    + "."
)

# %% [markdown]
# The same by split; where all requests agree, the interval of a mean has no width, which says little of other requests.

# %% tags=["hide-input"]
split_quality = {
    key: quality(group)
    for key, group in by_request.groupby(["split", "author"], sort=False)
}
by_split = pd.DataFrame(split_quality).T.loc[list(SPLITS)]
by_split.rename_axis(["split", "author"]).rename_axis(
    "share in % (95% interval)", axis="columns"
)

# %% [markdown]
# ## Quality and gain
#
# Here every sample is adapted, whatever its margin, and compared with its own base answer.

# %% tags=["hide-input"]
share_right = by_request["right"].groupby(level=["split", "author"]).mean()
points = [
    {
        "author": author,
        "split": split,
        "right": share_right[split, author],
        **vars(
            difference_interval(
                of_samples["base_correct"], of_samples["greedy_correct"]
            )
        ),
        **vars(
            mcnemar(of_samples["base_correct"], of_samples["greedy_correct"])
        ),
    }
    for (split, author), of_samples in rows.groupby(
        ["split", "author"], sort=False
    )
]
points = with_holm(pd.DataFrame(points))

# %% mystnb={"image": {"alt": "For each author and split, the gain in accuracy against the share of right practice examples, with intervals; unseen tools in the upper panel, seen ones in the lower."}, "figure": {"name": "fig-practice-gain", "caption": "Gain over base against the share of written examples that are right: a point for each author and split, every sample adapted. Points at the same share stand side by side; a point without whiskers is a split on which no answer changed for better or worse."}}
quality_and_gain(points)

# %% tags=["hide-input"]
lines, adjusted = [], []
for author, of_author in points.groupby("author", sort=False):
    gains, losses = (
        of_author[of_author["low"] > 0]["split"],
        of_author[of_author["high"] < 0]["split"],
    )
    lines.append(
        f"- {author}: above base on {', '.join(gains) or 'no split'}; below "
        f"on {', '.join(losses) or 'none'}."
    )
    adjusted += [
        f"{effect_text(row)} for {author} on {row.split}"
        for row in of_author.itertuples()
        if effect_text(row) in ("a gain", "a loss")
    ]
Markdown(
    "By intervals alone, unadjusted, these splits lie wholly on one side of "
    "zero:\n\n"
    + "\n".join(lines)
    + f"\n\nThat is a hint each, of {len(points)} intervals. Adjusted for "
    f"that number (Holm), this is shown: {'; '.join(adjusted) or 'nothing'}."
)

# %% [markdown]
# Where the base answers are nearly all right already, there is little to gain and much to break.
#
# ## What right practice is worth
#
# A sample trains on its first valid examples, up to the profile's K. Those of a sample may all be right, or some of
# them wrong (valid, but the calls do not answer the written request). For each group, the answers before and after;
# *p* is McNemar's exact test, adjusted for the number of rows (Holm):


# %% tags=["hide-input"]
def used(of_sample):
    trained_on = [
        fate for fate in of_sample["fate"] if fate in (RIGHT, WRONG)
    ][: config.loop.k]
    return (
        "none valid"
        if not trained_on
        else "some wrong"
        if WRONG in trained_on
        else "all right"
    )


practice = {
    key: used(of_sample)
    for key, of_sample in written.groupby(["author", "sample"])
}
rows["practice"] = [
    practice[row.author, row.sample_id] for row in rows.itertuples()
]


# %% tags=["hide-input"]
def gain(of_samples):
    before, after = of_samples["base_correct"], of_samples["greedy_correct"]
    return {
        "base right": f"{before.mean():.0%}",
        **vars(difference_interval(before, after)),
        **vars(mcnemar(before, after)),
    }


practised = rows[rows["practice"] != "none valid"].groupby(
    ["tools", "author", "practice"]
)
groups = with_holm(
    pd.DataFrame(
        {key: gain(group) for key, group in practised if len(group) > 1}
    ).T
)
groups["points (95% interval)"] = [
    points_text(row) for row in groups.itertuples()
]
groups["fixed / broken"] = [
    f"{row.fixed} / {row.broken}" for row in groups.itertuples()
]
groups["p, Holm"] = groups["p_holm"].map(p_text)
groups[
    ["n", "base right", "points (95% interval)", "fixed / broken", "p, Holm"]
].loc[["unseen", "seen"]]

# %% tags=["hide-input"]
own = groups.loc[("unseen", "the agent")]
some_wrong, all_right = own.loc["some wrong"], own.loc["all right"]
Markdown(
    f"On unseen tools **{some_wrong['fixed']} of the {own['fixed'].sum()} "
    "samples that the agent's own practice fixed had some wrong practice**. "
    f"In all, {some_wrong['n']} requests had some: the agent had "
    f"{some_wrong['base right']} of them right to begin with; "
    f"{some_wrong['fixed']} were fixed, {some_wrong['broken']} broken. Those "
    f"whose practice is all right began at {all_right['base right']} and "
    f"change by {points_text(all_right)} points. The groups differ in what "
    "there was to fix, so this does not show that wrong practice is better."
)

# %% [markdown]
# The table compares answers before and after *within* a group. It says nothing of what right practice would have done
# for the other group; the oracle's rows are nearer to that.
#
# ## What is wrong about the wrong ones
#
# Three of the agent's, one from each of three requests:

# %% tags=["hide-input"]
wrong = written[
    (written["author"] == "the agent") & (written["fate"] == WRONG)
]
for attempt in wrong.drop_duplicates("sample").head(3).itertuples():
    parts = [("valid, and wrong", attempt.text)]
    display(HTML(card(attempt.sample, parts)))

# %% [markdown]
# In these runs the tool of the call is drawn from the offered ones and the call is begun for the agent (*hesitation*,
# [](04_self_augmentation)), so its name is always spelled right. The request that the agent then writes may not be. How
# many of the wrong examples do not hold the noun of their own call?


# %%
def misspells(text):
    example = read_practice(text)
    said = transcript(example.messages).lower()
    return any(
        call.name.partition("_")[2] not in said for call in example.calls
    )


def names_no_tool(row):
    try:
        return not {call.name for call in parse_calls(row.base_output)} <= {
            tool.name for tool in tools_of(row.sample_id)
        }
    except MalformedCall:
        return False


misspelled = mean_interval(
    wrong["text"].map(misspells).groupby(wrong["sample"]).mean()
)
fixed = rows[
    (rows["author"] == "the agent")
    & ~rows["base_correct"]
    & rows["greedy_correct"]
]
invented = accuracy([names_no_tool(row) for row in fixed.itertuples()])
print(
    "wrong examples whose request lacks the noun of their call, mean over "
    f"test requests: {percent(misspelled)}"
)
print(
    "fixed samples whose base answer called a tool that is not offered: "
    f"{percent(invented)}"
)

# %% tags=["hide-input"]
if invented.low > 0.5:
    text = (
        "Most of what self-practice fixes are calls of tools that do not "
        "exist: the agent had misspelled a name. An example with the name "
        "spelled right teaches that name, whatever its request says. It is "
        "wrong as an answer, and still practice in spelling. That name comes "
        "from the tool list, not from the agent's judgement; limiting "
        "answers to the offered names rules such calls out without any "
        "training."
    )
else:
    text = "What self-practice fixes is not mostly the spelling of tool names."
Markdown(text)

# %% [markdown]
# [](06_results) sets practice against that rule, *constrained* answers.
#
# ## Another author, another answer?
#
# The same samples, all adapted. The teacher and the oracle against the agent's own practice:

# %% tags=["hide-input"]
right = rows.pivot(
    index=["tools", "sample_id"], columns="family", values="greedy_correct"
).astype(bool)
right.columns = pd.MultiIndex.from_product([right.columns, ["direct"]])
against_own = [
    (("tt-si", "direct"), (family, "direct"))
    for family in ("tt-d", "tt-d-oracle")
]
authors = {
    tools: differences(right.loc[tools], against_own)
    for tools in ("unseen", "seen")
}
pd.concat(
    {
        f"{tools} tools": readable_differences(table).set_axis(
            [AUTHORS[after] for after, _ in table["after"]]
        )
        for tools, table in authors.items()
    }
)

# %% [markdown]
# The agent is asked to complete a call that is begun for it; the teacher is asked freely, since an endpoint takes no
# beginning. So this compares two ways of asking as well as two authors.
#
# ## Shown instead of trained on
#
# TT-ICL puts the same self-written examples into the prompt and trains on nothing; ICL (in-context learning) shows
# examples of the training set instead. Both against base, without a gate: every request is shown its examples.
# [](06_results) has TT-ICL behind the gate.

# %% tags=["hide-input"]
shown = read_study(data_root() / "results", "base", "tt-icl", "icl").pivot(
    index=["split", "sample_id"], columns="family", values="greedy_correct"
)
shown = shown.astype(bool).set_axis(
    pd.MultiIndex.from_product([sorted(set(shown.columns)), ["direct"]]),
    axis="columns",
)
in_context = differences(
    shown,
    [(("base", "direct"), (family, "direct")) for family in ("tt-icl", "icl")],
)
readable_differences(in_context).rename_axis(
    f"all splits, n = {len(shown)}", axis="columns"
)

# %% [markdown]
# The tiny agent was never trained to read demonstrations: a prompt with an answered request before the one to answer is
# a text unlike any in its training. These rows show what that does to it, and nothing about larger models.
#
# ## Read some, live
#
# The three write one example each for the same validation requests. The teacher is a model behind an HTTP endpoint that
# speaks OpenAI's protocol: here the tiny teacher, served on this machine by `transformers serve` for the length of this
# cell. Any other endpoint takes its place by its URL.

# %% tags=["hide-input"]
agent, oracle = load_agent(config), OracleTeacher()
requests = [sample.request for sample in load_samples(config)[:samples]]


def own_practice(request, **asked):
    evidence = Evidence(agent, request, answer=())
    ((written,),) = augment(
        agent,
        [request],
        [relative_softmax_scores(evidence.names)],
        elicitation=config.loop.elicitation,
        instruction=config.loop.practice_instruction,
        **asked,
    )
    return written


def part(author, attempt, request):
    fits = (
        f", {'right' if is_right(request.id, attempt.example) else 'wrong'}"
        if attempt.example
        else ""
    )
    return f"{author}: {attempt.verdict}{fits}", attempt.text


# %% tags=["hide-input"]
with teacher_of(configure(profile, method="tt-d")) as teacher:
    for request in requests:
        asked = {
            "draws": 1,
            "temperature": config.loop.temperature,
            "seeds": [seed_for(seed, request.id)],
        }
        own = own_practice(request, **asked)
        parts = [("request", transcript(request.messages))]
        parts.append(part("the agent", own, request))
        for author, writer in (
            ("the teacher", teacher),
            ("the oracle", oracle),
        ):
            (texts,) = writer.write(
                [request], max_new_tokens=config.max_new_tokens, **asked
            )
            parts.append(part(author, judge(texts, request)[0], request))
        display(HTML(card(request.id, parts)))

# %% tags=["remove-cell"]
for author, name in zip(
    AUTHORS.values(), ("self", "teacher", "oracle"), strict=True
):
    for share in ("valid", "right", "some valid"):
        glue(
            f"practice_{share.replace(' ', '_')}_{name}",
            overall[author][share],
            display=False,
        )
effects = {
    AUTHORS[row.after[0]]: effect_text(row)
    for row in authors["unseen"].itertuples()
}
told = [f"{author}'s shows {effect}" for author, effect in effects.items()]
if len(set(effects.values())) == 1:
    both = " and ".join(f"{author}'s" for author in effects)
    told = [f"{both} both show {effects['the teacher']}"]
glue("practice_effects", ", ".join(told), display=False)
for tools, table in authors.items():
    for row in table.itertuples():
        glue(
            f"practice_{row.after[0]}_{tools}", points_text(row), display=False
        )
shows = [
    f"{AUTHORS[row.after[0]]}'s on {tools} tools shows {effect_text(row)}"
    for tools, table in authors.items()
    for row in table.itertuples()
]
effects = {one.partition(" shows ")[2] for one in shows}
if len(effects) == 1:
    shows = [f"each shows {effects.pop()}"]
glue("practice_shows", "; ".join(shows), display=False)
for row in in_context.itertuples():
    told = f"{points_text(row)} points ({effect_text(row)})"
    glue(f"practice_{row.after[0]}", told, display=False)
glue("practice_n", str(rows["sample_id"].nunique()), display=False)
glue("practice_n_unseen", str(authors["unseen"]["n"].iloc[0]), display=False)
glue("practice_n_seen", str(authors["seen"]["n"].iloc[0]), display=False)
glue(
    "practice_misspelled",
    percent(misspelled),
    display=False,
)
glue(
    "practice_invented",
    percent(invented),
    display=False,
)

# %% [markdown]
# ## What we learned
#
# Of what each wrote for {glue:text}`practice_n` requests (95% intervals over requests):
#
# | author | valid | right | requests with a valid one |
# |---|---|---|---|
# | the agent | {glue:text}`practice_valid_self` | {glue:text}`practice_right_self` | {glue:text}`practice_some_valid_self` |
# | the teacher | {glue:text}`practice_valid_teacher` | {glue:text}`practice_right_teacher` | {glue:text}`practice_some_valid_teacher` |
# | the oracle | {glue:text}`practice_valid_oracle` | {glue:text}`practice_right_oracle` | {glue:text}`practice_some_valid_oracle` |
#
# - Against the agent's own practice, on unseen tools (n = {glue:text}`practice_n_unseen`), the teacher's changes accuracy
#   by {glue:text}`practice_tt-d_unseen` points, the oracle's by {glue:text}`practice_tt-d-oracle_unseen`; on seen tools
#   (n = {glue:text}`practice_n_seen`), by {glue:text}`practice_tt-d_seen` and {glue:text}`practice_tt-d-oracle_seen`:
#   {glue:text}`practice_shows`.
# - Of the agent's wrong examples for a request, on average {glue:text}`practice_misspelled` lack in what was written
#   the noun that the call spells right; of the samples that its practice fixed, {glue:text}`practice_invented` had called a tool that
#   does not exist.
# - Shown in the prompt of every request instead, without a gate, the agent's own examples change accuracy by
#   {glue:text}`practice_tt-icl`, examples of the training set by {glue:text}`practice_icl`.
#
# A teacher that knows this world's words, and an oracle, show what better-informed and always-right examples added
# here. What they would add to a model of the paper's size is another question.
#
# ## Things to try
#
# - More live requests: `samples = 5`.
# - Ask the agent freely, as the paper does: set `elicitation="free"` in `own_practice`.
# - A teacher of your own: `ttsi run --method tt-d --teacher-url URL --teacher-model NAME --out mine`.
#
# ## References
#
# Practice written by a stronger model is the paper's TT-D {cite:p}`acikgoz2025ttsi`; a model that learns to write its
# own training data: {cite:t}`zweiger2025seal`.
