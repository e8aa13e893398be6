# %% [markdown]
# # Self-augmentation
#
# **What does the agent write when it must make its own practice, and how much of it is usable?**
#
# A practice example is a request with the calls that answer it. The agent writes both, from nothing but the request
# at hand and its tools. Nobody checks whether the calls are right, so what can be checked without a label decides
# what it trains on. Here it writes live, on validation requests with unseen tools, and you can read it.

# %% tags=["parameters"]
profile = "tiny"
samples = 5  # requests of each unseen split
draws = 4  # examples written for each request
temperature = 0.7
seed = 0

# %% tags=["hide-input"]
from typing import get_args

import pandas as pd
from IPython.display import HTML, Markdown, display
from myst_nb import glue

from ttsi.augmentation import VALID, augment
from ttsi.benchmarks.toolworld import SPLITS
from ttsi.estimators.tools import relative_softmax_scores
from ttsi.evaluation.statistics import (
    difference_interval,
    mean_interval,
    proportion_interval,
)
from ttsi.evaluation.texts import interval_text
from ttsi.prompts import transcript
from ttsi.records import seed_for
from ttsi.runs.config import configure
from ttsi.runs.run import load_agent, load_samples
from ttsi.settings import Elicitation
from ttsi.uncertainty import Evidence
from ttsi_book.plots.cards import card
from ttsi_book.plots.frame import percent, style
from ttsi_book.plots.stacked import example_verdicts

