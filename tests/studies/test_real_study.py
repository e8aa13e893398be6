"""The study with a real language model: which runs it names, what they train on, and which of them a command takes."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ttsi.agent import Agent
from ttsi.benchmarks import load
from ttsi.cli import main
from ttsi.prompts import transcript
from ttsi.runs.config import RunConfig, configure
from ttsi.runs.run import load_agent, load_samples, prepared
from ttsi.studies import running
from ttsi.studies.real import CANDIDATES, FAMILIES, GREEDY, RESULTS, SELECTION, TIMING
from ttsi.studies.study import Study
from upstream_files import SEAL, bank_record, bank_tool, seal_record, write

STUDIES = (RESULTS, SELECTION, TIMING)


def of_family(study: Study, family: str) -> list[RunConfig]:
    return [config for name, config in study.runs() if name.split("/")[0] == family]


@pytest.mark.parametrize("study", STUDIES)
def test_names_are_unique_and_say_what_is_run(study):
    named = list(study.runs())
    assert len({name for name, _ in named}) == len(named)
    for name, config in named:
        assert name.endswith(f"/{config.benchmark}-{config.split}/seed-{config.seed}")
        assert config.profile == "real"
        assert config.loop.adapt == "all", "any gate is replayed afterwards"


def test_every_method_runs_on_every_benchmark_and_draws_five_times():
    counts = Counter((name.split("/")[0], name.split("/")[1]) for name, _ in RESULTS.runs())
    benchmarks = {split for _, split in counts}
    assert {split.split("-")[0] for split in benchmarks} == {"sealtool", "nexusraven", "apibank", "toolalpaca"}
    for family in FAMILIES:
        expected = dict.fromkeys(benchmarks, 1 if family in GREEDY else 5)
        assert {split: counts[family, split] for split in benchmarks} == expected
    assert {config.subset for _, config in RESULTS.runs()} == {"test"}
    assert {config.limit for _, config in RESULTS.runs()} == {None}, "every sample counts"


@pytest.mark.parametrize("study", STUDIES)
def test_the_papers_setting_is_what_is_known_of_it(study):
    found = of_family(study, "tt-si-paper")
    assert found
    for config in found:
        loop, lora = config.loop, config.loop.lora
        assert (loop.author, loop.in_context, loop.constrained) == ("self", False, False)
        assert (loop.estimator, loop.tau, loop.elicitation) == ("rss-margin", 0.95, "free")
        assert (loop.k, loop.draws) == (1, 1)
        assert (lora.learning_rate, lora.epochs, lora.rank, lora.alpha, lora.prefix) == (1e-4, 5, 8, 16, "adapted")


def test_no_setting_was_chosen_on_a_test_set():
    chosen = list(SELECTION.runs())
    assert Counter(name.split("/")[0] for name, _ in chosen) == dict.fromkeys(CANDIDATES, 2)
    assert {config.subset for _, config in chosen} == {"validation", "train"}
    assert all(config.limit for _, config in chosen)


def test_seconds_are_taken_from_published_families_on_few_samples():
    published = dict(RESULTS.runs())
    for name, config in TIMING.runs():
        assert config.limit
        assert config.model_copy(update={"limit": None}) == published[name]


def test_toolalpacas_real_apis_are_run_where_their_file_is_at_hand(tmp_path):
    def split(folder: Path) -> set[str]:
        return {config.split for _, config in RESULTS.runs(folder) if config.benchmark == "toolalpaca"}

    assert split(tmp_path) == {"simulated"}
    assert split(write(tmp_path, "toolalpaca")) == {"real"}


# -- what fine-tuning learns from -----------------------------------------------------------------------------------


@pytest.fixture
def agent(tiny_config: RunConfig) -> Agent:
    """The embedded agent; fine-tuning wraps its layers for good."""
    return load_agent(tiny_config)


def lessons_of(config: RunConfig, data: Path, agent: Agent) -> list[str]:
    """Return what is asked in the training set of a run."""
    with prepared(config, agent, data) as improve:
        return [transcript(example.messages) for example, _ in improve.lessons]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Invented files in which what is asked names the file."""

    def seal(said: str, index: int = 0) -> dict[str, Any]:
        record = seal_record(index)
        turn = record["conversations"][0]
        turn["value"] = turn["value"].replace('How high is the "tide"?', said)
        return record

    files = {name: [seal(f"{name}?")] for name in ("test_in_domain", "test_out_domain", "dev", "train")}
    files["dev"].append(seal("dev again?", 1))
    write(tmp_path, "sealtool", **{f"{SEAL}/{name}.json": records for name, records in files.items()})
    search = bank_tool("ToolSearcher", keywords="str")

    def bank(said: str) -> list[dict[str, Any]]:
        return [bank_record(f"User: {said}", "API-Request: [ToolSearcher(keywords='x')]", search)]

    trained = {f"api-bank/training-data/lv{level}-api-train.json": bank(f"train {level}?") for level in (1, 2, 3)}
    return write(tmp_path, "apibank", **trained)


