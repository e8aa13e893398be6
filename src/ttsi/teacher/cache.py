"""The teacher's answers on disk, so that none is asked for, and paid for, twice.

One JSON file an answer, named by the SHA-256 of the question, which stands in it, too: entries can be read, compared
and shared, and reading one runs no code (as unpickling would).
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from pydantic import ValidationError

from ttsi.records import InputError, Record

Question = dict[str, Any]


class _Entry(Record):
    question: Question
    answer: str


class AnswerCache:
    """A folder of answers, which many threads and processes may use at once.

    Raises:
        InputError: the folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._unwritable(error) from error

    def answer(self, question: Question, ask: Callable[[], str]) -> str:
        """Return the answer that is kept for a question; otherwise ask, and keep it.

        Whoever comes second waits for the first; an entry that is damaged, or whose author died, is asked for again.
        The question holds what decides the answer, and no secret; `ask` raises no `OSError`.

        Raises:
            InputError: the folder cannot be written.
        """
        name = hashlib.sha256(_canonical(question).encode()).hexdigest()
        try:
            with (self.folder / f"{name}.json").open("a+", encoding="utf-8") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                answer = _read(file, question)
                if answer is None:
                    answer = ask()
                    _write(file, _Entry(question=question, answer=answer))
                return answer
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> InputError:
        return InputError(f"{self.folder} cannot keep the teacher's answers: {error.strerror}")


def _canonical(question: Question) -> str:
    return json.dumps(question, sort_keys=True, separators=(",", ":"))


def _read(file: TextIO, question: Question) -> str | None:
    file.seek(0)
    try:
        entry = _Entry.model_validate_json(file.read())
    except (UnicodeDecodeError, ValidationError):
        return None
    return entry.answer if _canonical(entry.question) == _canonical(question) else None


def _write(file: TextIO, entry: _Entry) -> None:
    file.truncate(0)
    file.write(entry.model_dump_json(indent=1))
    file.flush()
    os.fsync(file.fileno())