style()
config = configure(profile, subset="validation", seed=seed)
samples = min(samples, max(1, config.limit // 3))

# %% tags=["hide-input"]
agent = load_agent(config)
requests = []
for split in (name for name in SPLITS if name.endswith("unseen")):
    drawn = load_samples(
        config.model_copy(update={"split": split, "limit": samples})
    )
    requests += [sample.request for sample in drawn]


# %% tags=["hide-input"]
def write(elicitation):
    attempts = augment(
        agent,
        requests,
        probabilities,
        elicitation=elicitation,
        instruction=config.loop.practice_instruction,
        draws=draws,
        temperature=temperature,
        seeds=seeds,
    )
    ids = [request.id for request in requests]
    return dict(zip(ids, attempts, strict=True))


evidence = [Evidence(agent, request, answer=()) for request in requests]
probabilities = [relative_softmax_scores(one.names) for one in evidence]
seeds = [seed_for(config.seed, request.id) for request in requests]
ways = get_args(Elicitation)
written = {way: write(way) for way in ways}

# %% tags=["hide-input"]
rows = [
    {
        "way": way,
        "request": request_id,
        "text": attempt.text,
        "verdict": attempt.verdict,
    }
    for way in ways
    for request_id, attempts in written[way].items()
    for attempt in attempts
]
table = pd.DataFrame(rows)
verdicts = [VALID, *sorted(set(table["verdict"]) - {VALID})]
counts = pd.crosstab(table["way"], table["verdict"]).reindex(
    index=ways, columns=verdicts, fill_value=0
)

# %% mystnb={"image": {"alt": "Stacked bars of the verdicts on practice examples by each way to ask."}, "figure": {"name": "fig-augmentation-verdicts", "caption": "What became of the practice examples that the agent wrote, by the way it was asked. Only valid ones are trained on."}}
example_verdicts(counts)

# %% [markdown]
# **Of its examples {glue:text}`valid_free` are valid if it is asked freely.** If the call is begun for it (*hesitation*), it
# is {glue:text}`valid_hesitation`. If its calls are held to a grammar (*constrained*), it is {glue:text}`valid_constrained`.

# %% [markdown]
# ## Three ways to ask
#
# - **free**: the agent is asked for a practice example and writes all of it. This is how we read the paper; its
#   prompt is not published.
# - **hesitation**: the tool of the call is drawn from the probabilities that the agent gives the offered tools, and
#   the opening of that call is put into its mouth; it completes the arguments, then writes the request. It practises
#   on the tools that it hesitates between, and an offered tool's name is spelled right by construction.
# - **constrained**: the agent writes all of it, but a grammar fixes the names in its calls: an offered tool, and
#   arguments of that tool. It neither requires an argument nor checks its type, so a call can still break the schema.
#
# The second gives the agent's own hesitation back to it; none reads a label. The requests, seeds
# and temperature of the figure are the same for all.

# %% [markdown]
# ## What can be wrong
#
# | verdict | what it means |
# |---|---|
# | valid | none of the below |
# | not an example | no complete call, a malformed one, or no request after it |
# | tool not offered | a call of a tool that is not on the list, often a misspelled copy |
# | arguments break the schema | a required argument missing, an unknown one, or a wrong type |
# | value not in its request | the call holds a value that the written request does not say |
# | copy of the request | the written request is the test request itself |
# | duplicate | the same text as an earlier example for this request |
#
# Whether the call is the *right* one for the written request is not on the list: that would take a label, or a better
# model.
#
# ## Read some
#
# A request, and the first example of each way:

# %% tags=["hide-input"]
read = set()
for request in requests[::samples]:
    parts = [("request", transcript(request.messages))]
    for way in ways:
        first = written[way][request.id][0]
        parts.append((f"{way}: {first.verdict}", first.text))
        read.add(first.verdict)
    display(HTML(card(request.id.split("/")[1], parts)))

# %% tags=["hide-input"]
unread = table[~table["verdict"].isin(read)].drop_duplicates("verdict")
parts = [
    (f"{one.verdict} ({one.way})", one.text) for one in unread.itertuples()
]
if parts:
    display(HTML(card("The first of each other verdict that occurred", parts)))

# %% [markdown]
# ## How much is valid
#
# Examples for one request resemble each other, so the request is the unit: for each, the share of its examples that
# is valid, and whether there is at least one.

# %%
shares = table.assign(valid=table["verdict"] == VALID).pivot_table(
    "valid", "request", "way", aggfunc="mean"
)
valid = {way: mean_interval(shares[way]) for way in ways}
covered = {
    way: proportion_interval(int((shares[way] > 0).sum()), len(shares))
    for way in ways
}
summary = {"valid examples": valid, "requests with one": covered}
cells = {
    name: {way: interval_text(found, ".0%") for way, found in one.items()}
    for name, one in summary.items()
}
pd.DataFrame(cells).reindex(ways).rename_axis(
    "share (95% interval)", axis="columns"
)

# %% tags=["hide-input"]
lines = []
for way in ways[1:]:
    difference = difference_interval(shares["free"], shares[way])
    found = (
        "more"
        if difference.low > 0
        else "fewer"
        if difference.high < 0
        else None
    )
    does = f"gives {found}" if found else "is not shown to give more or fewer"
    lines.append(
        f"- *{way}* {does} valid examples than *free*: "
        f"{interval_text(difference, 'points')} points."
    )
Markdown(
    f"Over {len(shares)} requests, with 95% intervals:\n\n" + "\n".join(lines)
)

# %% tags=["remove-cell"]
for way in ways:
    glue(f"valid_{way}", percent(valid[way]), display=False)
    glue(f"covered_{way}", f"{covered[way].estimate:.0%}", display=False)
    failures = counts.loc[way].drop(VALID)
    glue(
        f"failure_{way}",
        str(failures.idxmax()) if failures.sum() else "none",
        display=False,
    )
glue("augmentation_written", f"{len(table):,}", display=False)
glue("augmentation_requests", str(len(requests)), display=False)

# %% [markdown]
# ## What we learned
#
# - For {glue:text}`augmentation_requests` requests the agent wrote {glue:text}`augmentation_written` examples.
# - Valid, asked freely: {glue:text}`valid_free`. The most frequent fault: {glue:text}`failure_free`.
# - Valid, asked by hesitation: {glue:text}`valid_hesitation`. The most frequent fault:
#   {glue:text}`failure_hesitation`.
# - Valid, with the calls constrained: {glue:text}`valid_constrained`. The most frequent fault:
#   {glue:text}`failure_constrained`.
# - At least one valid example, and so a chance to adapt at all: {glue:text}`covered_free` of the requests asked
#   freely, {glue:text}`covered_hesitation` by hesitation, {glue:text}`covered_constrained` constrained. The others
#   keep their base answer, and the row of the run says so.
#
# These are validation requests: the published runs' way was chosen on such, never on test samples, when the constrained way did not
# exist yet. *Valid* is a property of form. An example whose tool does not mean what its request says is valid
# here.
#
# ## Things to try
#
# - A cooler or warmer pen: `temperature = 0.2`, `temperature = 1.2`. Duplicates against nonsense.
# - More tries for each request: `draws = 8`. What happens to the requests with at least one?
# - A tighter interval: `samples = 20`.
#
# ## References
#
# Self-augmentation: {cite:t}`acikgoz2025ttsi`; a model that writes its own training data, with a learned policy:
# {cite:t}`zweiger2025seal`.
