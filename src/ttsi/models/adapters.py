"""Merges a LoRA adapter, as PEFT saves it, into the model that it was trained on: an ordinary model folder."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from ttsi.models.cache import Say, made, silent
from ttsi.models.fetching import fetch, find_wheel, origin_of
from ttsi.records import InputError

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"

MERGING = 1
"""Counts the ways in which the same adapter was merged to another model."""


def is_adapter(folder: Path) -> bool:
    """Return whether a folder holds an adapter, or a part of one."""
    return any((folder / name).is_file() for name in (CONFIG, WEIGHTS))


def merged(folder: Path, manifest: Path, say: Say = silent) -> Path:
    """Return the folder of an adapter's model: from the cache, else made of its base, fetched if need be.

    The adapter's `base_model_name_or_path` is a name in the manifest of the models in wheels.

    Raises:
        InputError: a part of the adapter is missing or does not fit its base, or the base is unknown or cannot be had.
    """
    for name in (CONFIG, WEIGHTS):
        if not (folder / name).is_file():
            raise InputError(f"{folder} is not a whole adapter: found no {name}; expected {CONFIG} and {WEIGHTS}")
    base = _base(folder)
    try:
        made_of = {"base": origin_of(find_wheel(base, manifest))}
    except InputError as error:
        raise InputError(f"{folder / CONFIG}: base_model_name_or_path: {error}") from error
    adapter = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in (CONFIG, WEIGHTS)}
    origin = {**made_of, "adapter": adapter, "merging": MERGING}
    return made(folder.resolve().name, origin, lambda target: merge(fetch(base, manifest, say), folder, target), say)


def merge(base: Path, adapter: Path, target: Path) -> None:
    """Write the model folder of a base with an adapter merged into it, in float64, and rounded to float32.

    Raises:
        InputError: the adapter cannot be read, or is not one of this base.
    """
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    settings: dict[str, Any] = {"dtype": torch.float64, "use_safetensors": True, "local_files_only": True}
    model = AutoModelForCausalLM.from_pretrained(base, **settings)
    try:
        model = _adapted(model, adapter).merge_and_unload().float()
    except InputError:
        raise
    except Exception as error:  # PEFT raises anything from KeyError to SafetensorError
        reason = " ".join((str(error) or type(error).__name__).split())
        raise InputError(f"{adapter} cannot be merged into {base.name}: {reason[:200]}") from error
    model.save_pretrained(target)
    for path in base.iterdir():
        if path.name.startswith(("tokenizer", "chat_template")):
            shutil.copy(path, target)


def _adapted(model: Any, adapter: Path) -> Any:
    """Return a model with an adapter on it, refused unless exactly the weights that it needs are in its file."""
    from peft import PeftConfig, PeftModel

    adapted = PeftModel(model, PeftConfig.from_pretrained(str(adapter))).double()
    report = adapted.load_adapter(str(adapter), "default", autocast_adapter_dtype=False)
    for found, keys in (
        ("lacks", report.missing_keys),
        ("has, and its config does not ask for,", report.unexpected_keys),
    ):
        if keys:
            raise InputError(f"{adapter / WEIGHTS} {found} {min(keys)}; expected the weights that {CONFIG} describes")
    return adapted


def _base(folder: Path) -> str:
    """Return the name of an adapter's base."""
    path = folder / CONFIG
    try:
        name = json.loads(path.read_text(encoding="utf-8"))["base_model_name_or_path"]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} has no base_model_name_or_path: {error!r}; expected the name of a model") from error
    return str(name)
