# %% [markdown]
# # How fast
#
# **What does an adaptation cost if many are computed at once, and if a prompt is read only once?**

# %% tags=["parameters"]
profile = "tiny"
samples = 8  # requests to adapt to, live
workers_hours = 24  # in which a million requests are to be served
price = 1.0  # of an hour of two CPU cores, in your currency
gpu_price = 40.0  # of an hour of one GPU
start_seconds = 30  # until a worker serves its first request
seed = 0

# %% tags=["hide-input"]
from time import perf_counter

import pandas as pd
from IPython.display import Markdown
from myst_nb import glue

from ttsi.backends import adapter_for
from ttsi.data import data_root
from ttsi.evaluation.comparison import (
    LABELS,
    differences,
    readable_differences,
)
from ttsi.evaluation.statistics import mean_interval
from ttsi.evaluation.texts import interval_text
from ttsi.models.loading import pinned
from ttsi.runs.config import configure
from ttsi.runs.run import load_agent, load_samples, prepared
from ttsi.speed.cases import QWEN
from ttsi.speed.reading import (
    BARS,
    GPU_BARS,
    GPU_ROOFLINE,
    GPU_SECONDS,
    bar_rows,
    ratio,
    read_bench,
    readable_bench,
    roofline_share,
    verdict,
)
from ttsi.speed.ways import TIMED_STAGES
from ttsi.speed.workload import toolworld
from ttsi.studies.published import read_study
from ttsi_book.analysis.fleet import fleet
from ttsi_book.analysis.profile import kinds_of_work
from ttsi_book.plots.frame import style
from ttsi_book.plots.speed import seconds_against
from ttsi_book.plots.stacked import stage_seconds

style()

# %% tags=["hide-input"]
table, made = read_bench(data_root() / "speed" / "cpu.parquet")
WAYS = ["naive", "sequential", "batched", "activated"]
tiny = table[
    (table["model"] == "tiny") & table["toolworld"] & (table["k"] == 1)
]
largest = tiny[
    tiny["batch"].isin([1, 64])
    & ((tiny["batch"] == 64) | ~tiny["way"].isin(["batched", "activated"]))
]
stages = (
    largest.groupby("way")[[f"seconds_{stage}" for stage in TIMED_STAGES]]
    .mean()
    .reindex(WAYS)
)
stages.columns = list(TIMED_STAGES)

# %% mystnb={"image": {"alt": "Stacked bars of the seconds of each stage, for the naive loop, the sequential one, the batched one and the one with a single prefill."}, "figure": {"name": "fig-speed-stages", "caption": "Seconds per adapted sample by stage: the tiny agent on toolworld's requests, one lesson, batches of 64 for the last two."}}
stage_seconds(stages)

# %% [markdown]
# **Against a loop that wraps the model anew for each request, batches are {glue:text}`speed_naive` times as fast on two CPU
# cores, and {glue:text}`speed_prefill` times with one prefill. On an H200 the architecture of the paper's smaller model,
# with random weights and {glue:text}`speed_gpu_batch` requests at once, takes {glue:text}`speed_gpu_seconds` seconds a
# request: {glue:text}`speed_gpu_times` times as fast as that loop on the same GPU, which takes
# {glue:text}`speed_gpu_naive` seconds.** A loop that adapts one request at a time runs the same tool list through the
# model for the answer, for its uncertainty, for each practice example and for each training step, and leaves the
# machine idle in between. There are two ways out. Batches give the same answers, which tests check. One prefill needs an adapter that leaves the tool list alone; its
# answers differ a little.
#
# ## Many adapters on one base
#
# Test-time LoRA {cite:p}`hu2021lora` leaves the base weights $W$ as they are, so that many samples can share them. A
# batch of $n$ samples has $n$ adapters; row $b$ of a batch goes through its own:
#
# $$y_b = W x_b + \frac{\alpha}{r}\, B_b A_b x_b.$$
#
# The product with $W$ is one large product for the whole batch, and those with $A_b$ and $B_b$ are batched small ones.
# The loss of an adapter is the mean over its own tokens, and the losses are *summed*: then no adapter's gradient knows
# of another, nor of how many there are. Each has its own gradient norm, its own Adam state and its own number of steps,
# and leaves the batch when it is done. So do rows that have finished their answer. The last layer computes queries,
# output and MLP for those tokens alone that a loss, a score or the next token is read from.
#
# The same request, with each backend:
#
# ```python
# # or "peft", or, on a GPU, "unsloth"
# config = configure("tiny", backend="batched")
# with prepared(config, load_agent(config)) as improve:
#     answers = list(improve.in_batches(requests, seed=0, at_once=64))
# ```

