# %% [markdown]
# # Test-time LoRA
#
# **What do a few steps of training change, and are they really undone?**
#
# Between the first answer and the second, the agent trains for a handful of steps on what it wrote itself. You will
# see what that repairs and what it breaks, the equation behind it and the lines of PEFT that do it, and a check that
# nothing of it remains.

# %% tags=["parameters"]
profile = "tiny"
split = "single/unseen"  # of the examples and of the live part
seed = 0
samples = 5  # live adaptations before the check that all is reset
shown = 3  # fixed and broken rows to read
tau = None  # threshold of the gate, in [0, 1]; None: the profile's

# %% tags=["hide-input"]
import pandas as pd
import torch
from IPython.display import HTML, Markdown
from myst_nb import glue
from peft import LoraConfig, get_peft_model

from ttsi import benchmarks
from ttsi.benchmarks.toolworld import SPLITS
from ttsi.calls import render_calls
from ttsi.data import data_root
from ttsi.evaluation.comparison import (
    LABELS,
    accuracies,
    differences,
    effect_text,
    points_text,
    readable_accuracies,
    readable_differences,
    right_answers,
)
from ttsi.evaluation.statistics import auroc, mcnemar
from ttsi.evaluation.texts import interval_text
from ttsi.loop import SelfImprovement
from ttsi.prompts import answer_chat, transcript
from ttsi.runs.config import configure
from ttsi.runs.run import load_agent, load_samples
from ttsi.studies.families import CANDIDATES
from ttsi.studies.published import margins_of, read_study, replay
from ttsi_book.plots.accuracy import fixed_and_broken
from ttsi_book.plots.cards import change_card
from ttsi_book.plots.frame import style
from ttsi_book.plots.stacked import stage_seconds
from ttsi_book.plots.training import loss_curve

style()
config = configure(
    profile, split=split, seed=seed, **({} if tau is None else {"tau": tau})
)
tau, lora = config.loop.tau, config.loop.lora

# %% tags=["hide-input"]
published = read_study(data_root() / "results", "tt-si")
gated = replay(published, tau=tau)
tests = []
for name in SPLITS:
    rows = gated[gated["split"] == name]
    tests.append(
        {
            "label": name,
            **vars(mcnemar(rows["base_correct"], rows["greedy_correct"])),
        }
    )
tests = pd.DataFrame(tests)

# %% mystnb={"image": {"alt": "For each split, a bar to the right of the samples that adaptation fixed and a bar to the left of those that it broke."}, "figure": {"name": "fig-lora-fixed-broken", "caption": "Samples that adaptation fixed and samples that it broke, on every split. The test asks whether as many were fixed as broken."}}
fixed_and_broken(tests)

# %% [markdown]
# **Against base the few steps show {glue:text}`lora_effect`, and they are undone to the bit.** Over all splits, tuned TT-SI
# behind its gate fixed {glue:text}`lora_fixed` and broke {glue:text}`lora_broken` of {glue:text}`lora_n` samples, a change of
# {glue:text}`lora_points`. After {glue:text}`lora_adaptations` adaptations the base weights have the same bits as before.

# %% [markdown]
# ## What is fixed, what is broken
#
# An average hides that adaptation works in both directions. The figure counts, for every split of the published runs,
# the samples that were wrong before and right after, and the other way round, at the threshold of this profile.

# %% [markdown]
# Some of them to read, each with what was asked, expected, answered before and answered after.


# %% tags=["hide-input"]
def as_card(row):
    number = int(row.sample_id.split("/")[-1])
    sample = benchmarks.load(
        "toolworld", row.split, seed=row.seed, limit=number + 1
    )[-1]
    return change_card(
        row.sample_id,
        transcript(sample.request.messages),
        before=row.base_output,
        after=row.greedy_output,
        gold=render_calls(sample.gold),
    )


# %%
fixed = gated[~gated["base_correct"] & gated["greedy_correct"]]
fixed = fixed[fixed["split"] == split]
broken = gated[gated["base_correct"] & ~gated["greedy_correct"]]

# %% [markdown]
# Fixed:

# %% tags=["hide-input"]
cards = "".join(map(as_card, fixed.head(shown).itertuples()))
HTML(f"{cards}<p>{len(fixed)} fixed on {split}</p>")

# %% [markdown]
# Broken, on whichever split:

# %% tags=["hide-input"]
cards = "".join(map(as_card, broken.head(shown).itertuples()))
HTML(
    f"{cards}<p>{len(broken)} broken on all splits, "
    f"{(broken['split'] == split).sum()} of them on {split}</p>"
)

