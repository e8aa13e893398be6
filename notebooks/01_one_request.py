# %% [markdown]
# # One request through the loop
#
# **What happens to one request when an agent practises on it before answering?**
#
# The one shown here was answered {glue:text}`one_request_before` before and {glue:text}`one_request_after` after
# {glue:text}`one_request_steps` steps of training on {glue:text}`one_request_trained` that the agent wrote itself. It took
# {glue:text}`one_request_seconds` seconds, and the model is then the same as before, to the bit.
#
# ```{glue} loop_figure
# ```
#
# {glue:text}`loop_says`
#
# Test-time self-improvement (TT-SI) {cite:p}`acikgoz2025ttsi` treats each request by itself. The agent answers and
# asks itself how sure it is. If it is not sure, a *gate* lets the request through: the agent writes a practice example in
# its manner, trains a small *adapter* on it, answers again, and takes the adapter off. The paper calls the three steps
# in between self-awareness (H), self-augmentation (G) and self-improvement (T). Nobody tells the agent the right answer at any point. This chapter
# follows one request all the way; the next ones look at each step over many requests.

# %% [markdown]
# ## Settings
#
# A *profile* holds every setting of a run. The cell below is the one to change.

# %% tags=["parameters"]
profile = "tiny"
split = "single/unseen"  # kind of request / words of its tools: known or not
seed = 0
candidates = 30  # requests among which the one shown is looked for
tau = None  # threshold of the gate, in [0, 1]; None: the profile's

# %% tags=["hide-input"]
import json

import pandas as pd
import torch
from IPython.display import HTML, Markdown
from myst_nb import glue

from ttsi.data import data_root
from ttsi.studies.published import read_study
from ttsi_book.plots.cards import card, change_card
from ttsi_book.plots.frame import style
from ttsi_book.plots.loop import Story, loop_figure
from ttsi_book.plots.stacked import stage_seconds
from ttsi_book.plots.training import loss_curve

style()

# %%
from ttsi import (
    SelfImprovement,
    adapter_for,
    configure,
    learned,
    load_agent,
    load_samples,
    practise,
    score,
    self_awareness,
)
from ttsi.prompts import answer_chat, transcript

config = configure(
    profile, split=split, seed=seed, **({} if tau is None else {"tau": tau})
)

# %% [markdown]
# ## A request worth watching
#
# Most requests are uneventful, so we look for one that is not: the first whose base answer is wrong and that the loop
# adapts to. This choice reads the labels, which the loop itself never does; it picks an illustration and says nothing
# about how often adaptation helps. [](06_results) does. Some nouns were held out of the agent's training, others are made
# up: the agent has to copy them from the tool list, and misspells what it has never seen.

# %%
samples = load_samples(config)[:candidates]
improve = SelfImprovement(load_agent(config), config.loop)


def is_eventful(sample):
    answered = improve(sample.request, seed=config.seed)
    return (
        answered.adapted
        and not score(answered.base_output, sample.gold).exact_match
    )


sample = next(filter(is_eventful, samples), samples[0])
request, gold = sample.request, sample.gold

# %% [markdown]
# In this book the whole loop is one call. It returns both answers, what was written in between, and where the time
# went:

# %%
answered = improve(request, seed=config.seed)
HTML(
    change_card(
        "The loop in one call",
        transcript(request.messages),
        before=answered.base_output,
        after=answered.output,
    )
)

# %% tags=["hide-input"]
right = {True: "right", False: "wrong"}
before, after = (
    score(output, gold).exact_match
    for output in (answered.base_output, answered.output)
)
practised = (
    "After practising" if answered.adapted else "No practice took place, so"
)
Markdown(
    f"The first answer is **{right[before]}**. {practised} the answer is "
    f"**{right[after]}**."
)

# %% mystnb={"image": {"alt": "A horizontal bar of the seconds that the request spent in each stage of the loop."}, "figure": {"name": "fig-one-request-seconds", "caption": "Where the time of this one request went. Answering counts twice where the request was adapted to: once before, once after."}}
stages = ["answer", "uncertainty", "augmentation", "adaptation"]
stage_seconds(
    pd.DataFrame([answered.seconds], index=["this request"], columns=stages)
)

