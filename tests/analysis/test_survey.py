"""The summary of the paper's benchmarks counts what the files hold, and holds nothing else of them."""

import json

import pytest
from click.testing import CliRunner

from ttsi.benchmarks import BENCHMARKS, PAPER_BENCHMARKS
from ttsi.benchmarks.sources import load_manifest
from ttsi.data import data_root
from ttsi.records import InputError
from ttsi_book.analysis.survey import OUT_OF_REACH, files_at_hand, main, read_survey, survey, survey_split
from upstream_files import FILES, shared, write

PUBLISHED = read_survey()
SEAL = "sealtool/Seal-Tools_Dataset/dataset_for_finetune/test_in_domain.json"


def test_every_split_is_surveyed_or_named_as_missing_with_its_command() -> None:
    every = {f"{benchmark}/{split}" for benchmark in PAPER_BENCHMARKS for split in BENCHMARKS[benchmark].splits}
    assert set(PUBLISHED.splits) | set(PUBLISHED.missing) == every
    assert not set(PUBLISHED.splits) & set(PUBLISHED.missing)
    for split, command in PUBLISHED.missing.items():
        assert command == f"ttsi benchmarks fetch {split.partition('/')[0]}"


def test_the_published_summary_was_made_from_the_pinned_files() -> None:
    for benchmark, read in PUBLISHED.sources.items():
        source = load_manifest().sources[benchmark]
        assert (read.commit, read.licence) == (source.commit, source.licence)
        pinned = {file.path: file.sha256 for file in source.files}
        assert read.sha256
        assert read.sha256 == {path: pinned[path] for path in read.sha256}


def test_the_published_summary_holds_no_text_of_a_sample() -> None:
    def leaves(value):
        if isinstance(value, dict):
            return [text for one in value.values() for text in leaves(one)]
        return [text for one in value for text in leaves(one)] if isinstance(value, list) else [value]

    written = json.loads((data_root() / "benchmarks" / "survey.json").read_text())["splits"]
    names = {*PAPER_BENCHMARKS, *(split for benchmark in BENCHMARKS.values() for split in benchmark.splits)}
    assert {text for text in leaves(written) if isinstance(text, str)} <= names


def test_counts_agree_with_each_other() -> None:
    for split in PUBLISHED.splits.values():
        assert split.check.clean <= split.check.parsed <= split.check.n
        shuffled, upstream = split.positions["shuffled"], split.positions["upstream"]
        assert sum(shuffled) == sum(upstream) <= split.check.parsed
        assert len(shuffled) == len(upstream) == split.tools.quartiles[-1]
        assert 0 < split.first_by_chance <= sum(upstream)
        out_of_reach = [split.check.flags.get(flag, 0) for flag in OUT_OF_REACH]
        assert max(out_of_reach) <= split.check.n - split.reachable <= sum(out_of_reach)


def test_the_published_summary_is_what_the_files_say() -> None:
    folder = shared(SEAL)
    fresh = survey(folder)
    for name in set(fresh.splits) & set(PUBLISHED.splits):
        assert fresh.splits[name] == PUBLISHED.splits[name]


def test_upstream_lists_the_gold_tool_first_and_shuffling_undoes_it() -> None:
    split = survey_split("sealtool", "test", shared(SEAL, SEAL.replace("in_domain", "out_domain")))
    assert split.positions["upstream"][0] == 258
    assert abs(split.positions["shuffled"][0] - split.first_by_chance) < 20


@pytest.mark.parametrize("benchmark", PAPER_BENCHMARKS)
def test_invented_files_are_counted(benchmark: str, tmp_path) -> None:
    folder = write(tmp_path, benchmark)
    found = survey(folder)
    counted = {name for name in found.splits if name.startswith(f"{benchmark}/")}
    assert set(found.splits) == counted
    assert counted
    assert found.sources.keys() == {benchmark}
    assert set(found.sources[benchmark].sha256) <= set(FILES[benchmark]())


def test_a_split_without_its_files_is_no_error_but_a_broken_file_is(tmp_path) -> None:
    assert files_at_hand("toolalpaca", "simulated", tmp_path) is None
    folder = write(tmp_path, "toolalpaca", **{"data/eval_simulated.json": b"[{"})
    with pytest.raises(InputError, match="eval_simulated"):
        survey(folder)


def test_the_command_writes_what_the_book_reads(tmp_path) -> None:
    folder, out = write(tmp_path / "files", "apibank"), tmp_path / "deep" / "survey.json"
    done = CliRunner().invoke(main, ["--data-dir", str(folder), "--out", str(out)])
    assert done.exit_code == 0
    assert "not at hand: nexusraven/test" in done.output
    assert read_survey(out) == survey(folder)
    assert str(tmp_path) not in out.read_text()


def test_a_broken_file_is_one_line_at_the_command_line(tmp_path) -> None:
    folder = write(tmp_path, "apibank", **{"api-bank/test-data/level-1-api.json": b"["})
    done = CliRunner().invoke(main, ["--data-dir", str(folder), "--out", str(tmp_path / "survey.json")])
    assert done.exit_code == 1
    assert done.output.startswith("Error: ")
    assert done.output.count("\n") == 1


def test_a_survey_that_cannot_be_read_is_named(tmp_path) -> None:
    (tmp_path / "survey.json").write_text('{"splits": 3}')
    with pytest.raises(InputError, match=r"survey\.json cannot be read as a survey"):
        read_survey(tmp_path / "survey.json")
    with pytest.raises(InputError, match=r"nowhere\.json"):
        read_survey(tmp_path / "nowhere.json")
