"""A model folder served on loopback by `transformers serve`, in a process of its own."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from transformers import AutoConfig, GenerationConfig

from ttsi.models.folders import hash_files, model_files
from ttsi.records import InputError
from ttsi.teacher.endpoint import KEY_VARIABLE, TeacherError

_PROGRAM = Path(__file__).with_name("server_process.py")
_RUNNING = re.compile(r"Uvicorn running on (http://\S+)")
_SETTINGS = {
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "OMP_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "PYTHONUNBUFFERED": "1",
}


@contextmanager
def served(folder: Path, *, log: Path | None = None, startup: float = 180.0) -> Iterator[str]:
    """Serve a model folder inside the block, under its `served_name`.

    The server ends with the block, however it is left, and with this process, however it ends.

    Args:
        folder: the model (configuration, weights, tokenizer, chat template).
        log: file for what the server prints; none keeps it until the end of the block.
        startup: seconds until the server must listen.

    Yields:
        The base URL of its OpenAI-compatible API, on a free port.

    Raises:
        InputError: the folder is no model folder.
        TeacherError: the server does not start; the message ends with the last line of its log.
    """
    name = served_name(folder)
    with tempfile.TemporaryDirectory(prefix="ttsi-teacher-") as scratch:
        _lay_out(folder, Path(scratch) / name)
        log = log or Path(scratch) / "server.log"
        with log.open("wb") as output, _started(name, Path(scratch), output) as server:
            try:
                yield _wait_for_url(server, log, time.monotonic() + startup) + "/v1"
            finally:
                server.kill()


def served_name(folder: Path) -> str:
    """Return the model name of a served folder: the folder's name and a hash of its files.

    Other weights are another model, so that answers kept of the old ones are never taken for theirs.

    Raises:
        InputError: the folder is no model folder.
    """
    for name in ("config.json", "tokenizer_config.json"):
        if not (folder / name).is_file():
            raise InputError(f"{folder} is not a model folder: found no {name}; expected config, tokenizer and weights")
    return f"{folder.resolve().name}-{hash_files(model_files(folder))[:12]}"


def _lay_out(folder: Path, copy: Path) -> None:
    """Link a model folder, with settings of its own where `transformers serve` would not do what a teacher needs."""
    copy.mkdir()
    for path in folder.iterdir():
        (copy / path.name).symlink_to(path.resolve())
    for name, settings in (("generation_config.json", _sampling(folder)), ("tokenizer_config.json", _plain(folder))):
        (copy / name).unlink(missing_ok=True)
        (copy / name).write_text(json.dumps(settings))


def _sampling(folder: Path) -> dict[str, Any]:
    """Return a generation configuration that samples from the whole distribution, as self-augmentation does.

    The server takes a request's temperature, but is greedy at any temperature where the model's own configuration is.
    Of that configuration only the ends of a turn are kept.
    """
    if (folder / "generation_config.json").is_file():
        own = GenerationConfig.from_pretrained(folder, local_files_only=True)
    else:
        own = GenerationConfig.from_model_config(AutoConfig.from_pretrained(folder, local_files_only=True))
    sampling = {"do_sample": True, "temperature": 1.0, "top_k": 0, "top_p": 1.0}
    return sampling | {"eos_token_id": own.eos_token_id, "pad_token_id": own.pad_token_id}


def _plain(folder: Path) -> dict[str, Any]:
    """Return a tokenizer configuration with which an answer stays the text that it is.

    The server would parse tool calls out of a Qwen model's text, and answer a call that is malformed or cut off with
    status 500; here such a text is an answer, to be judged like any other.
    """
    settings = json.loads((folder / "tokenizer_config.json").read_bytes())
    special = [settings.get(name) for name in ("eos_token", "pad_token")]
    ends = {token["content"] if isinstance(token, dict) else token for token in special if token}
    template = {
        "defaults": {"role": "assistant"},
        "start_anchor_pattern": r"\Z",  # an answer begins where the prompt ends
        "fields": {"content": {"content": "text", "close": sorted(ends)}},
    }
    return settings | {"response_template": template}


def _started(name: str, folder: Path, output: Any) -> subprocess.Popen[bytes]:
    environment = {variable: value for variable, value in os.environ.items() if variable != KEY_VARIABLE}
    return subprocess.Popen(
        [sys.executable, "-P", str(_PROGRAM), name],
        cwd=folder,
        env=environment | _SETTINGS,
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # an interrupted notebook cell does not end the server of the block around it
    )


def _wait_for_url(server: subprocess.Popen[bytes], log: Path, deadline: float) -> str:
    while time.monotonic() < deadline:
        ended = server.poll() is not None
        found = _RUNNING.search(log.read_text(errors="replace"))
        if found:
            return found[1]
        if ended:
            raise TeacherError(f"the teacher's server ended before it listened: {_last_line(log)}")
        time.sleep(0.1)
    raise TeacherError(f"the teacher's server did not listen in time: {_last_line(log)}")


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "its log is empty")