# %% tags=["hide-input"]
longest = max(stages, key=lambda stage: answered.seconds[stage])
together = sum(answered.seconds[stage] for stage in stages)
Markdown(
    f"The longest stage of this request was *{longest}*: it took "
    f"{answered.seconds[longest] / together:.0%} of the time."
)

# %% [markdown]
# Now the same by hand, one step at a time, with a fresh copy of the agent.
#
# ## The request and the base answer
#
# An agent is given a conversation and a list of tools. This is the text that the model reads, up to the point where
# it is its turn to write; each tool is one line, with `?` after arguments that may be left out.

# %%
agent = load_agent(config)
prompt = agent.prompt(answer_chat(request.messages), request.tools)
print(agent.tokenizer.decode(prompt))

# %% [markdown]
# The base answer is what the model writes if it always takes the most probable token (greedy decoding).

# %%
base = agent.answer(request)
print(agent.decode(base))

# %% [markdown]
# We keep the model's raw scores (logits) on this prompt and answer, to compare them later.


# %%
def base_logits():
    with torch.inference_mode():
        return agent.model(torch.tensor([prompt + base])).logits


logits_before = base_logits()

# %% [markdown]
# ## H: is the agent sure?
#
# Self-awareness turns the model's probabilities into one number, the *margin* $u$ between 0 and 1: high if the agent
# is sure of its answer. There are several ways to do that ([](03_self_awareness) compares them). The paper's is the gap
# between the two most probable tools, as the next action; this book's profile takes the probability of the whole
# answer. What both look at is the evidence; the probability of each offered tool comes with it.

# %%
estimators = ["rss-margin", "call-probability", config.loop.estimator]
awareness = self_awareness(agent, request, base, estimators, seed=config.seed)
names = [tool.name for tool in request.tools]
pd.Series(awareness.tool_probabilities, index=names, name="probability").map(
    "{:.3f}".format
).to_frame()

# %% [markdown]
# The request is *adapted* if its margin is below the threshold *tau*; otherwise it is *left alone*, and its base answer
# stands. The two margins may disagree. RSS compares the tools on offer, and can be sure which of them is meant while the
# answer calls a tool that does not exist; the probability of the answer itself is low then.

# %%
margin = awareness.margins[config.loop.estimator]
uncertain = margin < config.loop.tau
for name, u in awareness.margins.items():
    print(f"{name}: u = {u:.3f}")
print(
    f"the gate looks at {config.loop.estimator}, tau = {config.loop.tau:g}, "
    f"uncertain: {uncertain}"
)

# %% [markdown]
# ## G: the agent writes its own practice
#
# Self-augmentation asks the same model for a tool call and a request that it would answer, over the same tools. What
# comes back is checked without any label: the call must be one of the offered tools with arguments that fit its
# schema, its values must occur in the request that was written for it, and the request must not be a copy of the one
# at hand. The *verdict* says what was found. Nothing that fails is replaced, and nothing checks whether the example
# is *correct*.
#
# With the profile `tiny` the program draws an offered tool and writes the opening of its call; the agent adds the
# arguments and the request (*hesitation*, [](04_self_augmentation)). So the tool's name is right by construction, and
# an example may help even where its request misspells the word.

# %%
loop, sample_seed, written = config.loop, answered.seed_of(), []
if uncertain:
    probabilities = awareness.tool_probabilities
    written = practise(agent, request, probabilities, loop, seed=sample_seed)
parts = [("request", transcript(request.messages))]
parts += [(attempt.verdict, attempt.text) for attempt in written]
HTML(card("What the agent wrote, and the verdict on each", parts))

# %% [markdown]
# ## T: practise, then answer
#
# The first valid examples (at most `k` of them), each with the tools that stand in its prompt, are the lessons that the
# agent trains on: a few steps of gradient descent on a LoRA adapter {cite:p}`hu2021lora`, a small matrix product added to each linear layer, while the model's own weights
# stay frozen. Inside the `with` block the agent answers with the adapter; behind it, the adapter is off.

# %%
valid = [attempt.example for attempt in written if attempt.example]
lessons = [(example, request.tools) for example in valid[: loop.k]]
losses, adapted = [], agent.decode(base)
if lessons:
    adapter = adapter_for(agent, loop.lora)
    with learned(adapter, lessons, seed=sample_seed) as losses:
        adapted = agent.decode(agent.answer(request))
