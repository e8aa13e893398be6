"""Finding a model and reading it: a folder, or a pinned model of a wheel or the hub. Safetensors, no remote code."""

import json
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import get_hf_file_metadata, hf_hub_url, snapshot_download
from huggingface_hub.errors import IncompleteSnapshotError, LocalEntryNotFoundError
from pydantic import Field
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging

from ttsi.calls import first_line
from ttsi.data import data_root
from ttsi.models.batches import is_out_of_memory
from ttsi.models.fetching import MANIFEST
from ttsi.models.folders import find
from ttsi.models.manifest import load_wheels
from ttsi.records import InputError, Record, Tool, read_table, read_toml

WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
FILES = ["*.json", "*.jinja", "*.safetensors", "merges.txt"]
"""What is fetched of a model: neither code nor weights in formats that may hold code."""

ANSWER_SECONDS = 5.0
"""How long the hub may take to answer at all."""


class Pinned(Record):
    """A model of the hub at one commit."""

    revision: str = Field(pattern=r"^[0-9a-f]{40}$")
    shape: dict[str, Any]
    """What its `config.json` says of its size, in the words of `transformers`."""


_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")


def locate(model: str, data: Path) -> Path:
    """Return the folder of a model: below the data folder if it is there, else as given, else of a pinned name.

    A folder may hold an adapter, whose merged model is meant; a name is that of a wheel's model or one on the hub.

    Raises:
        InputError: it is neither a folder nor a name, or a name on the hub that is not pinned; or it cannot be fetched
            or merged.
    """
    found = find(model, data)
    if found:
        return found
    if not _HUB_NAME.fullmatch(model):
        raise InputError(f"{model} is not a model folder: nothing is there; expected one, or {_names(data)}")
    return fetch(model, data / "models.toml")


def _names(data: Path) -> str:
    shipped = [f"agents/{folder.name}" for folder in sorted((data / "agents").glob("*")) if folder.is_dir()]
    return "one of " + ", ".join([*shipped, *load_wheels(data / MANIFEST), *read_toml(data / "models.toml")])


def model_folder(model: str) -> Path:
    """Return the folder of a model as `locate` does, by the data folder at hand."""
    return locate(model, data_root())


def pinned(name: str, manifest: Path) -> Pinned:
    """Return the pinned commit of a model of the hub, `owner/name`; the manifest has a table for each.

    Raises:
        InputError: the manifest cannot be read, or does not pin this model.
    """
    models = read_toml(manifest)
    if name not in models:
        raise InputError(
            f"{name} is no model folder and not pinned; expected a folder, {_names(manifest.parent)}, or a new table "
            f'["{name}"] with its revision (40 hexadecimal digits) and shape in {manifest}'
        )
    return read_table(Pinned, models, name, manifest)


def fetch(name: str, manifest: Path) -> Path:
    """Return the folder of a pinned model: from the hub's local cache, or else from the hub.

    Raises:
        InputError: the model is not pinned, or it is not in the cache and cannot be fetched.
    """
    revision = pinned(name, manifest).revision
    with suppress(LocalEntryNotFoundError, IncompleteSnapshotError):
        folder = Path(snapshot_download(name, revision=revision, allow_patterns=FILES, local_files_only=True))
        if not missing_part(folder):
            return folder
    try:
        # Fetching itself has no time limit, so ask for one small answer first.
        get_hf_file_metadata(hf_hub_url(name, "config.json", revision=revision), timeout=ANSWER_SECONDS)
        return Path(snapshot_download(name, revision=revision, allow_patterns=FILES))
    except Exception as error:  # of the network, of the hub, of the disk
        raise InputError(
            f"{name} at {revision[:12]} is not in the local cache and could not be fetched ({first_line(error)}); "
            "expected a network, or the path of a folder that holds the model"
        ) from error


def read(folder: Path, *, device: str, dtype: str) -> tuple[Any, Any]:
    """Return the model of a folder, on its device, and its tokenizer; raises what `Agent.load` does."""
    check_whole(folder)
    check_device(device)
    logging.disable_progress_bar()
    settings: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, **settings)
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            folder, dtype=getattr(torch, dtype), use_safetensors=True, output_loading_info=True, **settings
        )
        model, report = loaded[0].to(device), loaded[1]
    except Exception as error:  # the loaders raise anything from OSError to SafetensorError
        if is_out_of_memory(error):
            raise InputError(f"{folder} does not fit into the memory of {device} in {dtype}") from error
        raise InputError(f"{folder} cannot be read as a model: {first_line(error)}") from error
    if report["missing_keys"]:
        raise InputError(f"{folder} lacks weights: found no {min(report['missing_keys'])}")
    check_tokenizer(tokenizer, folder)
    return model, tokenizer


def missing_part(folder: Path) -> str | None:
    """Return the first file that a model folder lacks.

    Raises:
        InputError: its index of weights cannot be read.
    """
    needed = ["config.json", "tokenizer.json"]
    index = folder / INDEX
    if (folder / WEIGHTS).is_file() or not index.is_file():
        needed.append(WEIGHTS)
    else:
        try:
            needed += sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise InputError(f"{index} cannot be read as an index of weights: {error}") from error
    return next((name for name in needed if not (folder / name).is_file()), None)


def check_whole(folder: Path) -> None:
    """Raise `InputError` unless a folder holds all parts of a model."""
    if missing := missing_part(folder):
        raise InputError(f"{folder} is not a model folder: found no {missing}; expected config, tokenizer and weights")


def check_device(device: str) -> None:
    """Raise `InputError` unless it is the CPU or a GPU that is there, before a model is fetched for it."""
    if not re.fullmatch(r"cpu|cuda(:\d+)?", device):
        raise InputError(f"device is {device!r}; expected cpu, cuda, or cuda:N with the number of a GPU")
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise InputError(f"device is {device!r}; found none: {first_line(error)}") from error


def check_tokenizer(tokenizer: Any, folder: Path) -> None:
    """Raise `InputError` unless turns end, batches can be padded and the chat template takes tools."""
    if not tokenizer.chat_template:
        raise InputError(f"{folder} has a tokenizer without a chat template; expected one that takes tools")
    if tokenizer.eos_token_id is None or tokenizer.pad_token_id is None:
        raise InputError(f"{folder} has a tokenizer without an end-of-turn or padding token")
    tool = Tool(name="probe", parameters={"type": "object", "properties": {}}).as_function()
    try:
        text = tokenizer.apply_chat_template([{"role": "user", "content": "hello"}], tools=[tool], tokenize=False)
    except Exception as error:  # a template may raise anything
        raise InputError(f"{folder} has a chat template that fails: {first_line(error)}") from error
    if "probe" not in text:
        raise InputError(f"{folder} has a chat template that leaves tools out; expected one that takes tools")
