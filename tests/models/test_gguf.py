"""A GGUF file becomes an ordinary model folder: weights, tokenizer, special tokens, template, and the same answers."""

import json
from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer

import tiny_gguf
from qwen2 import END, PAD, START
from ttsi.adaptation import SequentialAdapter
from ttsi.agent import Agent
from ttsi.backends.batched.adapter import BatchedAdapter
from ttsi.backends.batched.agent import BatchedAgent
from ttsi.benchmarks import load
from ttsi.calls import parse_calls, render_calls
from ttsi.models.gguf import convert
from ttsi.models.manifest import SpecialTokens
from ttsi.models.rows import Row
from ttsi.prompts import answer_chat
from ttsi.records import Call, InputError, PracticeExample, Tool
from ttsi.settings import LoraSettings

TOKENS = SpecialTokens(bos=START, eos=END, pad=PAD)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("gguf")
    convert(tiny_gguf.write(path / "tiny.gguf"), path / "model", TOKENS)
    return path / "model"


@pytest.fixture(scope="module")
def agent(folder: Path) -> Agent:
    return Agent.load(folder)


def test_the_weights_are_those_that_were_written(agent):
    written = tiny_gguf.build_model(agent.model.config.vocab_size).state_dict()
    read = agent.model.state_dict()
    assert set(read) == set(written)
    assert all(torch.equal(read[name], weight) for name, weight in written.items())
    config = agent.model.config
    assert (config.bos_token_id, config.eos_token_id, config.pad_token_id) == (1, 2, 0)
    assert (config.num_key_value_heads, config.rope_parameters["rope_theta"]) == (2, 100000.0)
    assert agent.ends == {2}


@pytest.mark.parametrize(
    "text",
    [
        "Rome on  2026-05-03,   12.5  ",
        "It's a ▁ mark, é and 漢字 🤖.\n\n  x",
        f"{START}user\nhi{END}\n",
        "<tool_call>\n{}",
    ],
)
def test_the_tokenizer_is_that_of_the_model_before_it_was_converted(agent, text):
    ids = agent.encode(text)
    assert ids == tiny_gguf.build_tokenizer().encode(text).ids
    assert agent.tokenizer.decode(ids) == text


def test_special_tokens_are_right_and_are_no_text(agent):
    tokenizer = agent.tokenizer
    assert (tokenizer.bos_token, tokenizer.eos_token, tokenizer.pad_token) == (START, END, PAD)
    assert agent.decode([*agent.encode("yes"), 2, 0, 0]) == "yes"
    assert agent.completion("yes") == [*agent.encode("yes"), 2]


def test_gguf_of_gpt_2_keeps_its_own_way_of_splitting(tmp_path):
    convert(tiny_gguf.write(tmp_path / "tiny.gguf", splitting="gpt-2"), tmp_path, TOKENS)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    assert [text for text, _ in tokenizer.backend_tokenizer.pre_tokenizer.pre_tokenize_str("in 2026")] == [
        "in",
        "Ġ2026",
    ]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"splitting": "llama-bpe"}, "tokenizer.ggml.pre is 'llama-bpe'; expected 'gpt-2' or 'smollm'"),
        ({"tokens": False}, "found no tokenizer.ggml.tokens; expected a byte-level BPE tokenizer"),
        ({"architecture": "no-such"}, "cannot be read as a model in GGUF"),
        ({"architecture": "qwen2"}, "architecture is 'qwen2'; expected 'llama'"),
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path, changes, said):
    file = tiny_gguf.write(tmp_path / "tiny.gguf", **changes)
    with pytest.raises(InputError, match=f"^tiny.gguf.*{said}"):
        convert(file, tmp_path / "model", TOKENS)


def test_a_token_that_the_file_lacks_is_named(tmp_path):
    file = tiny_gguf.write(tmp_path / "tiny.gguf")
    with pytest.raises(InputError, match=r"tokenizer.ggml.tokens lacks <\|stop\|>; expected it among the"):
        convert(file, tmp_path / "model", TOKENS.model_copy(update={"eos": "<|stop|>"}))


