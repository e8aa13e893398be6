"""The paper's kind of model through the same code: a random Qwen2 with Qwen2.5's tokenizer, template and folder."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer, GenerationConfig

import qwen2
from ttsi.adaptation import SequentialAdapter
from ttsi.agent import Agent
from ttsi.calls import parse_calls, render_calls
from ttsi.loop import SelfImprovement
from ttsi.models.rows import AllowedTokens
from ttsi.prompts import answer_chat
from ttsi.records import Call, InputError, Message, PracticeExample, Request, Tool
from ttsi.settings import LoopSettings, LoraSettings

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = (
    Tool(name="find_hotel", description="Finds a hotel.", parameters=CITY),
    Tool(name="get_weather", description="Says what the weather will be.", parameters=CITY),
)
DIALOGUE = (
    Message(role="user", content="Find a hotel in Rome."),
    Message(role="assistant", content="For which day?"),
    Message(role="user", content="3 May. And the weather in Oslo!"),
)
REQUEST = Request(id="one", messages=DIALOGUE, tools=TOOLS)
GOLD = (Call(name="find_hotel", arguments={"city": "Rome"}), Call(name="get_weather", arguments={"city": "Oslo"}))
EXAMPLE = PracticeExample(messages=(Message(role="user", content="Hotel in Oslo?"),), calls=GOLD[:1])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return qwen2.save(tmp_path_factory.mktemp("qwen2"))


@pytest.fixture(scope="module")
def agent(folder: Path) -> Agent:
    return Agent.load(folder, max_new_tokens=60)


def forced(agent: Agent, prompt: list[int], text: str) -> list[int]:
    """Let the agent write a text and end its turn, token by token through the decoding loop."""
    return agent.generate([prompt], allowed=[exactly(agent.completion(text), agent)])[0]


def exactly(ids: list[int], agent: Agent) -> AllowedTokens:
    vocabulary = np.arange(agent.model.config.vocab_size)
    return lambda written: vocabulary == ids[len(written)]


def test_the_tokenizer_gives_the_same_ids_after_reload(agent):
    text = 'It\'s  Zürich, é in NFD: é.\n{"name": "find_hotel", "arguments": {"n": [12, 3.5]}}\n</tool_call><|im_end|>'
    built = qwen2.build_tokenizer()
    assert agent.encode(text) == built(text, add_special_tokens=False)["input_ids"]
    assert agent.encode(text) == built._tokenizer.encode(text, add_special_tokens=False).ids
    assert agent.tokenizer.convert_ids_to_tokens(agent.encode("<tool_call><|im_end|>")) == ["<tool_call>", "<|im_end|>"]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_sharded_weights_are_those_of_one_file(agent, tmp_path, dtype):
    sharded = qwen2.save(tmp_path / "sharded", shard_size="100KB")
    assert not (sharded / "model.safetensors").exists()
    loaded = Agent.load(sharded, dtype=dtype)
    assert all(
        torch.equal(weight.to(getattr(torch, dtype)), loaded.model.state_dict()[name])
        for name, weight in agent.model.state_dict().items()
    )
    scores = loaded.log_likelihoods(loaded.prompt(answer_chat(DIALOGUE), TOOLS), [loaded.completion("yes")])
    assert torch.isfinite(scores).all()
    next(sharded.glob("*-00002-*")).unlink()
    with pytest.raises(InputError, match=r"found no model-00002-of-\d+\.safetensors"):
        Agent.load(sharded)


def test_the_prompt_holds_the_tools_and_the_whole_dialogue_in_order(agent):
    ids = agent.prompt(answer_chat(DIALOGUE), TOOLS)
    text = agent.tokenizer.decode(ids)
    system, *turns = text.split(qwen2.START)[1:]
    assert system.startswith(f"system\n{qwen2.DEFAULT_SYSTEM}")
    signatures = system.split("<tools>\n")[1].split("\n</tools>")[0].splitlines()
    assert [json.loads(line) for line in signatures] == [tool.as_function() for tool in TOOLS]
    expected = [f"{message.role}\n{message.content}{qwen2.END}\n" for message in DIALOGUE]
    assert turns == [*expected, "assistant\n"]


def test_parallel_calls_pass_the_decoding_loop_and_are_what_the_template_writes(agent):
    prompt = agent.prompt(answer_chat(DIALOGUE), TOOLS)
    ids = forced(agent, prompt, render_calls(GOLD))
    assert ids[-1] == agent.tokenizer.eos_token_id
    assert parse_calls(agent.decode(ids)) == GOLD
    calls = [{"type": "function", "function": call.model_dump()} for call in GOLD]
    turns = {"plain": {"content": render_calls(GOLD)}, "structured": {"content": "", "tool_calls": calls}}
    written = {
        kind: agent.tokenizer.apply_chat_template(
            [*answer_chat(DIALOGUE), {"role": "assistant", **turn}], tools=[], tokenize=False
        )
        for kind, turn in turns.items()
    }
    assert written["plain"] == written["structured"]
    assert written["plain"].endswith(f"assistant\n{render_calls(GOLD)}{qwen2.END}\n")


@given(st.dictionaries(st.text(max_size=4), st.integers() | st.text(max_size=3), max_size=2))
def test_a_call_opening_is_how_any_call_of_the_tool_begins(agent, arguments):
    opening = agent.call_opening("find_hotel")
    ids = agent.encode(render_calls([Call(name="find_hotel", arguments=arguments)]))
    assert ids[: len(opening)] == opening
    assert agent.decode(opening).endswith('"find_hotel", "arguments":')


def test_greedy_is_greedy_whatever_the_folder_advises(agent, folder):
    advice = GenerationConfig.from_pretrained(folder)
    assert advice.repetition_penalty == 5.0
    prompt = agent.prompt(answer_chat(DIALOGUE), TOOLS)
    ids = list(prompt)
    with torch.inference_mode():
        while len(ids) < len(prompt) + agent.max_new_tokens and (ids == prompt or ids[-1] not in agent.ends):
            ids.append(int(agent.model(torch.tensor([ids])).logits[0, -1].argmax()))
        advice.update(do_sample=False, max_new_tokens=agent.max_new_tokens, temperature=None, top_p=None, top_k=None)
        penalised = agent.model.generate(torch.tensor([prompt]), generation_config=advice)[0].tolist()
    assert prompt + agent.generate([prompt])[0] == ids
    assert penalised != ids


def test_a_turn_ends_at_each_token_that_the_folder_names(agent):
    prompt = agent.prompt(answer_chat(DIALOGUE), TOOLS)
    for end in (qwen2.END, qwen2.PAD):
        ids = [*agent.encode("yes"), *agent.encode(end), *agent.encode("no")]
        written = agent.generate([prompt], allowed=[exactly(ids, agent)])[0]
        assert agent.decode(written) == "yes"


def test_the_loop_runs_and_forgets(folder):
    agent = Agent.load(folder, max_new_tokens=12)
    prompt = agent.prompt(answer_chat(DIALOGUE), TOOLS)
    before = agent.model(torch.tensor([prompt])).logits
    improve = SelfImprovement(agent, LoopSettings(tau=1.0, draws=2))
    answered = improve(REQUEST, seed=0)
    assert answered.uncertain
    assert len(answered.written) == 2
    assert answered.output == answered.base_output == agent.decode(agent.generate([prompt])[0])
    adapter = SequentialAdapter(Agent.load(folder), LoraSettings(learning_rate=1e-2))
    with adapter.adapted([[(EXAMPLE, TOOLS)]], seeds=[0]) as (losses,):
        assert losses[-1] < losses[0] - 0.5
        assert not torch.equal(adapter.agent.model(torch.tensor([prompt])).logits, before)
    for model in (agent.model, adapter.agent.model):
        assert torch.equal(model(torch.tensor([prompt])).logits, before)


def test_code_in_a_model_folder_is_not_run(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "model")
    witness = tmp_path / "ran"
    (tmp_path / "model" / "modeling.py").write_text(
        f"open({str(witness)!r}, 'w')\nclass Model: pass\nclass Config: pass\n"
    )
    config = json.loads((folder / "config.json").read_text())
    config |= {
        "model_type": "unheard-of",
        "auto_map": {"AutoConfig": "modeling.Config", "AutoModelForCausalLM": "modeling.Model"},
    }
    (tmp_path / "model" / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match="cannot be read as a model"):
        Agent.load(tmp_path / "model")
    assert not witness.exists()


def test_a_folder_that_lacks_weights_or_whose_template_leaves_tools_out_is_refused(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    (tmp_path / "model" / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 3, "layer_types": None}))
    with pytest.raises(InputError, match=r"found no model\.layers\.2\."):
        Agent.load(tmp_path / "model")
    shutil.copy(folder / "config.json", tmp_path / "model")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.chat_template = "{% for message in messages %}{{ message.content }}{% endfor %}"
    tokenizer.save_pretrained(tmp_path / "model")
    with pytest.raises(InputError, match="leaves tools out"):
        Agent.load(tmp_path / "model")


def test_a_device_that_is_not_there_is_refused(folder):
    with pytest.raises(InputError, match="device is 'meta:x'"):
        Agent.load(folder, device="meta:x")