print(adapted)

# %% mystnb={"image": {"alt": "A line that shows the loss on the practice examples at each optimizer step."}, "figure": {"name": "fig-one-request-loss", "caption": "The loss on the practice examples, step by step. Where there are several, the steps alternate between them, and so does the curve."}}
loss_curve(
    pd.DataFrame({"step": range(1, len(losses) + 1), "practice": losses}),
    x="step",
)

# %% tags=["hide-input"]
text = "This request was not trained on, so there is no curve."
if losses:
    text = (
        f"The loss was {losses[0]:.2f} nats a token (minus the natural "
        f"logarithm of its probability) at the first of {len(losses)} steps "
        f"and {losses[-1]:.2f} at the last."
    )
Markdown(text)

# %% [markdown]
# ## Forget
#
# The adapter is off, and the model computes what it did at the start. Not nearly: every logit has the same bits.

# %%
same_logits = torch.equal(logits_before, base_logits())
same_answer = adapted == answered.output
print("logits bit-equal after the reset:", same_logits)
print("by hand as in the loop:", same_answer)
assert same_logits
assert same_answer

# %% tags=["remove-cell"]
glue("one_request_margin", f"{margin:.3f}", display=False)
glue("one_request_tau", f"{config.loop.tau:g}", display=False)
glue(
    "one_request_valid",
    str(sum(attempt.verdict == "valid" for attempt in written)),
    display=False,
)
glue("one_request_written", str(len(written)), display=False)
glue("one_request_steps", str(len(losses)), display=False)
glue(
    "one_request_trained",
    f"{len(lessons)} example{'' if len(lessons) == 1 else 's'}",
    display=False,
)
glue("one_request_before", right[before], display=False)
glue("one_request_after", right[after], display=False)
glue(
    "one_request_seconds",
    f"{sum(answered.seconds[stage] for stage in stages):.1f}",
    display=False,
)

# %% tags=["remove-cell"]
published = (
    read_study(data_root() / "results", "tt-si")
    .query("sample_id == @request.id")
    .to_dict("records")
)
figure = "<p>The way of this request is not drawn.</p>"
says = "It was left alone, or it is not among the published runs."
for row in published if losses else ():
    valid = [
        one["text"]
        for one in json.loads(row["examples"])
        if one["verdict"] == "valid"
    ]
    story = Story(
        transcript(request.messages),
        tools=len(request.tools),
        before=row["base_output"],
        after=row["greedy_output"],
        right_before=row["base_correct"],
        right_after=row["greedy_correct"],
        margin=row["margin"],
        tau=loop.tau,
        practice=valid[: loop.k],
        losses=losses,
    )
    figure = loop_figure(story)
    says = (
        "This request, once around the loop. Its answers, its margin and its "
        "practice are those of tuned TT-SI, the loop with this book's "
        "settings, in the published runs, whose rows come with the book. Its "
        "losses were computed for this page."
    )
glue("loop_figure", HTML(figure), display=False)
glue("loop_says", says, display=False)

# %% [markdown]
# ## What we saw
#
# - The margin of this request is {glue:text}`one_request_margin`; tau is {glue:text}`one_request_tau`.
# - The agent wrote {glue:text}`one_request_written` practice examples, of which {glue:text}`one_request_valid` were
#   valid, and took {glue:text}`one_request_steps` optimizer steps.
# - Its answer was {glue:text}`one_request_before` before and {glue:text}`one_request_after` after, and the request
#   took {glue:text}`one_request_seconds` seconds on one CPU thread.
# - The model is, to the bit, the one that we began with.
#
# One request proves nothing about the method. It was picked because its base answer was wrong, which leaves only one
# direction for the answer to change in.
#
# ## Things to try
#
# - Another request: `seed = 1`, or a harder kind with `split = "dialogue/unseen"`.
# - A gate that adapts hardly anything: `tau = 0.1`. If no request among the candidates is adapted, the first is
#   shown as it is.
# - The same from the command line, beside the published book: `ttsi book --only 01 -p seed=1 --out scratch`.
#
# ## References
#
# The loop is that of {cite:t}`acikgoz2025ttsi`; training on a test input before answering goes back to
# {cite:t}`sun2020ttt`, for language models {cite:t}`akyurek2024ttt`. The full list is under [](../references).
