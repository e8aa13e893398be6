"""Gold of other samples as a teacher: never a request's own label, and only over the tools that it offers."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ttsi.augmentation import judge
from ttsi.cli import main
from ttsi.prompts import read_practice, render_practice
from ttsi.records import Call, Message, PracticeExample, Request, Sample, Tool
from ttsi.runs.results import read_outcomes
from ttsi.teacher import GoldTeacher
from upstream_files import SEAL, seal_record, write


def tool(name: str, description: str = "It.") -> Tool:
    parameters = {"type": "object", "properties": {"bay": {"type": "string"}}, "required": ["bay"]}
    return Tool(name=name, description=description, parameters=parameters)


TIDE, DEPTH, WIND = tool("tide"), tool("depth"), tool("wind")


def sample(said: str, *called: str, tools: tuple[Tool, ...] = (TIDE, DEPTH), before: str = "") -> Sample:
    """Return a sample whose calls take the last word of what is said."""
    bay = said.rstrip("?").split()[-1]
    turns = [("user", "Hello."), ("assistant", before), ("user", said)] if before else [("user", said)]
    messages = tuple(Message.model_validate({"role": role, "content": text}) for role, text in turns)
    gold = tuple(Call(name=name, arguments={"bay": bay}) for name in called)
    return Sample(request=Request(id=said, messages=messages, tools=tools), gold=gold)


def written(teacher: GoldTeacher, request: Request, *, draws: int = 100, seed: int = 0) -> list[str]:
    (texts,) = teacher.write([request], seeds=[seed], draws=draws, temperature=0.7, max_new_tokens=9)
    return texts


def practice(one: Sample) -> str:
    return render_practice(PracticeExample(messages=one.request.messages, calls=one.gold))


ASKED = sample("How high at Fundy?", "tide")
OTHER = sample("How high at Minas?", "tide")
DEEP = sample("How deep at Ungava?", "depth")
BOTH = sample("How high and deep at Bristol?", "depth", "tide")


def test_other_samples_with_the_requests_tools_are_written_as_practice():
    texts = written(GoldTeacher([ASKED, OTHER, DEEP, BOTH]), ASKED.request)
    assert sorted(texts) == sorted(map(practice, (OTHER, DEEP, BOTH)))
    assert {one.verdict for one in judge(texts, ASKED.request)} == {"valid"}


def test_the_requests_own_label_is_never_used():
    wrong = ASKED.model_copy(update={"gold": (Call(name="depth", arguments={"bay": "nowhere"}),)})
    texts = written(GoldTeacher([ASKED, OTHER, DEEP]), ASKED.request)
    for changed in (wrong, ASKED.model_copy(update={"gold": ()})):
        assert written(GoldTeacher([changed, OTHER, DEEP]), ASKED.request) == texts
    assert written(GoldTeacher([OTHER, DEEP]), ASKED.request) == texts
    assert written(GoldTeacher([ASKED]), ASKED.request) == written(GoldTeacher([wrong]), ASKED.request) == []


@pytest.mark.parametrize("said", ["How high at Fundy?", "how HIGH at fundy?"])
def test_a_sample_with_the_same_words_is_not_used_whatever_its_id_and_its_answer(said):
    twin = sample(said, "depth")
    twin = twin.model_copy(update={"request": twin.request.model_copy(update={"id": "another", "tools": (DEPTH,)})})
    assert written(GoldTeacher([ASKED, twin]), ASKED.request) == []
    assert written(GoldTeacher([ASKED, twin, OTHER]), ASKED.request) == [practice(OTHER)]


def test_a_sample_serves_only_if_all_its_calls_are_of_tools_as_they_are_described_to_the_request():
    others = [
        sample("How windy at Minas?", "wind", tools=(TIDE, WIND)),
        sample("How high and windy at Minas?", "tide", "wind", tools=(TIDE, WIND)),
        sample("How high at Truro?", "tide", tools=(tool("tide", "Another."), DEPTH)),
        sample("How deep at Truro?", "depth", tools=(TIDE,)),
        sample("Nothing at Truro?"),
    ]
    assert written(GoldTeacher(others), ASKED.request) == []
    fewer = sample("How deep at Derby?", "depth", tools=(WIND, DEPTH))
    assert written(GoldTeacher([*others, fewer]), ASKED.request) == [practice(fewer)], "other tools may differ"


def test_a_conversation_with_calls_in_its_turns_is_left_out_and_others_are_not():
    called = sample("How deep at Minas?", "depth", before='<tool_call>\n{"name": "tide"}\n</tool_call>')
    said = sample("How deep at Truro?", "depth", before="What of it?")
    (text,) = written(GoldTeacher([called, said]), ASKED.request)
    assert read_practice(text) == PracticeExample(messages=said.request.messages, calls=said.gold)


def test_the_order_is_drawn_from_the_seed_and_nothing_is_written_twice():
    others = [sample(f"How high at bay{number}?", "tide") for number in range(20)]
    teacher = GoldTeacher([*others, *others, ASKED])
    texts = written(teacher, ASKED.request, seed=3)
    assert sorted(texts) == sorted(map(practice, others))
    assert texts == written(teacher, ASKED.request, seed=3) != written(teacher, ASKED.request, seed=4)
    assert len({tuple(written(teacher, ASKED.request, draws=2, seed=seed)) for seed in range(8)}) > 4
    assert [len(written(teacher, ASKED.request, draws=draws)) for draws in (0, 1, 5)] == [0, 1, 5]


# -- in a run -------------------------------------------------------------------------------------------------------


def seal(bay: str, index: int) -> dict[str, Any]:
    """Return an upstream record that asks for the tide of a bay."""
    gold = [{"api": "getTide", "parameters": {"bay": bay}, "responses": ["API_call_0"]}]
    record = seal_record(index, gold=gold)
    turn = record["conversations"][0]
    turn["value"] = turn["value"].replace('How high is the "tide"?', f"How high is the tide at {bay}?")
    return record


def run(folder: Path, *bays: str) -> list[dict[str, Any]]:
    """Run TT-D on a test set of two samples and a validation set of one; return what was written for each sample."""
    first, second, third = bays
    files = {f"{SEAL}/test_in_domain.json": [seal(first, 0), seal(second, 1)], f"{SEAL}/dev.json": [seal(third, 2)]}
    data = write(folder / "data", "sealtool", **files, **{f"{SEAL}/test_out_domain.json": [seal(first, 0)]})
    options = ["--profile", "smoke", "--benchmark", "sealtool", "--method", "tt-d", "--teacher", "oracle"]
    options += [
        "--adapt",
        "all",
        "--limit",
        "2",
        "--epochs",
        "1",
        "--data-dir",
        str(data),
        "--out",
        str(folder / "out"),
    ]
    result = CliRunner().invoke(main, ["run", *options])
    assert result.exit_code == 0, result.output
    rows = read_outcomes(folder / "out")
    assert rows["sample_id"].tolist() == ["sealtool/test/in-domain/0", "sealtool/test/in-domain/1"]
    found = zip(rows["adapted"], rows["examples"], strict=True)
    return [{"adapted": adapted, "written": json.loads(examples)} for adapted, examples in found]


def test_a_run_with_the_oracle_on_a_paper_benchmark_practises_on_other_samples(tmp_path):
    first, second = run(tmp_path, "Fundy", "Minas", "Ungava")
    for row, others in ((first, {"Minas", "Ungava"}), (second, {"Fundy", "Ungava"})):
        assert row["adapted"]
        assert {one["verdict"] for one in row["written"]} == {"valid"}
        examples = [read_practice(one["text"]) for one in row["written"]]
        assert {example.calls[0].arguments["bay"] for example in examples} == others
        assert all(example.calls[0].arguments["bay"] in example.messages[0].content for example in examples)


def test_a_sample_that_no_other_serves_keeps_its_answer(tmp_path):
    for row in run(tmp_path, "Fundy", "Fundy", "Fundy"):
        assert row == {"adapted": False, "written": []}
