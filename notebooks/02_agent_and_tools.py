# %% [markdown]
# # The agent and its tools
#
# **Who is the agent, and what is it asked to do?**
#
# The agent of this book is a language model small enough to be trained, and adapted again for every request, on a
# laptop's CPU. Its world is generated: requests in plain English, a handful of tools, and the calls that answer them.
# You will see how good the agent is, what the world looks like, how a request becomes tokens, how the agent was
# trained, and a still smaller agent in training while the page is made.

# %% tags=["parameters"]
profile = "tiny"
steps = 600  # optimizer steps of the live training
seed = 0

# %% tags=["hide-input"]
import json
import tempfile
from pathlib import Path

import pandas as pd
from IPython.display import HTML, Markdown, display
from myst_nb import glue

from ttsi import benchmarks
from ttsi.agent import Agent
from ttsi.benchmarks.toolworld import SPLITS
from ttsi.calls import MalformedCall, parse_calls, render_calls
from ttsi.data import data_root
from ttsi.evaluation.statistics import proportion_interval
from ttsi.evaluation.texts import interval_text
from ttsi.models.loading import model_folder
from ttsi.prompts import answer_chat, practice_chat, transcript
from ttsi.runs.config import configure
from ttsi.runs.run import load_agent
from ttsi.scoring import score
from ttsi.studies.published import read_study
from ttsi.tiny.training import TrainingConfig, train
from ttsi_book.plots.accuracy import accuracy_dots
from ttsi_book.plots.cards import card
from ttsi_book.plots.frame import style
from ttsi_book.plots.training import loss_curve

style()
config = configure(profile, seed=seed)
agent = load_agent(config)

# %% tags=["hide-input"]
published = read_study(data_root() / "results", "base")
shares = []
for name in SPLITS:
    right = published.loc[published["split"] == name, "base_correct"]
    shares.append(
        {
            "method": "base",
            "split": name,
            **vars(proportion_interval(int(right.sum()), len(right))),
        }
    )
base = pd.DataFrame(shares)

# %% tags=["remove-cell"]
parameters = sum(parameter.numel() for parameter in agent.model.parameters())
by_split = base.set_index("split")["estimate"]
unseen = by_split[[name for name in SPLITS if name.endswith("unseen")]]
seen = by_split[[name for name in SPLITS if name.endswith("/seen")]]
glue("agent_parameters", f"{parameters / 1e6:.2f} million", display=False)
glue("agent_vocabulary", f"{len(agent.tokenizer):,}", display=False)
glue("agent_seen", f"{seen.min():.0%} to {seen.max():.0%}", display=False)
glue(
    "agent_unseen", f"{unseen.min():.0%} to {unseen.max():.0%}", display=False
)

# %% mystnb={"image": {"alt": "Dots of the exact match of the base agent on each of the eight splits of toolworld, with intervals."}, "figure": {"name": "fig-agent-base", "caption": "Exact match of the agent alone on every split of toolworld: four kinds of request, each with tools whose words occurred in training (seen) and tools whose words did not (unseen)."}}
accuracy_dots(base, row="split", series="method")

# %% [markdown]
# **It is a language model of {glue:text}`agent_parameters` parameters that knows one made-up world.** On tools whose words it
# knows it is right in {glue:text}`agent_seen` of the requests, depending on their kind; on words it never met, in
# {glue:text}`agent_unseen`. That gap is what practice can work on.

# %% [markdown]
# ## How good is it?
#
# An answer is right if its calls are exactly the expected ones: the same tools, the same arguments, the same values
# (*exact match*). The figure above shows the agent alone, before any adaptation, on the test samples of the runs that this
# book publishes.
#
# It has about a thousandth of the parameters of the paper's smallest model, and no knowledge of anything but this world.
# What it shows about the loop's mechanics carries over; its percentages do not.

# %% [markdown]
# ## toolworld: four kinds of request
#
# | kind | what is hard about it | in the manner of |
# |---|---|---|
# | `single` | several verbs on the same noun: which tool is meant? | Seal-Tools {cite:p}`wu2024sealtools`, which the paper calls SealTool |
# | `typed` | numbers, dates, enumerations; optional arguments | NexusRaven |
# | `dialogue` | a value stands in an earlier turn, perhaps corrected since | API-Bank {cite:p}`li2023apibank` |
# | `parallel` | two or three calls at once | ToolAlpaca {cite:p}`tang2023toolalpaca` |
#
# One test sample of each, the expected calls below it:


# %%
def show(tools):
    for kind in ("single", "typed", "dialogue", "parallel"):
        [drawn] = benchmarks.load(
            "toolworld", f"{kind}/{tools}", seed=config.seed, limit=1
        )
        asked = transcript(drawn.request.messages)
        parts = [("request", asked), ("calls", render_calls(drawn.gold))]
        display(HTML(card(f"{kind}/{tools}", parts)))


show("seen")

# %% [markdown]
# The same kinds with `unseen` tools. Their nouns, and all their made-up words, occur nowhere in training, so the agent must
# copy them from the tool list token by token instead of remembering them. Verbs, some argument names and ordinary values
# it has met:

# %%
show("unseen")

# %% [markdown]
# Training, validation and test samples cannot overlap, whatever the seeds: the text of a conversation decides which
# of the three it may belong to. A few requests are ambiguous on purpose ("get rid of" where both `cancel` and
# `delete` are offered); nobody can answer those reliably. The phrases are fixed: "take out" means `book`, "go over" means
# `check`, in training and test alike.
#
# ## What the model reads
#
# A tool is a name, a description and a JSON schema of its arguments, the form that every chat model's template takes:

# %%
[drawn] = benchmarks.load(
    "toolworld", "typed/unseen", seed=config.seed, limit=1
)
tool = drawn.request.tools[0]
print(json.dumps(tool.as_function()["function"], indent=1))

# %% [markdown]
# The agent's own chat template is terse: one line a tool, `?` after optional arguments, the type after a colon. The
# conversation follows, in ChatML.

# %%
prompt = agent.prompt(answer_chat(drawn.request.messages), drawn.request.tools)
print(agent.tokenizer.decode(prompt))

# %% [markdown]
# It has a second skill, which the loop needs: asked for a practice example, it writes a call and then a request that
# the call answers. The instruction stands before the request that the example should resemble:

# %%
instruction = config.loop.practice_instruction
print(practice_chat(drawn.request, instruction)[0]["content"])

# %% [markdown]
# ## The tokenizer
#
# Byte-level BPE with {glue:text}`agent_vocabulary` tokens, trained on the world's training text. A word known from
# training is one token or two; one that is not falls into pieces, and every piece is one more chance to copy wrongly.

# %%
for word in ("find_hotel", "track_lantern", tool.name, "tool_call"):
    print(
        word,
        "->",
        " · ".join(agent.tokenizer.convert_ids_to_tokens(agent.encode(word))),
    )

# %% [markdown]
# ## How it was trained
#
# From random weights (Qwen3's architecture, {cite:t}`yang2025qwen3`), on an endless stream of generated lessons: most
# ask for an answer, the others for a practice example. The loss counts the answer in full and the prompt a little,
# since repeating a tool's name within a request is where copying is learned.

# %% tags=["hide-input"]
log = pd.read_parquet(model_folder(config.model) / "training.parquet")
log["tokens"] = log["tokens"].cumsum()
smooth = log.rolling(25, min_periods=1)["loss"].mean()
shipped = pd.DataFrame({"tokens": log["tokens"], "the book's agent": smooth})

# %% mystnb={"image": {"alt": "The training loss of the agent that ships with the book, falling against the number of training tokens."}, "figure": {"name": "fig-agent-training", "caption": "Training loss of the agent that ships with the book (mean over 25 steps)."}}
loss_curve(shipped, x="tokens")

# %% tags=["hide-input"]
early = shipped["tokens"].searchsorted(0.1 * shipped["tokens"].iloc[-1])
Markdown(
    f"After a tenth of the tokens the loss was {smooth.iloc[early]:.2f} nats "
    f"a token, at the end it was {smooth.iloc[-1]:.2f}."
)

# %% [markdown]
# ## Train one yourself
#
# The same code, the same lessons, a far smaller model, and one CPU thread. It goes to a temporary
# folder that disappears with the page. At the smoke profile, which only asks whether everything runs, it takes a few
# steps.