# %%
config = configure(
    profile, split="single/unseen", subset="validation", seed=seed, adapt="all"
)
requests = [sample.request for sample in load_samples(config)[:samples]]


def served(backend):
    chosen = config.model_copy(update={"backend": backend})
    with prepared(chosen, load_agent(chosen)) as improve:
        started = perf_counter()
        answers = list(
            improve.in_batches(
                requests,
                seed=seed,
                at_once=len(requests) if backend == "batched" else 1,
            )
        )
    return [one.output for one in answers], perf_counter() - started


one_by_one, slow = served("peft")
at_once, quick = served("batched")
same = sum(a == b for a, b in zip(one_by_one, at_once, strict=True))
print(
    f"{same} of {len(requests)} answers are the same; {slow / quick:.1f} "
    "times as fast, this once, on the machine that built this page"
)

# %% [markdown]
# What the tests prove, against PEFT and `generate` of `transformers`, one sample at a time: adapters within 1e-5 after
# training at the paper's settings, the same greedy and sampled answers, and in double precision a sample alone within
# 1e-12 of the same sample among 63 others, whatever the order and the lengths of the others. The base weights are
# bit-equal afterwards.
#
# ## One prefill
#
# All prompts of a sample begin with the tool list. Its keys and values are computed once and shared by the answer, the
# scores of all candidates (one pass) and the practice examples. Training cannot share them, since the adapter changes
# what the tool list means to the model, unless the adapter acts only *after* it: activated LoRA
# {cite:p}`greenewald2025alora`. Then a training step touches the short rest alone. What that loses in accuracy, on the
# published samples of [](06_results) (every sample adapted):

# %%
rows = read_study(data_root() / "results", "base", "tt-si", "tt-si-activated")
rows = rows[rows["split"].str.endswith("/unseen")]
right = rows.pivot(
    index="sample_id", columns="family", values="greedy_correct"
).astype(bool)
right.columns = pd.MultiIndex.from_product([right.columns, ["direct"]])
pairs = [
    ("base", "tt-si"),
    ("base", "tt-si-activated"),
    ("tt-si", "tt-si-activated"),
]
cost = differences(
    right, [((before, "direct"), (after, "direct")) for before, after in pairs]
)
readable_differences(cost).set_axis(
    [f"{LABELS[after]} against {LABELS[before]}" for before, after in pairs]
).rename_axis(f"unseen splits, n = {len(right)}", axis="columns")

# %% tags=["hide-input"]
loss = cost.iloc[2]
if loss["high"] < 0:
    told = "activated adapters lose accuracy"
elif loss["low"] >= 0:
    told = "activated adapters are not worse"
else:
    told = (
        "no loss that these samples can tell from chance. The profile `tiny` "
        "keeps adapters that act on all of a prompt, as the paper's do, and "
        "the profile `real` uses activated ones"
    )
Markdown(told[0].upper() + told[1:] + ".")

# %% [markdown]
# ## What was measured
#
# Each way adapts to the same requests: an answer, the scores of the tools, practice, five steps on each lesson, an
# answer. The lessons are given, so that all train on the same. `naive` wraps the model with PEFT for each sample,
# `sequential` wraps it once and resets the adapter in place; both use `generate`, score all tools in one batch, and run
# on the number of threads that suits them best. `batched` shares the tool list in all stages but training, `activated`
# in training, too. Within a repetition the ways take turns, so ratios within a case are fair; cases follow each other,
# and what else the machine did may have met one of them more than another.

# %% tags=["hide-input"]
facts = {
    "device": made.device,
    "repetitions": made.config["repeats"],
    "date (UTC)": made.started[:10],
    "torch": made.versions["torch"],
    "commit": (made.commit or "unknown")[:10],
}
pd.Series(facts, name="this benchmark").to_frame()

# %%
batches = tiny[tiny["way"].isin(["batched", "activated"])]
points = [
    {"way": way, "batch": batch, **vars(mean_interval(of_point["seconds"]))}
    for (way, batch), of_point in batches.groupby(["way", "batch"], sort=False)
]