@pytest.mark.parametrize(
    ("benchmark", "split", "said"),
    [
        ("sealtool", "test", ["dev?", "dev again?"]),
        ("apibank", "level-1", ["train 3?"]),
        ("apibank", "level-2", ["train 3?"]),
    ],
)
def test_fine_tuning_reads_the_subset_and_the_split_that_the_study_says(data, agent, benchmark, split, said):
    (config,) = [one for one in of_family(RESULTS, "sft") if (one.benchmark, one.split) == (benchmark, split)]
    asked = lessons_of(config, data, agent)
    assert [text.splitlines()[-1] for text in asked] == said
    tested = {transcript(sample.request.messages) for sample in load_samples(config, data)}
    assert tested
    assert not tested & set(asked), "no test sample is trained on"


def test_without_a_word_fine_tuning_reads_the_training_set_of_its_own_split(data, agent):
    own = {"method": "sft", "benchmark": "apibank", "split": "level-2", "limit": 1}
    assert [text.splitlines()[-1] for text in lessons_of(configure("smoke", **own), data, agent)] == ["train 2?"]
    seal = configure("smoke", method="sft", benchmark="sealtool", sft_examples=1)
    assert lessons_of(seal, data, agent) == ["train?"]
    assert load("sealtool", "test", subset="train", data_dir=data)


def test_benchmarks_without_training_data_are_not_fine_tuned_on():
    assert {config.benchmark for config in of_family(RESULTS, "sft")} == {"sealtool", "apibank"}


# -- the command ----------------------------------------------------------------------------------------------------


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, RunConfig]]:
    """What a command would run."""
    runs: list[tuple[str, RunConfig]] = []

    def take(chosen: Any, *arguments: Any, **options: Any) -> None:
        runs.extend(chosen)

    monkeypatch.setattr(running, "run_study", take)
    return runs


def command(name: str, tmp_path: Path, *options: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["study", "run", name, "--out", str(tmp_path), *options])
    return result.exit_code, result.output


def test_a_command_takes_all_runs_as_the_profile_has_them(taken, tmp_path):
    assert command("real", tmp_path, "--data-dir", str(tmp_path)) == (0, "")
    assert taken == list(RESULTS.runs(tmp_path))


def test_a_command_takes_families_and_changes_how_they_are_computed(taken, tmp_path):
    options = ["--only", "base", "--only", "tt-icl", "--device", "cuda", "--dtype", "bfloat16", "--batch", "7"]
    assert command("real-timing", tmp_path, *options) == (0, "")
    assert [name.split("/")[0] for name, _ in taken] == ["base", "tt-icl"]
    assert {(config.device, config.dtype, config.batch) for _, config in taken} == {("cuda", "bfloat16", 7)}
    untouched = dict(TIMING.runs())
    for name, config in taken:
        assert config == untouched[name].model_copy(update={"device": "cuda", "dtype": "bfloat16", "batch": 7})


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ["--only", "base", "--only", "bass"],
            "only is 'bass'; expected families of real-timing: base, constrained, tt",
        ),
        (["--dtype", "float8"], "dtype is 'float8'; expected: Input should be 'float32', 'bfloat16' or 'float16'"),
        (["--batch", "0"], "batch is 0; expected: Input should be greater than or equal to 1"),
        (["--shard", "2/2"], "shard is '2/2'; expected I/N"),
    ],
)
def test_what_a_command_cannot_take_is_said(taken, tmp_path, options, said):
    code, output = command("real-timing", tmp_path, *options)
    assert code == 2
    assert said in output
    assert taken == []