# %%
steps = config.limit if profile == "smoke" else steps
small = {
    "hidden_size": 64,
    "layers": 2,
    "heads": 2,
    "feed_forward": 192,
    "rows": 4,
    "lessons_per_step": 10,
}
schedule = ((0, 0.0), (min(20, steps // 2), 1.0), (steps, 0.0))
plain = {"tokenizer_lessons": 500, "compile": False, "bfloat16": False}
with tempfile.TemporaryDirectory() as folder:
    live_log = pd.DataFrame(
        train(
            TrainingConfig(
                seed=config.seed, schedule=schedule, **small, **plain
            ),
            Path(folder),
            progress=False,
        )
    )
    live_agent = Agent.load(folder, max_new_tokens=40)

# %% tags=["hide-input"]
tokens = live_log["tokens"].cumsum()
live = pd.DataFrame(
    {
        "tokens": tokens,
        "trained on this page": live_log["loss"]
        .rolling(10, min_periods=1)
        .mean(),
    }
)
both = pd.concat([live, shipped[shipped["tokens"] <= tokens.max()]])

# %% mystnb={"image": {"alt": "Training loss against tokens for the small agent trained on this page and, for the same tokens, for the book's agent."}, "figure": {"name": "fig-agent-live", "caption": "Training loss of the agent that this page trained, and of the book's agent over the same number of tokens. The two read different text per step and cut it with different tokenizers, so compare the shape of the curves, not their height."}}
loss_curve(both, x="tokens")

# %% tags=["hide-input"]
first, last = live["trained on this page"].iloc[[0, -1]]
Markdown(
    f"Over the {tokens.iloc[-1]:,} tokens that this page trained on, its loss "
    f"went from {first:.2f} to {last:.2f} nats a token."
)

# %% [markdown]
# What such an agent writes (the first tokens of its answer to the request above):

# %%
live_prompt = live_agent.prompt(
    answer_chat(drawn.request.messages), drawn.request.tools
)
live_answer = live_agent.decode(live_agent.generate([live_prompt])[0])
print(live_answer)

# %% [markdown]
# ## Its teacher
#
# The paper also lets a stronger model write the practice examples (*test-time distillation*, TT-D). This book's
# stand-in for such a model, so that no chapter needs an account anywhere, is the *tiny teacher*: the tiny agent with
# each layer followed by a copy that adds nothing at first, as in LLaMA Pro {cite:p}`wu2024llamapro`,
# trained further, on the words of the unseen splits as well. It never saw a test conversation, but it knows words that
# the agent does not. [](09_who_writes_the_practice) asks it to write. The table counts its own training tokens, which
# come on top of the agent's, and scores both on a few validation samples of `single/unseen`.


# %% tags=["hide-input"]
def validated(one):
    drawn = benchmarks.load(
        "toolworld",
        "single/unseen",
        subset="validation",
        seed=config.seed,
        limit=min(config.limit, 25),
    )
    prompts = [
        one.prompt(answer_chat(sample.request.messages), sample.request.tools)
        for sample in drawn
    ]
    right = [
        score(one.decode(ids), s.gold).exact_match
        for ids, s in zip(one.generate(prompts), drawn, strict=True)
    ]
    share = proportion_interval(sum(right), len(right))
    return interval_text(share, ".0%", with_n=True)


# %% tags=["hide-input"]
teacher = load_agent(config.model_copy(update={"model": config.teacher_model}))
folders = {
    "tiny agent": model_folder(config.model),
    "tiny teacher": model_folder(config.teacher_model),
}
facts = {}
for (name, folder), one in zip(folders.items(), (agent, teacher), strict=True):
    made = json.loads((folder / "training.json").read_text())["config"]
    steps_taken = pd.read_parquet(folder / "training.parquet")
    trained_on = steps_taken["tokens"].sum()
    facts[name] = {
        "layers": made["layers"],
        "parameters": f"{one.model.num_parameters() / 1e6:.2f} million",
        "training tokens": f"{trained_on / 1e6:.1f} million",
        "lessons with words of the unseen splits": (
            f"{made.get('reserved_share', 0):.0%}"
        ),
        "exact match (95% interval)": validated(one),
    }
pd.DataFrame(facts)

# %% tags=["remove-cell"]
glue("training_minutes", f"{log['seconds'].sum() / 60:.0f}", display=False)
glue("training_steps", f"{len(log):,}", display=False)
glue(
    "training_tokens",
    f"{log['tokens'].iloc[-1] / 1e6:.1f} million",
    display=False,
)
glue("training_loss", f"{smooth.iloc[-1]:.2f}", display=False)
try:
    well_formed = bool(parse_calls(live_answer))
except MalformedCall:
    well_formed = False
glue(
    "live_form",
    f"is {'a' if well_formed else 'no'} well-formed call",
    display=False,
)
glue("live_seconds", f"{live_log['seconds'].sum():.0f}", display=False)
glue("live_steps", f"{len(live_log):,}", display=False)
glue("live_tokens", f"{tokens.iloc[-1]:,}", display=False)
glue("live_first", f"{live_log['loss'].iloc[0]:.2f}", display=False)
glue(
    "live_last", f"{live['trained on this page'].iloc[-1]:.2f}", display=False
)

# %% [markdown]
# ## What we learned
#
# - The book's agent took {glue:text}`training_steps` steps over {glue:text}`training_tokens` tokens,
#   {glue:text}`training_minutes` minutes in all, to a loss of {glue:text}`training_loss` nats a token.
# - The one on this page took {glue:text}`live_steps` steps over {glue:text}`live_tokens` tokens in
#   {glue:text}`live_seconds` seconds; its loss went from {glue:text}`live_first` to {glue:text}`live_last`. What it
#   answered above {glue:text}`live_form`.
# - Exact match is {glue:text}`agent_seen` on seen tools and {glue:text}`agent_unseen` on unseen ones. That gap is
#   what adaptation can work on.
#
# Toolworld says nothing about the paper's own benchmarks and models. [](12_the_papers_benchmarks) looks at those
# benchmarks, and [](14_a_real_model) runs a real model on them.
#
# ## Things to try
#
# - Train longer: `steps = 2000`, or a wider model with `"hidden_size": 128` in the cell above.
# - See other samples: `seed = 1`.
# - Make the book's agent yourself: `ttsi agent train --out DIR`.
#
# ## References
#
# Architecture {cite:p}`yang2025qwen3`; library {cite:p}`wolf2020transformers`; the benchmarks that toolworld imitates
# {cite:p}`wu2024sealtools,li2023apibank,tang2023toolalpaca`.
