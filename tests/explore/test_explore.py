"""The data of the page Explore: its gate is `replay`, every published row is there, and no text that is withheld."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ttsi.data import data_root
from ttsi.evaluation.statistics import proportion_interval
from ttsi.loop import SelfImprovement
from ttsi.records import InputError
from ttsi.runs.config import RunConfig
from ttsi.runs.run import load_agent, load_samples
from ttsi.studies.collecting import read_made
from ttsi.studies.published import margins_of, read_study, replay
from ttsi_book.explore.writing import write_explorer

UNSEEN = "toolworld-unseen"
GATED = [
    (UNSEEN, "tt-si"),
    (UNSEEN, "tt-icl"),
    (UNSEEN, "tt-si-constrained"),
    ("toolworld-typed-seen", "tt-d"),
    ("sealtool-test", "tt-si-paper"),
]
"""Sets and families; of a set whose seeds are apart, the first."""


def read(folder: Path, name: str) -> Any:
    text = (folder / f"{name}.js").read_text(encoding="utf-8")
    return json.loads(text.removeprefix(f'explore.take("{name}",').removesuffix(");\n"))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the page, of everything that is published."""
    out = tmp_path_factory.mktemp("explore") / "data"
    write_explorer(data_root(), out)
    return out


@pytest.fixture(params=GATED, ids="/".join)
def gated(files: Path, request: pytest.FixtureRequest) -> tuple[str, str, dict[str, Any]]:
    """The name of a set, a family that has a gate, and its file."""
    name, family = request.param
    stem = min(files.glob(f"rows-{name}*--{family}.js")).stem
    return stem.removeprefix("rows-").partition("--")[0], family, read(files, stem)


def published(name: str, family: str, ids: list[str]) -> pd.DataFrame:
    """Return rows of a family by way of `ttsi.studies.published` alone, in the order of the page."""
    rows = read_study(data_root() / ("results" if name.startswith("toolworld") else "real"), family)
    if "-seed-" in name:
        rows = rows[rows["seed"] == int(name.rpartition("-")[2])]
    return rows.set_index("sample_id", drop=False).loc[ids]


def test_a_gate_is_what_replay_makes_of_it(files: Path, gated: tuple[str, str, dict[str, Any]]) -> None:
    name, family, found = gated
    ids = [row["id"] for row in found["rows"]]
    rows, base = published(name, family, ids), published(name, "base", ids)
    taus = read(files, "index")["taus"]
    known = margins_of(rows)
    if len(found["gates"]) > 1:
        known = known.combine_first(margins_of(base))
    for estimator, columns in found["gates"].items():
        for at in (0, 1, 35, 60, 95, 99, 100):
            replayed = replay(rows.assign(margin=known[estimator]), tau=taus[at])
            before, after = replayed["base_correct"], replayed["greedy_correct"]
            interval = proportion_interval(int(np.sum(after)), len(rows))
            now = {quantity: column[at] for quantity, column in columns.items()}
            assert now["below"] == replayed["uncertain"].sum()
            assert now["adapted"] == replayed["adapted"].sum()
            assert (now["fixed"], now["broken"]) == ((~before & after).sum(), (before & ~after).sum())
            assert [now["accuracy"], now["low"], now["high"]] == pytest.approx(
                [interval.estimate, interval.low, interval.high], abs=1e-5
            )


def test_cut_margins_fall_on_the_same_side_of_every_tau(files: Path, gated: tuple[str, str, dict[str, Any]]) -> None:
    found, taus = gated[2], read(files, "index")["taus"]
    for estimator, columns in found["gates"].items():
        margins = [row["margins"][found["estimators"].index(estimator)] for row in found["rows"]]
        assert [sum(one < tau for one in margins) for tau in taus] == columns["below"]


def test_seconds_lie_between_those_of_leaving_alone_and_of_adapting(files: Path) -> None:
    found = read(files, f"rows-{UNSEEN}--tt-si")
    seconds = found["gates"]["call-probability"]["seconds"]
    assert seconds == sorted(seconds)
    assert 0 < seconds[0] < seconds[-1] <= found["all"]["seconds"]
    assert found["seconds"].startswith("timed alone on 50 samples of single/unseen")


def test_every_published_row_is_there(files: Path) -> None:
    shown = {
        (family["name"], row["id"])
        for one in read(files, "index")["sets"]
        for family in one["families"]
        for row in read(files, f"rows-{one['name']}--{family['name']}")["rows"]
    }
    rows = pd.concat([read_study(data_root() / study) for study in ("results", "real")])
    assert shown == set(zip(rows["family"], rows["sample_id"], strict=True))