# %% [markdown]
# ## The equation in code
#
# LoRA {cite:p}`hu2021lora` leaves the weight $W$ of a linear layer as it is and adds a product of two thin matrices,
# the *adapter*:
#
# $$y = W x + \frac{\alpha}{r}\, B A x, \qquad A \in \mathbb{R}^{r \times d_\text{in}},\quad B \in \mathbb{R}^{d_\text{out} \times r}.$$
#
# Only $A$ and $B$ are trained. $B$ starts at zero, so the adapted model starts as the base model. The loss is the
# mean cross-entropy of the *answer's* tokens; the prompt, tools and request are read but not learned. Each step is
# one of AdamW on one practice example.
#
# The paper's settings, as far as they are known: rank 8, $\alpha$ 16, all linear layers, a learning rate of 1e-4, 5
# epochs. Optimizer, schedule and loss mask are not stated. This profile's:

# %% tags=["hide-input"]
pd.Series(
    {
        "rank": lora.rank,
        "alpha": lora.alpha,
        "layers": lora.targets,
        "acts on": {
            "adapted": "the whole prompt",
            "activated": "what follows the tool list",
        }[lora.prefix],
        "learning rate": f"{lora.learning_rate:g}, constant",
        "epochs": lora.epochs,
        "gradient clipping": lora.max_grad_norm or "none",
        "early stop": lora.stop_loss or "none",
    },
    name="value",
).to_frame()

# %% [markdown]
# The learning rate came from a prototype. It was checked against a slower and a faster one on validation samples
# ([](08_how_much_training)), not against the paper's.
#
# ## The same with PEFT
#
# First, a request that the loop adapts to, what it practised on and the losses that the library reports:

# %%
drawn = load_samples(config)[: 5 * samples]
improve = SelfImprovement(load_agent(config), config.loop)
tried = (
    (sample.request, improve(sample.request, seed=config.seed))
    for sample in drawn
)
request, answered = next(
    (pair for pair in tried if pair[1].adapted), (drawn[0].request, None)
)
examples = (
    [attempt.example for attempt in answered.written if attempt.example]
    if answered
    else []
)
examples = examples[: config.loop.k]
print(f"{request.id}: {len(examples)} examples to practise on")

# %% [markdown]
# Then the same by hand. These are the lines of PEFT {cite:p}`mangrulkar2022peft` that matter: wrap the model once,
# and mask the prompt's labels.

# %%
agent = load_agent(config)
layers = "all-linear" if lora.targets == "all-linear" else list(lora.targets)
model = get_peft_model(
    agent.model,
    LoraConfig(r=lora.rank, lora_alpha=lora.alpha, target_modules=layers),
)
trainable = [
    parameter for parameter in model.parameters() if parameter.requires_grad
]


def tokens(example):
    prompt = agent.prompt(answer_chat(example.messages), request.tools)
    answer = agent.completion(render_calls(example.calls))
    return torch.tensor([prompt + answer]), torch.tensor(
        [[-100] * len(prompt) + answer]
    )


# %%
optimizer = torch.optim.AdamW(
    trainable, lr=lora.learning_rate, weight_decay=0.0
)
losses = []
for _ in range(lora.epochs):
    for ids, labels in map(tokens, examples):
        loss = model(input_ids=ids, labels=labels).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())

# %% mystnb={"image": {"alt": "The loss on the practice examples at each step, for the library and for the loop written by hand."}, "figure": {"name": "fig-lora-loss", "caption": "Loss on the practice examples, step by step, as the library reports it and as the lines above compute it. Where there are several examples, the steps alternate between them. The two begin with different random A, so they agree exactly at the first step only."}}
library = answered.losses if answered else ()
curves = {
    "step": range(1, len(losses) + 1),
    "by hand": losses,
    "library": library,
}
loss_curve(pd.DataFrame(curves), x="step")

# %% tags=["hide-input"]
text = "No practice example was valid, so there is no curve."
if losses:
    text = (
        f"In {len(losses)} steps the loss went from {losses[0]:.2f} to "
        f"{losses[-1]:.2f} nats a token by hand, and from {library[0]:.2f} to "
        f"{library[-1]:.2f} in the library."
    )
Markdown(text)

# %% tags=["remove-cell"]
base_parameters = sum(
    parameter.numel() for parameter in model.parameters()
) - sum(map(torch.numel, trainable))
glue(
    "lora_share",
    f"{sum(map(torch.numel, trainable)) / base_parameters:.0%}",
    display=False,
)
glue("lora_first", f"{losses[0]:.2f}" if losses else "none", display=False)
glue("lora_last", f"{losses[-1]:.2f}" if losses else "none", display=False)
if losses:
    assert abs(losses[0] - library[0]) < 1e-5

