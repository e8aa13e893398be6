"""Benchmarks of others: counted as they are known to be, one answer for one file, and no traceback for a bad one."""

import json
import logging
import traceback
from contextlib import suppress
from functools import lru_cache

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from ttsi.benchmarks import BENCHMARKS, PAPER_BENCHMARKS, load, read_drafts
from ttsi.benchmarks.checking import check
from ttsi.benchmarks.expressions import read_calls, read_literal, repair_call
from ttsi.benchmarks.reading import parse_json, plain, read_records
from ttsi.benchmarks.schemas import type_schema
from ttsi.calls import render_calls
from ttsi.cli import main
from ttsi.prompts import read_transcript, transcript
from ttsi.records import InputError, Sample
from ttsi.scoring import Score, score
from upstream_files import FILES, SECRET, damaged, shared, write

SETS = [(name, split) for name in PAPER_BENCHMARKS for split in BENCHMARKS[name].splits]
KNOWN = {
    ("sealtool", "test"): (294, 294, 294),
    ("sealtool", "all"): (1354, 1354, 1349),
    ("apibank", "level-1"): (399, 399, 391),
    ("apibank", "level-2"): (135, 135, 121),
    ("apibank", "level-3"): (245, 245, 245),
    ("toolalpaca", "simulated"): (100, 99, 89),
}
"""Samples, parsed and clean, in upstream's files."""
FLAGS = {
    ("sealtool", "test"): {"number_as_text": 55},
    ("sealtool", "all"): {"gold_tool_not_offered": 5, "nested_calls": 57},
    ("apibank", "level-1"): {"argument_not_in_schema": 8, "gold_repaired": 31, "duplicate": 10},
    ("apibank", "level-2"): {"gold_tool_not_offered": 14, "gold_repaired": 10, "duplicate": 17},
    ("apibank", "level-3"): {"gold_repaired": 10},
    ("toolalpaca", "simulated"): {"gold_unparsable": 1, "placeholder": 30},
}
UPSTREAM = {
    "sealtool": [f"sealtool/Seal-Tools_Dataset/dataset_for_finetune/test_{part}_domain.json" for part in ("in", "out")],
    "apibank": [f"apibank/api-bank/test-data/level-{n}.json" for n in ("1-api", "2-api", "3-batch-inf")],
    "toolalpaca": ["toolalpaca/data/eval_simulated.json"],
}
PERFECT = Score(exact_match=True, well_formed=True, names_correct=True)


@lru_cache
def upstream(name: str, split: str) -> list[Sample]:
    return load(name, split, limit=None, data_dir=shared(*UPSTREAM[name]))


def gold_against_gold(samples: list[Sample]) -> list[Score]:
    return [score(render_calls(sample.gold), sample.gold) for sample in samples]


@pytest.mark.parametrize(("name", "split"), KNOWN)
def test_upstreams_files_hold_what_is_known_of_them(name, split):
    counted = check(name, split, shared(*UPSTREAM[name]))
    assert (counted.n, counted.parsed, counted.clean) == KNOWN[name, split]
    assert counted.flags.items() >= FLAGS[name, split].items()


@pytest.mark.parametrize(("name", "split"), KNOWN)
def test_upstreams_samples_are_whole_and_gold_against_gold_is_exactly_1(name, split):
    samples = upstream(name, split)
    assert gold_against_gold(samples) == [PERFECT] * KNOWN[name, split][1]
    assert len({sample.request.id for sample in samples}) == len(samples)
    for sample in samples:
        assert read_transcript(transcript(sample.request.messages)) == sample.request.messages
        assert len({tool.name for tool in sample.request.tools}) == len(sample.request.tools), "two tools of one name"
    for tool in {tool.name: tool for sample in samples for tool in sample.request.tools[:2]}.values():
        assert set(tool.parameters["required"]) <= set(tool.parameters["properties"])
    for tool in {tool.name: tool for sample in samples[:100] for tool in sample.request.tools}.values():
        Draft202012Validator.check_schema(tool.parameters)