def test_a_sample_shows_its_request_tools_practice_and_what_changed(files: Path) -> None:
    rows = read(files, f"rows-{UNSEEN}--tt-si")["rows"]
    fixed = next(row for row in rows if row["right"] == [0, 1])
    assert fixed["request"]
    assert "<del>" in fixed["marked"][0]
    part = f"toolworld-{fixed['split'].replace('/', '-')}"
    practice = read(files, f"practice-{part}--tt-si")[fixed["id"]]
    assert practice["examples"][0][0].startswith("<tool_call>")
    assert "valid" in {verdict for _, verdict in practice["examples"]}
    assert practice["losses"][0] > practice["losses"][-1]
    names = {name for name, _, _ in read(files, f"tools-{part}")[fixed["id"]]}
    assert {call["name"] for call in calls(fixed["gold"])} <= names


def test_losses_are_those_of_the_reference() -> None:
    made = read_made(data_root() / "results", "tt-si")
    config = next(RunConfig.model_validate(one.config) for one in made if one.config["split"] == "single/unseen")
    rows = read_study(data_root() / "results", "tt-si").set_index("sample_id")
    known = rows["losses"].map(json.loads)
    assert set(rows[known.map(len) > 0].index) == set(rows[rows["adapted"]].index)
    improve = SelfImprovement(load_agent(config), config.loop)
    for sample in load_samples(config)[:3]:
        answered = improve(sample.request, seed=config.seed)
        assert answered.output == rows.loc[sample.request.id, "greedy_output"]
        assert list(answered.losses) == pytest.approx(known[sample.request.id], rel=0.02, abs=1e-4)


def calls(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def test_a_family_says_where_it_is_not_as_the_paper(files: Path) -> None:
    named = {
        (one["name"], family["name"]): family for one in read(files, "index")["sets"] for family in one["families"]
    }
    papers = [read(files, f"rows-{chosen}--{name}") for chosen, name in named if name == "tt-si-paper"]
    assert papers
    assert not any(family["differs"] for family in papers)
    ours = read(files, f"rows-{UNSEEN}--tt-si")
    assert ["margin", "call-probability", "rss-margin"] in ours["differs"]
    assert ["K, examples used at most", "2", "1"] in ours["differs"]
    assert ["agent", "agents/tiny"] in ours["settings"]
    assert not named[UNSEEN, "base"]["gated"]


def real_copy(tmp_path: Path, benchmark: str, seeds: tuple[int, ...]) -> Path:
    """Write published runs of one family as if they were of another benchmark, under several seeds."""
    source, folder = data_root() / "real", tmp_path / "real"
    folder.mkdir(parents=True)
    rows = read_study(source, "tt-si-paper")
    rows = rows.query("sample_id.str.startswith('sealtool')").head(20)
    ids = rows["sample_id"].str.replace("sealtool", benchmark)
    tables = [rows.assign(sample_id=ids, seed=seed) for seed in seeds]
    made = next(one for one in read_made(source, "tt-si-paper") if one.config["benchmark"] == "sealtool")
    configs = [made.config | {"benchmark": benchmark, "seed": seed} for seed in seeds]
    lines = [made.model_copy(update={"config": config}).model_dump_json() for config in configs]
    table = pd.concat(tables)
    if benchmark == "nexusraven":
        table = table.assign(base_output="", greedy_output="", request="", gold="")
        table["examples"] = [json.dumps([{"text": "", "verdict": "valid"}])] * len(table)
    table.to_parquet(folder / "tt-si-paper.parquet")
    (folder / "tt-si-paper.jsonl").write_text("\n".join(lines) + "\n")
    return tmp_path


def test_seeds_on_the_same_samples_are_sets_of_their_own(tmp_path: Path) -> None:
    write_explorer(real_copy(tmp_path, "sealtool", (0, 1)), tmp_path / "out")
    titles = [one["title"] for one in read(tmp_path / "out", "index")["sets"]]
    assert titles == ["SealTool, seed 0", "SealTool, seed 1"]
    assert len(read(tmp_path / "out", "rows-sealtool-test-seed-1--tt-si-paper")["rows"]) == 20


def test_texts_that_may_not_be_shown_are_said_to_be_withheld(tmp_path: Path) -> None:
    write_explorer(real_copy(tmp_path, "nexusraven", (0,)), tmp_path / "out")
    (one,) = read(tmp_path / "out", "index")["sets"]
    assert one["withheld"]
    rows = read(tmp_path / "out", "rows-nexusraven-test--tt-si-paper")["rows"]
    assert not any({"request", "gold", "before", "marked"} & set(row) for row in rows)
    practice = read(tmp_path / "out", "practice-nexusraven-test--tt-si-paper")
    assert next(iter(practice.values())) == {"examples": [["", "valid"]], "losses": []}


def test_rows_of_samples_that_are_drawn_otherwise_now_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "results"
    folder.mkdir()
    source = data_root() / "results"
    shutil.copy(source / "base.parquet", folder)
    made = read_made(source, "base")
    changed = [one.model_copy(update={"hashes": one.hashes | {"samples": "other"}}) for one in made]
    (folder / "base.jsonl").write_text("".join(one.model_dump_json() + "\n" for one in changed))
    with pytest.raises(InputError, match="drew other samples"):
        write_explorer(tmp_path, tmp_path / "out")


def test_a_folder_without_published_runs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no published runs"):
        write_explorer(tmp_path, tmp_path / "out")