# %% mystnb={"image": {"alt": "Two lines of seconds per adapted sample against the number of samples in a batch."}, "figure": {"name": "fig-speed-batch", "caption": "Seconds per adapted sample against the batch, the tiny agent on toolworld's requests."}}
seconds_against(pd.DataFrame(points), column="batch", label="samples at once")

# %%
random = table[(table["model"] == "tiny") & ~table["toolworld"]]
points = [
    {"way": way, "prefix": prefix, **vars(mean_interval(of_point["seconds"]))}
    for (way, prefix), of_point in random.groupby(
        ["way", "prefix"], sort=False
    )
]

# %% mystnb={"image": {"alt": "Three lines of seconds per adapted sample against the number of tokens of the shared prefix."}, "figure": {"name": "fig-speed-prefix", "caption": "Seconds per adapted sample against the length of what its prompts share: random tokens, the tiny agent, an example of 120 tokens and answers of 60."}}
seconds_against(
    pd.DataFrame(points), column="prefix", label="tokens of the shared prefix"
)

# %% [markdown]
# Tokens a second by stage, those that are computed once for several stages counted in each:

# %%
rates = (
    largest.groupby("way")[[f"tokens_{stage}" for stage in TIMED_STAGES]]
    .mean()
    .reindex(WAYS)
)
rates.columns = list(TIMED_STAGES)
(rates / stages).map("{:,.0f}".format)

# %% [markdown]
# All cases: a way and its batch, on two threads or, where that is faster, on one. Memory is what it took at its peak
# beyond the model, for all samples of the batch together:

# %%
readable_bench(table)

# %% [markdown]
# ## What was hoped for
#
# Ratios of seconds within a repetition. The numbers hoped for were written down before these measurements, those for a
# CPU after earlier ones:


# %%
def judged(measured, bar):
    found = ratio(bar_rows(measured, bar), bar.slow, bar.fast)
    return {
        "batch": bar.batch,
        "times as fast": interval_text(found, ".1f", with_n=True),
        "hoped for": f"{bar.at_least:g}",
        "verdict": verdict(found, at_least=bar.at_least),
    }


hopes = pd.DataFrame({bar.what: judged(table, bar) for bar in BARS}).T
hopes

# %% [markdown]
# What is left? PyTorch's profiler sorts the seconds of training by kind of operation, here, on the same lessons one at a
# time and as one batch:


# %% tags=["hide-input"]
def training_work(backend, at_once):
    chosen = config.model_copy(update={"backend": backend})
    agent = load_agent(chosen)
    adapter = adapter_for(agent, chosen.loop.lora)
    work = toolworld(agent, len(requests), k=1)
    lessons = [one.lessons for one in work]

    def train():
        for start in range(0, len(lessons), at_once):
            numbers = range(len(lessons[start : start + at_once]))
            adapter.fit_ids(
                [lessons[start + n] for n in numbers],
                seeds=numbers,
                indices=numbers,
            )

    train()  # which warms up
    return kinds_of_work(train) / len(lessons)


kinds = pd.DataFrame(
    {
        "one at a time": training_work("peft", 1),
        "batched": training_work("batched", len(requests)),
    }
)
faster = kinds["one at a time"] / kinds["batched"]
kinds.map("{:.3f} s".format).assign(
    **{"times as fast": faster.map("{:.1f}".format)}
).rename_axis("a request, five steps")

# %% tags=["hide-input"]
share = stages.div(stages.sum(axis="columns"), axis="index")["adaptation"]
of_batched = kinds["batched"] / kinds["batched"].sum()
passes = of_batched[["copies", "element by element"]].sum()
Markdown(
    f"Training is {share['batched']:.0%} of the seconds of a batched "
    f"adaptation, and {share['sequential']:.0%} of the sequential loop's. "
    "A batch does nearly the same arithmetic in larger pieces, and spares "
    "what stands around them. What is left is "
    f"{of_batched['products of matrices']:.0%} products of matrices and "
    f"{passes:.0%} passes over memory: activations, norms and copies. One "
    "prefill spares both, the more the longer the prefix."
)

# %% [markdown]
# What does a user get who chooses nothing? Whole runs of `ttsi run --profile tiny`, behind the gate, against the same with
# `--backend peft`, in turns:

# %% tags=["hide-input"]
BY_DEFAULT = 4.0  # times, hoped for
whole, _ = read_bench(data_root() / "speed" / "default.parquet")
turns = whole.pivot(index="repeat", columns="way")
measured = {
    "the whole command": "seconds",
    "its samples, without start-up": "seconds_rows",
}
rows = {}
for what, column in measured.items():
    one, other = (
        mean_interval(turns[column][way]) for way in ("peft", "default")
    )
    faster = mean_interval(turns[column]["peft"] / turns[column]["default"])
    rows[what] = {
        "--backend peft, s": interval_text(one, ".1f"),
        "by default, s": interval_text(other, ".1f"),
        "times as fast": interval_text(faster, ".1f", with_n=True),
        "hoped for": f"{BY_DEFAULT:g}",
        "verdict": verdict(faster, at_least=BY_DEFAULT),
    }
pd.DataFrame(rows).T.rename_axis(f"{whole['samples'].iloc[0]:.0f} requests")

# %% [markdown]
# ## On a GPU
#
# Unsloth {cite:p}`han2023unsloth` fuses what a LoRA step does into kernels of its own and saves memory; it adapts one sample
# after the other. At one short sequence the time goes into launching kernels, whatever they compute. Batches launch the
# same kernels for many samples at once, and a decoding step is captured as one CUDA graph
# (`ttsi.backends.batched.steps`). `--backend unsloth` runs Unsloth (extra `gpu`).

# %% tags=["hide-input"]
files = [
    data_root() / "speed" / f"{name}.parquet" for name in ("gpu", "unsloth")
]
shape = pinned(QWEN, data_root() / "models.toml").shape
(ours, on_gpu), (unsloth, _) = map(read_bench, files)
gpu_table = pd.concat([ours, unsloth])
readable_bench(gpu_table)

# %% tags=["hide-input"]
pd.DataFrame({bar.what: judged(gpu_table, bar) for bar in GPU_BARS}).T

# %% tags=["hide-input"]
quickest = bar_rows(gpu_table, GPU_BARS[0]).query("way == @GPU_BARS[0].fast")
spent = mean_interval(quickest["seconds"])
reached = roofline_share(quickest, shape, on_gpu.device)
speed_gpu = (
    f"{interval_text(spent, '.3f')} s an adapted sample "
    f"(hoped for: at most {GPU_SECONDS:g})"
)
if reached:
    speed_gpu += (
        f", {interval_text(reached, '.0%')} of the roofline in training "
        f"(hoped for: {GPU_ROOFLINE:.0%}, "
        f"{verdict(reached, at_least=GPU_ROOFLINE)})"
    )
alone = gpu_table[gpu_table["model"] == QWEN].query("prefix == 600 and k == 1")
against_naive = ratio(
    alone[alone["way"].isin(["naive", "unsloth"]) & (alone["batch"] == 1)],
    "naive",
    "unsloth",
)
parts = quickest[[f"seconds_{stage}" for stage in TIMED_STAGES]].mean()
training = parts["seconds_adaptation"] / parts.sum()
Markdown(
    f"Measured on one {on_gpu.device}, the architecture of Qwen2.5-1.5B with "
    f"random weights in bfloat16, {on_gpu.config['repeats']} repetitions, "
    f"commit {(on_gpu.commit or '')[:8]}: {speed_gpu}. Training is "
    f"{training:.0%} of it. A step of training launches thousands of kernels, "
    "of which the norms, the adapters and the cache each pass over memory "
    "once more; probably that, not the products, bounds it. It was not "
    "profiled. Unsloth, one sample after "
    f"the other, is {interval_text(against_naive, '.2f')} times as fast as "
    "the naive loop of PEFT. The other cases of the plan "
    "(`ttsi.speed.cases`) are not measured yet; `make bench-gpu` goes on "
    "with them."
)

# %% [markdown]
# ## A million requests
#
# Requests are independent, so more machines serve more of them: `ttsi run --workers 2` maps them over a pool of
# workers, one agent on each. From the seconds above, with one practice example a request, every request adapted:

# %% tags=["hide-input"]
best = largest.groupby("way")["seconds"].mean()
on_cpu = "two cores"
small = table[table["model"] == "135M"].groupby("way")["seconds"].mean()
naive_on_gpu = alone.query("way == 'naive'")["seconds"].mean()
seconds_of = {
    ("tiny agent, toolworld, batched", on_cpu): best["batched"],
    ("135M, 600-token prefix, one prefill", on_cpu): small["activated"],
    ("1.5B, 600-token prefix, one prefill", on_gpu.device): spent.estimate,
    ("1.5B, the naive loop", on_gpu.device): naive_on_gpu,
}
plans = {
    work: vars(
        fleet(
            1_000_000,
            seconds=seconds,
            hours=workers_hours,
            start_seconds=start_seconds,
            price_an_hour=price if work[1] == on_cpu else gpu_price,
        )
    )
    for work, seconds in seconds_of.items()
}
forms = {
    "workers": "{:,.0f}",
    "hours": "{:.1f}",
    "worker_hours": "{:,.0f}",
    "cost": "{:,.0f}",
}
planned = pd.DataFrame(
    {
        name: pd.DataFrame(plans).loc[name].map(form.format)
        for name, form in forms.items()
    }
)
planned.rename(columns=lambda name: name.replace("_", " "))

# %% [markdown]
# A worker is two such cores, or one such GPU; the cost is its hours at `price` or `gpu_price`. What bounds it is
# arithmetic: starting takes a share that vanishes, the results are a few hundred bytes a request, and nothing is exchanged
# between workers.

# %% tags=["remove-cell"]
for bar, key in zip(BARS, ("naive", "prefill", "real"), strict=True):
    times = ratio(bar_rows(table, bar), bar.slow, bar.fast)
    glue(f"speed_{key}", interval_text(times, ".1f"), display=False)
    glue(
        f"speed_{key}_verdict",
        f"{hopes.loc[bar.what, 'verdict']} (hoped for: {bar.at_least:g})",
        display=False,
    )
for way in WAYS:
    glue(f"speed_seconds_{way}", f"{best[way]:.2f}", display=False)
glue(
    "speed_loss",
    f"{interval_text(loss, 'points', with_n=True)} points",
    display=False,
)
glue("speed_gpu", speed_gpu, display=False)
glue("speed_gpu_batch", str(GPU_BARS[0].batch), display=False)
glue("speed_gpu_seconds", f"{spent.estimate:.3f}", display=False)
of_naive = ratio(bar_rows(gpu_table, GPU_BARS[0]), "naive", "activated")
glue(
    "speed_gpu_times",
    f"{of_naive.estimate:.0f}",
    display=False,
)
glue("speed_gpu_naive", f"{naive_on_gpu:.1f}", display=False)
first, _, on_one_gpu, _ = plans.values()
glue("speed_workers", f"{first['workers']:.0f}", display=False)
glue("speed_gpus", f"{on_one_gpu['workers']:.0f}", display=False)
glue("speed_hours", f"{workers_hours:g}", display=False)

# %% [markdown]
# ## What we learned
#
# | way to adapt | seconds per adapted sample, two CPU cores |
# |---|---|
# | naive loop | {glue:text}`speed_seconds_naive` |
# | sequential, reset in place | {glue:text}`speed_seconds_sequential` |
# | batched | {glue:text}`speed_seconds_batched` |
# | batched, one prefill | {glue:text}`speed_seconds_activated` |
#
# - Batched against the naive loop: {glue:text}`speed_naive` times as fast, {glue:text}`speed_naive_verdict`.
# - With one prefill: {glue:text}`speed_prefill`, {glue:text}`speed_prefill_verdict`.
# - A model of 135 million parameters, one prefill against sequential: {glue:text}`speed_real`,
#   {glue:text}`speed_real_verdict`.
# - Activated adapters against those that act on all of a prompt: {glue:text}`speed_loss`.
# - On a GPU, the architecture of the paper's smaller model with random weights: {glue:text}`speed_gpu`.
# - A million requests in {glue:text}`speed_hours` hours, each with one given lesson: {glue:text}`speed_workers` machines
#   of two cores for the tiny agent, {glue:text}`speed_gpus` GPU for random weights in the shape of the paper's smaller
#   model.
#
# ## Things to try
#
# - More live requests: `samples = 32`.
# - The benchmark anew: `make bench` (about half an hour), or `make bench-gpu`.
# - Another deadline: `workers_hours = 1`.
#
# ## References
#
# Activated LoRA: {cite:t}`greenewald2025alora`. Systems that train many adapters on one base at once came before, for
# long fine-tunings on several GPUs: {cite:t}`ye2023mlora`.
