"""Chapters follow what a reader changes: the practice instruction of a profile, and the registry of estimators."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest

from ttsi.data import data_root
from ttsi.estimators import ESTIMATORS, Estimator
from ttsi.studies import families, real  # noqa: F401 - their tables hold the estimators known at their first import
from ttsi_book.making.chapters import find_chapters, select_chapters

CHAPTERS = find_chapters(Path(__file__).parents[2])
INSTRUCTION = "Show a tool call and a request like the following.\n\n"


@pytest.fixture(autouse=True)
def _plain_figures() -> Iterator[None]:
    with mpl.rc_context():
        yield


def executed(number: str, **parameters: Any) -> dict[str, Any]:
    """Execute a chapter's code at the smoke profile in this process; returns its variables."""
    (chapter,) = select_chapters(CHAPTERS, [number])
    variables: dict[str, Any] = {}
    for cell in chapter.notebook().cells:
        if cell.cell_type == "code":
            exec(compile(cell.source, chapter.name, "exec"), variables)
        if "parameters" in cell.metadata.get("tags", []):
            variables |= {"profile": "smoke"} | parameters
    return variables


def test_a_changed_practice_instruction_reaches_the_practice_of_chapter_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(data_root() / "profiles", tmp_path / "profiles")
    for folder in ("agents", "results"):
        (tmp_path / folder).symlink_to(data_root() / folder)
    profile = tmp_path / "profiles" / "smoke.toml"
    with profile.open("a", encoding="utf-8") as file:
        file.write(f"[loop]\npractice_instruction = {json.dumps(INSTRUCTION)}\n")
    monkeypatch.setenv("TTSI_DATA", str(tmp_path))
    found = executed("01", tau=1.0)
    assert found["config"].loop.practice_instruction == INSTRUCTION
    assert found["written"]
    assert found["written"] == list(found["answered"].written)


def test_chapter_1_shows_a_request_that_is_left_alone() -> None:
    found = executed("01", tau=0.0)
    assert not found["written"]
    assert found["adapted"] == found["answered"].base_output


@pytest.mark.parametrize("number", ["03", "07"])
def test_a_registered_estimator_that_no_row_holds_is_left_out(number: str, monkeypatch: pytest.MonkeyPatch) -> None:
    known = list(ESTIMATORS)
    monkeypatch.setitem(ESTIMATORS, "tenth", Estimator(lambda _: 0.5))
    assert list(executed(number)["margins"]) == known