# %% [markdown]
# ## Taking the adapter off
#
# The library wraps the model once and resets the adapter in place for each request, from a seed made of the run's
# seed and the request's id. After some adaptations, are the base weights what they were, and the base answers?

# %%
agent = load_agent(config)
probes = [
    agent.prompt(answer_chat(sample.request.messages), sample.request.tools)
    for sample in drawn[:3]
]
weights = [
    (parameter, parameter.detach().clone())
    for parameter in agent.model.parameters()
]
answers = [agent.generate([probe])[0] for probe in probes]

improve = SelfImprovement(
    agent, config.loop.model_copy(update={"adapt": "all"})
)
live = [
    improve(sample.request, seed=config.seed) for sample in drawn[:samples]
]

# %%
same_weights = all(
    torch.equal(parameter, before) for parameter, before in weights
)
same_answers = answers == [agent.generate([probe])[0] for probe in probes]
adaptations = sum(one.adapted for one in live)
print(
    f"after {adaptations} adaptations: base weights bit-equal: "
    f"{same_weights}, base answers the same: {same_answers}"
)
assert same_weights
assert same_answers

# %% [markdown]
# Answers do not depend on order either: the second time a request is adapted to, after all the others, its answer is
# the same.

# %%
again = improve(drawn[0].request, seed=config.seed)
print(
    "same answer:",
    again.output == live[0].output,
    "| same losses:",
    again.losses == live[0].losses,
)
assert (again.output, again.losses) == (live[0].output, live[0].losses)

# %% [markdown]
# ## How the settings were chosen
#
# On validation samples of `single/unseen` and `typed/unseen`, never on test samples. Each row changes one setting of
# the profile, which is the first row, or trains once on the training set (`sft`); every sample is adapted. `temperature-1`
# is the temperature at which practice is sampled; `k-4-draws-8` writes eight examples and trains on the first four valid
# ones. `valid` is the share of usable practice examples, and `p, Holm` is of McNemar's exact test against the profile on
# the same samples, adjusted for the number of rows.

# %%
tried = dict(
    tuple(read_study(data_root() / "selection", *CANDIDATES).groupby("family"))
)
right = right_answers({name: tried[name] for name in CANDIDATES})
others = differences(
    right,
    [
        (("profile", "direct"), (name, "direct"))
        for name in CANDIDATES
        if name != "profile"
    ],
)
written = {
    name: rows[["examples_valid", "examples_tried"]].sum()
    for name, rows in tried.items()
}
valid = {
    name: one["examples_valid"] / one["examples_tried"]
    for name, one in written.items()
    if one["examples_tried"]
}

# %% tags=["hide-input"]
shares = readable_accuracies(accuracies(right))["direct"]
against = readable_differences(others)
choices = {
    "exact match": shares.tolist(),
    "against profile": ["–", *against["points (95% interval)"]],
    "p, Holm": ["–", *against["p, Holm"]],
    "valid": [
        f"{valid[name]:.0%}" if name in valid else "–" for name in CANDIDATES
    ],
}
pd.DataFrame(choices, index=list(CANDIDATES))

# %% tags=["hide-input"]
profile_rows = tried["profile"]
effects = {row.after[0]: effect_text(row) for row in others.itertuples()}
better = [
    f"{name} shows {effect}"
    for name, effect in effects.items()
    if effect.startswith("a gain")
]
found = "No candidate shows a gain against the profile, so the profile stands."
if better:
    found = (
        f"Against the profile {' and '.join(better)}. The profile was not "
        "changed for it."
    )
sides = profile_rows[["base_correct", "greedy_correct"]].astype(bool)
pair = (("base", "direct"), ("profile", "direct"))
sides.columns = pd.MultiIndex.from_tuples(pair)
(of_profile,) = differences(sides, [pair]).itertuples()
Markdown(
    f"{found} `free`, the paper's way of asking as we read it, shows "
    f"{effects['free']}. Against base the profile itself shows "
    f"{effect_text(of_profile)}: {points_text(of_profile)} points. n = "
    f"{len(profile_rows):,} samples a row."
)

# %% tags=["remove-cell"]
glue(
    "selection_base",
    f"{profile_rows['base_correct'].mean():.1%}",
    display=False,
)
areas = {
    name: auroc(-column, ~profile_rows["base_correct"])
    for name, column in margins_of(profile_rows).items()
}
for key, name in (("ours", config.loop.estimator), ("rss", "rss-margin")):
    glue(f"selection_{key}", interval_text(areas[name], ".2f"), display=False)