@pytest.mark.parametrize(("name", "split"), SETS)
def test_gold_against_gold_is_exactly_1_on_invented_files(tmp_path, name, split):
    samples = load(name, split, limit=None, data_dir=write(tmp_path, name))
    assert gold_against_gold(samples) == [PERFECT] * len(samples)


@pytest.mark.parametrize(("name", "split"), SETS)
def test_the_order_of_tools_depends_on_the_sample_alone(tmp_path, name, split):
    folder = write(tmp_path, name)
    shuffled = load(name, split, limit=None, data_dir=folder)
    upstream = load(name, split, limit=None, data_dir=folder, tool_order="upstream")
    assert load(name, split, limit=2, seed=5, data_dir=folder) == shuffled[:2]
    for one, other in zip(shuffled, upstream, strict=True):
        assert sorted(tool.name for tool in one.request.tools) == sorted(tool.name for tool in other.request.tools)
        assert (one.request.messages, one.gold, one.flags) == (other.request.messages, other.gold, other.flags)


def test_the_shuffle_takes_away_sealtools_first_place():
    in_upstreams_order = load(
        "sealtool", "test", limit=None, data_dir=shared(*UPSTREAM["sealtool"]), tool_order="upstream"
    )

    def first(samples: list[Sample]) -> int:
        return sum(sample.request.tools[0].name == sample.gold[0].name for sample in samples)

    assert first(in_upstreams_order) == 258
    assert 294 / 5 - 25 < first(upstream("sealtool", "test")) < 294 / 5 + 25


def test_a_limit_takes_the_first_samples_in_the_order_of_the_file(tmp_path):
    folder = write(tmp_path, "sealtool")
    every = load("sealtool", "all", limit=None, data_dir=folder)
    assert [sample.request.id for sample in every] == [
        f"sealtool/all/{p}" for p in ("in-domain/0", "in-domain/1", "in-domain/2", "out-of-domain/0")
    ]
    assert load("sealtool", "all", limit=3, data_dir=folder) == every[:3]
    assert load("sealtool", "all", limit=0, data_dir=folder) == []


def test_a_sample_whose_gold_cannot_be_read_is_counted_flagged_and_left_out_aloud(tmp_path, caplog):
    folder = write(tmp_path, "sealtool")
    with caplog.at_level(logging.WARNING):
        samples = load("sealtool", "all", limit=None, data_dir=folder)
    assert "1 of 5 samples left out: gold_unparsable" in caplog.text
    assert all(sample.gold for sample in samples)
    counted = check("sealtool", "all", folder)
    assert (counted.n, counted.parsed, counted.clean, counted.flags["gold_unparsable"]) == (5, 4, 3, 1)


def test_a_repeated_sample_is_flagged_from_the_second_time_on(tmp_path):
    flags = [draft.flags for draft in read_drafts("apibank", "level-1", data_dir=write(tmp_path, "apibank"))]
    assert ["duplicate" in one for one in flags] == [False, False, True, False]


@pytest.mark.parametrize(
    ("name", "split", "options", "message"),
    [
        ("raven", "test", {}, "unknown benchmark 'raven'; expected one of toolworld, nexusraven"),
        ("bfcl", "test", {"subset": "train"}, "unknown split 'test' of bfcl; expected one of all"),
        ("bfcl", "all", {}, "bfcl has no test set; expected one of train"),
        ("bfcl", "all", {"subset": "train"}, "run: ttsi benchmarks fetch bfcl --data-dir .* --subset train"),
        ("sealtool", "real", {}, "unknown split 'real' of sealtool; expected one of test, all"),
        ("nexusraven", "test", {"subset": "train"}, "nexusraven has no training set"),
        ("toolalpaca", "real", {"subset": "train"}, "toolalpaca has no training set"),
        ("apibank", "level-1", {"subset": "validation"}, "apibank has no validation set"),
        ("sealtool", "test", {"tool_order": "sorted"}, "unknown tool order 'sorted'"),
        ("sealtool", "test", {"limit": -1}, "limit is -1"),
        ("toolworld", "single/seen", {"limit": None}, "toolworld has no end"),
        ("sealtool", "test", {}, "run: ttsi benchmarks fetch sealtool --data-dir"),
        ("sealtool", "test", {"subset": "train"}, "--subset train"),
    ],
)
def test_what_cannot_be_loaded_is_said(tmp_path, name, split, options, message):
    with pytest.raises(InputError, match=message):
        load(name, split, **{"data_dir": tmp_path, **options})