def test_a_cut_or_foreign_file_is_refused(tmp_path):
    file = tiny_gguf.write(tmp_path / "tiny.gguf")
    whole = file.read_bytes()
    for content in (whole[: len(whole) // 2], whole[:100], b"", b"PK\x03\x04" * 100):
        file.write_bytes(content)
        with pytest.raises(InputError, match=r"tiny.gguf cannot be read as a model in GGUF: ") as raised:
            convert(file, tmp_path / "model", TOKENS)
        assert "\n" not in str(raised.value)


# -- the chat template ------------------------------------------------------------------------------------------


def prompt(agent: Agent, *tools: Tool, chat: list[dict[str, str]] | None = None) -> str:
    functions = [tool.as_function() for tool in tools]
    chat = chat or [{"role": "user", "content": "Hi."}]
    return agent.tokenizer.apply_chat_template(chat, tools=functions, add_generation_prompt=True, tokenize=False)


def argument(agent: Agent, schema: object, **more: object) -> str:
    """Return the line of one argument `x`."""
    tool = Tool(name="f", parameters={"type": "object", "properties": {"x": schema}, **more})
    return prompt(agent, tool).split("functions:\n\nf\n")[1].split("\n\nWrite")[0]


def test_a_whole_prompt(agent):
    weather = {
        "type": "object",
        "properties": {
            "city": {"type": "string", "description": "Name of the city."},
            "unit": {"type": "string", "enum": ["celsius", "fahrenheit"], "description": "Unit of temperature."},
            "tags": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["city"],
    }
    tools = (
        Tool(name="get_weather", description="Retrieve the\n  current weather.\n", parameters=weather),
        Tool(name="book_table", parameters={}),
    )
    assert prompt(agent, *tools) == (
        "<|im_start|>system\n"
        "Answer with calls of these functions:\n\n"
        "get_weather: Retrieve the current weather.\n"
        "- city (string, required): Name of the city.\n"
        "- unit (string): one of celsius, fahrenheit. Unit of temperature.\n"
        "- tags (array of string)\n\n"
        "book_table\n\n"
        "Write each call as\n"
        "<tool_call>\n"
        '{"name": "function", "arguments": {"argument": value}}\n'
        "</tool_call><|im_end|>\n"
        "<|im_start|>user\nHi.<|im_end|>\n"
        "<|im_start|>assistant\n"
    )


@pytest.mark.parametrize(
    ("schema", "line"),
    [
        ({}, "- x"),
        (True, "- x"),
        ({"description": " \n "}, "- x"),
        ({"description": None, "type": "integer"}, "- x (integer)"),
        ({"description": "a\n\n b"}, "- x: a b"),
        ({"type": ["string", "null"]}, "- x (string or null)"),
        ({"type": "string", "format": "date"}, "- x (string, date)"),
        ({"enum": [1, "a,b", "", " c", True, None, "d"]}, '- x: one of 1, "a,b", "", " c", true, null, d.'),
        ({"type": "string", "default": "metric"}, "- x (string, default metric)"),
        ({"type": "string", "default": ""}, '- x (string, default "")'),
        ({"type": "boolean", "default": False}, "- x (boolean, default false)"),
        ({"default": None}, "- x (default null)"),
        ({"type": "array"}, "- x (array)"),
        (
            {"type": "array", "items": {"type": "string", "enum": ["é"]}},
            '- x (array): {"items": {"type": "string", "enum": ["é"]}}',
        ),
        ({"type": "integer", "minimum": 1, "description": "Some."}, '- x (integer): Some. {"minimum": 1}'),
        (
            {"type": "object", "properties": {"b": {"type": "string"}, "a": {}}, "required": ["b"]},
            '- x (object): {"properties": {"b": {"type": "string"}, "a": {}}, "required": ["b"]}',
        ),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, '- x: {"anyOf": [{"type": "string"}, {"type": "null"}]}'),
    ],
)
def test_nothing_that_decides_an_answer_is_left_out(agent, schema, line):
    assert argument(agent, schema) == line


def test_arguments_are_required_by_name_and_may_be_called_as_methods_of_a_dict_are(agent):
    properties = {name: {"type": "string"} for name in ("items", "values", "get")}
    tool = Tool(name="f", parameters={"type": "object", "properties": properties, "required": ["values"]})
    assert "f\n- items (string)\n- values (string, required)\n- get (string)\n\n" in prompt(agent, tool)
    assert argument(agent, {}, additionalProperties=False, oneOf=[{"required": ["x"]}]) == (
        '- x\n{"oneOf": [{"required": ["x"]}]}'
    )


def test_a_system_message_comes_first_and_without_tools_stands_alone(agent):
    chat = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi."}]
    tool = Tool(name="f", parameters={})
    assert prompt(agent, tool, chat=chat).startswith(
        f"{START}system\nBe brief.\n\nAnswer with calls of these functions:\n\nf\n"
    )
    turns = f"{START}user\nHi.{END}\n{START}assistant\n"
    assert prompt(agent, chat=chat) == f"{START}system\nBe brief.{END}\n{turns}"
    assert prompt(agent, chat=chat[1:]) == turns


def test_the_system_turn_is_the_same_whatever_is_said(agent):
    sample = load("toolworld", "dialogue/seen", subset="validation", seed=1, limit=1)[0]
    whole = agent.tokenizer.decode(agent.prompt(answer_chat(sample.request.messages), sample.request.tools))
    system = prompt(agent, *sample.request.tools).split(f"{START}user")[0]
    assert whole.startswith(system)
    assert whole.count(START) == len(sample.request.messages) + 2


# -- both backends ----------------------------------------------------------------------------------------------


def test_a_call_is_read_back_from_its_ids(agent):
    call = Call(name="find_hotel", arguments={"city": "Zürich", "nights": 12})
    assert parse_calls(agent.decode(agent.completion(render_calls([call])))) == (call,)


def test_batched_and_peft_give_the_same_answers_before_and_after_training(folder):
    samples = load("toolworld", "single/unseen", subset="validation", seed=2, limit=3)
    torch.set_num_threads(1)
    reference, batched = Agent.load(folder, max_new_tokens=20), BatchedAgent.load(folder, max_new_tokens=20)
    prompts = [reference.prompt(answer_chat(s.request.messages), s.request.tools) for s in samples]
    rows = [Row(ids, (number, 0), index=number) for number, ids in enumerate(prompts)]
    lessons = [[(PracticeExample(messages=s.request.messages, calls=s.gold), s.request.tools)] for s in samples]
    before = batched.continued(rows)
    assert before == [reference.continued([row])[0] for row in rows]
    settings = LoraSettings(learning_rate=2e-2)
    one, many = SequentialAdapter(reference, settings), BatchedAdapter(batched, settings)
    with many.adapted(lessons, seeds=range(3)) as losses:
        after = batched.continued(rows)
    assert after != before
    for number, row in enumerate(rows):
        with one.adapted([lessons[number]], seeds=[number]) as (expected,):
            assert losses[number] == pytest.approx(expected, abs=1e-3)
            assert reference.continued([row]) == [after[number]]


def test_no_path_of_this_machine_is_written(folder, tmp_path):
    for path in folder.glob("*.json"):
        assert str(folder.parent) not in path.read_text()
    assert "quantization_config" not in json.loads((folder / "config.json").read_text())