# %% [markdown]
# The agent alone gets {glue:text}`selection_base` of these samples right. The intervals are wide: the choice is a
# reasonable one rather than the best one. On the same samples the margin of our gate finds wrong answers with an
# AUROC of {glue:text}`selection_ours`, the paper's with {glue:text}`selection_rss`.

# %% [markdown]
# ## What it costs
#
# Mean seconds by stage of adapted samples, one CPU thread, one request at a time, on a machine with nothing else to do.
# Tuned TT-SI, whose settings are this book's, writes its practice itself; in TT-D a teacher does; TT-ICL shows what
# tuned TT-SI wrote instead of training on it.

# %% tags=["hide-input"]
stages = ("answer", "uncertainty", "augmentation", "adaptation")
timing = (
    read_study(data_root() / "timing", "tt-si", "tt-d", "tt-icl")
    .query("adapted")
    .groupby("family", sort=False)
)
seconds = pd.DataFrame(
    {stage: timing[f"seconds_{stage}"].mean() for stage in stages}
).rename(index=LABELS)
timed = int(timing.size()["tt-si"])

# %% mystnb={"image": {"alt": "Stacked horizontal bars of the mean seconds of each stage of the loop for adapted samples of tuned TT-SI, TT-D and TT-ICL."}, "figure": {"name": "fig-lora-seconds", "caption": "Mean seconds by stage of samples that were adapted, on single/unseen. The answer stage counts both answers."}}
stage_seconds(seconds)

# %% tags=["hide-input"]
shares = seconds.div(seconds.sum(axis="columns"), axis="index")
parts = [
    f"{one['adaptation']:.0%} with *{name}*" for name, one in shares.iterrows()
]
Markdown(f"Training takes this share of the seconds: {'; '.join(parts)}.")

# %% tags=["remove-cell"]
sides = gated[["base_correct", "greedy_correct"]].astype(bool)
pair = (("base", "direct"), ("tt-si", "direct"))
sides.columns = pd.MultiIndex.from_tuples(pair)
(overall,) = differences(sides, [pair]).itertuples()
glue("lora_effect", effect_text(overall), display=False)
glue("lora_points", f"{points_text(overall)} points", display=False)
glue("lora_fixed", f"{tests['fixed'].sum():,}", display=False)
glue("lora_broken", f"{tests['broken'].sum():,}", display=False)
glue("lora_n", f"{tests['n'].sum():,}", display=False)
glue("lora_tau", f"{tau:g}", display=False)
glue("lora_adaptations", str(adaptations), display=False)
glue(
    "lora_seconds",
    f"{seconds.loc[LABELS['tt-si'], 'adaptation']:.2f}",
    display=False,
)
glue(
    "lora_seconds_all",
    f"{seconds.loc[LABELS['tt-si']].sum():.2f}",
    display=False,
)
glue("lora_timed", str(timed), display=False)

# %% [markdown]
# ## What we learned
#
# - Over all splits, at tau = {glue:text}`lora_tau`, adaptation fixed {glue:text}`lora_fixed` and broke
#   {glue:text}`lora_broken` of {glue:text}`lora_n` samples. [](06_results) sets this against a baseline that needs no
#   training.
# - The adapter has {glue:text}`lora_share` as many parameters as the model. In a model of billions the share is far
#   below one percent; a tiny model has thin layers.
# - On the request above the loss went from {glue:text}`lora_first` to {glue:text}`lora_last` nats a token.
# - After {glue:text}`lora_adaptations` live adaptations the base weights are bit-equal and the base answers the same.
# - Training takes {glue:text}`lora_seconds` of the {glue:text}`lora_seconds_all` seconds that an adapted sample
#   takes (mean of {glue:text}`lora_timed`); the rest is writing and reading.
#
# A loss that falls on self-written examples shows that they were learned, not that they were right.
#
# ## Things to try
#
# - The paper's learning rate: replace `config` by `configure(profile, split=split, seed=seed, learning_rate=1e-4)`.
#   Does the loss still move?
# - One practice example instead of several: `configure(profile, ..., k=1)`.
# - Another kind of request: `split = "parallel/unseen"`.
#
# ## References
#
# LoRA: {cite:t}`hu2021lora`. PEFT: {cite:t}`mangrulkar2022peft`. Test-time training: {cite:t}`sun2020ttt`,
# {cite:t}`akyurek2024ttt`.