def test_files_are_looked_for_where_the_environment_says(tmp_path, monkeypatch):
    monkeypatch.setenv("TTSI_BENCHMARKS", str(write(tmp_path, "toolalpaca")))
    assert len(load("toolalpaca", "simulated")) == 1


def test_every_benchmark_has_splits_for_evaluation():
    assert [name for name, one in BENCHMARKS.items() if not one.evaluated] == ["bfcl"], "only learned from"
    assert all(set(one.evaluated) <= set(one.splits) for one in BENCHMARKS.values())


@pytest.mark.parametrize("name", PAPER_BENCHMARKS)
def test_the_check_prints_one_line_of_json_a_split(tmp_path, name):
    result = CliRunner().invoke(main, ["benchmarks", "check", name, "--data-dir", str(write(tmp_path, name))])
    lines = [json.loads(line) for line in result.output.splitlines()]
    assert [(line["benchmark"], line["split"]) for line in lines] == [
        (name, split) for split in BENCHMARKS[name].evaluated
    ]
    assert all(set(line) == {"benchmark", "split", "n", "parsed", "clean", "flags"} for line in lines)
    assert all(line["n"] >= line["parsed"] >= line["clean"] > 0 for line in lines)


def test_the_check_says_in_one_line_what_is_wrong(tmp_path):
    folder = write(tmp_path, "toolalpaca", **{"data/eval_real.json": b'[{"Name": "x", "Function_Desc'})
    result = CliRunner().invoke(main, ["benchmarks", "check", "toolalpaca", "--data-dir", str(folder)])
    assert result.exit_code == 2
    assert "eval_real.json is not JSON" in result.output
    assert result.output.count("\n") == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b" \r\n", "is empty"),
        (b"[]", "holds no records"),
        (b"{}", "is an object; expected a list"),
        (b"[1]", "record 0 is a number; expected an object"),
        (b"[{}]", "record 0 has no field 'Function_Description'"),
        ('[{"Name": "é"}]'.encode("latin-1"), "is not UTF-8"),
        ('[{"Name": "é"}]'.encode("utf-16"), "is not UTF-8"),
        (b'\xef\xbb\xbf[{"Name": "x"}]', "is not JSON"),
        (b'[{"Name": NaN}]', "NaN is not JSON"),
        (b'[{"Name": 1e999}]', "is not JSON"),
        (b'[{"Name": "\\ud800"}]', "surrogate"),
        (b"[" * 100_000, "is not JSON"),
        (b"[" * 80 + b"]" * 80, "nested too deeply"),
        (b"9" * 5000, "is not JSON"),
    ],
)
def test_a_malformed_file_is_named_with_what_is_wrong(tmp_path, content, message):
    folder = write(tmp_path, "toolalpaca", **{"data/eval_real.json": content})
    with pytest.raises(InputError, match=message) as raised:
        load("toolalpaca", "real", data_dir=folder)
    assert "eval_real.json" in str(raised.value)


