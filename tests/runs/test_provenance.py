"""What a result says of the code that made it."""

import subprocess
from pathlib import Path

import pytest

import ttsi
from ttsi.runs import provenance
from ttsi.runs.provenance import Provenance, Resumption, source_state

FACTS = {"config": {}, "versions": {}, "device": "cpu", "threads": 1, "hashes": {}, "started": "now"}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package in a checkout of its own, with a file in a room of it."""
    folder = tmp_path / "src" / "ttsi"
    (folder / "room").mkdir(parents=True)
    for name in ("__init__.py", "room/code.py", "../notes.md"):
        (folder / name).write_text("")
    name = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    for command in (["init", "-q"], ["add", "."], [*name, "commit", "-q", "-m", "all"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    monkeypatch.setattr(provenance, "PACKAGE", folder)
    return folder


def test_the_package_is_the_whole_library() -> None:
    assert Path(str(ttsi.__file__)).parent == provenance.PACKAGE


@pytest.mark.parametrize(
    ("edited", "dirty"), [(None, False), ("room/code.py", True), ("__init__.py", True), ("../notes.md", False)]
)
def test_an_edit_anywhere_in_the_package_shows(package: Path, edited: str | None, dirty: bool) -> None:
    if edited:
        (package / edited).write_text("changed")
    commit, found = source_state()
    assert (len(commit or ""), found) == (40, dirty)


def test_outside_a_checkout_nothing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "__init__.py").write_text("")
    monkeypatch.setattr(provenance, "PACKAGE", tmp_path)
    assert source_state() == (None, None)


def test_every_commit_that_computed_rows_is_named() -> None:
    first, second = "a" * 40, "b" * 40
    made = Provenance(**FACTS, commit=first, dirty=False)
    assert made.sources() == "aaaaaaaa"
    again = Resumption(at="later", commit=first, dirty=False)
    other = Resumption(at="later", commit=second, dirty=True)
    assert made.model_copy(update={"resumed": (again,)}).sources() == "aaaaaaaa"
    assert made.model_copy(update={"resumed": (other,)}).sources() == "aaaaaaaa, then bbbbbbbb with changes"
    assert made.model_copy(update={"resumed": (Resumption(at="once"),)}).sources() == "aaaaaaaa, then unknown"