def test_an_unreadable_file_is_named(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_records(tmp_path)


@pytest.mark.parametrize("name", PAPER_BENCHMARKS)
def test_windows_line_ends_change_nothing(tmp_path, name):
    plain_folder, windows = write(tmp_path / "plain", name), tmp_path / "windows"
    for path in FILES[name]():
        content = (plain_folder / name / path).read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        (windows / name / path).parent.mkdir(parents=True, exist_ok=True)
        (windows / name / path).write_bytes(content)
    for split in BENCHMARKS[name].splits:
        assert load(name, split, data_dir=windows) == load(name, split, data_dir=plain_folder)


@pytest.mark.parametrize(
    ("name", "path"),
    [(name, path) for name, files in FILES.items() for path in files() if name != "bfcl" or "simple" in path],
)
def test_a_damaged_file_gives_an_error_or_samples_that_can_be_scored(tmp_path, name, path):
    folder = write(tmp_path, name)
    split = next(
        (split for split in BENCHMARKS[name].splits if split in path.replace("_", "-")), BENCHMARKS[name].splits[-1]
    )
    subset = "train" if name == "bfcl" else "test"
    target, errors = folder / name / path, []
    for content in damaged(target.read_bytes(), 200, seed=7):
        target.write_bytes(content)
        try:
            samples = load(name, split, subset=subset, limit=None, data_dir=folder)
        except InputError as error:
            errors.append(error)
            continue
        assert gold_against_gold(samples) == [PERFECT] * len(samples)
        assert all(Sample.model_validate_json(sample.model_dump_json()) == sample for sample in samples)
        assert SECRET not in repr(samples) or name != "toolalpaca"
    assert all(target.name in str(error) for error in errors)
    assert SECRET not in "".join(line for error in errors for line in traceback.format_exception(error))
    assert 20 < len(errors) < 200, "some damage is an error, some is not"


@given(text=st.text())
def test_any_text_is_read_as_plain_values_or_refused(text):
    for read in (read_literal, read_calls, repair_call, parse_json):
        with suppress(ValueError):
            assert read(text) == read(f" {text}")


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(value=JSON_VALUES)
def test_a_json_value_written_in_python_is_read_back(value):
    assert read_literal(repr(value)) == value == plain(value)


@given(arguments=st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True).map("a_{}".format), JSON_VALUES))
def test_a_call_written_in_python_is_read_back(arguments):
    written = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
    for text in (f"f({written})", f"r = lib.f({written})", f"[f({written})]"):
        assert [(call.name, call.keywords) for call in read_calls(text)] == [("f", arguments)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("f(a='['x', 'y']', b='z')", {"a": "['x', 'y']", "b": "z"}),
        ("f(a=New York, b=2)", {"a": "New York", "b": 2}),
        ("f()", {}),
        ('f(a=it\'s, b="q")', {"a": "it's", "b": "q"}),
    ],
)
def test_a_call_without_proper_quotes_is_repaired(text, expected):
    assert repair_call(text).keywords == expected


@pytest.mark.parametrize("text", ["f(a=1", "f(1, 2)", "f(a=x), g(b=y)", "", "f a=1"])
def test_a_call_beyond_repair_is_refused(text):
    with pytest.raises(ValueError, match=r"no call|without names"):
        repair_call(text)


@pytest.mark.parametrize(
    ("name", "schema"),
    [
        ("str", {"type": "string"}),
        ("Integer", {"type": "integer"}),
        ("list(str)", {"type": "array", "items": {"type": "string"}}),
        ("Array[Array[number]]", {"type": "array", "items": {"type": "array", "items": {"type": "number"}}}),
        ("List", {"type": "array"}),
        ("Object", {"type": "object"}),
        ("str, datetime obj", {"type": "string"}),
        ("Union[str, int]", {}),
        ("", {}),
        ("(?)", {}),
    ],
)
def test_type_names_become_json_schema(name, schema):
    assert type_schema(name) == schema


@given(name=st.text())
def test_any_type_name_becomes_a_valid_schema(name):
    Draft202012Validator.check_schema(type_schema(name))
