"""What runs by itself: workflows that are valid, pinned by commit and may do no more than they must."""

import re
import runpy
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))

each_workflow = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)


def read(name: str) -> dict[str, Any]:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / f"{name}.yml").read_text(encoding="utf-8"))
    return workflow | {"on": workflow.pop(True)}  # YAML 1.1 reads `on` as a truth value


def steps(workflow: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for job in workflow["jobs"].values():
        yield from job["steps"]


@each_workflow
def test_is_valid(path: Path) -> None:
    checker = Path(sysconfig.get_path("scripts")) / "check-jsonschema"
    command = [str(checker), "--builtin-schema", "vendor.github-workflows", str(path)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@each_workflow
def test_actions_are_pinned_by_commit_and_say_which_version_that_is(path: Path) -> None:
    used = re.findall(r"uses: (.+)", path.read_text(encoding="utf-8"))
    assert used
    assert not [line for line in used if not re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)]


def test_one_action_has_one_commit() -> None:
    used = {found for path in WORKFLOWS for found in re.findall(r"uses: (\S+)", path.read_text(encoding="utf-8"))}
    assert len(used) == len({action.partition("@")[0] for action in used})


@each_workflow
def test_may_only_read_but_where_it_publishes(path: Path) -> None:
    workflow = read(path.stem)
    assert workflow["permissions"] == {"contents": "read"}
    own = {name: job["permissions"] for name, job in workflow["jobs"].items() if "permissions" in job}
    assert own == ({"publish": {"pages": "write", "id-token": "write"}} if path.stem == "book" else {})
    assert all(job["timeout-minutes"] for job in workflow["jobs"].values())
    for step in steps(workflow):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


@each_workflow
def test_runs_commands_that_there_are(path: Path) -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    for command in filter(None, (step.get("run") for step in steps(read(path.stem)))):
        program, *arguments = command.split()
        assert arguments[0] in targets if program == "make" else program == "git" or (ROOT / program).is_file()


def test_pages_come_from_main_after_the_tests() -> None:
    publish = read("book")["jobs"]["publish"]
    assert publish["needs"] == ["test", "book"]
    assert publish["if"] == "github.event_name == 'push' && github.ref == 'refs/heads/main'"


def test_each_push_and_pull_request_is_built_and_kept_to_look_at() -> None:
    workflow = read("book")
    assert set(workflow["on"]) == {"push", "pull_request"}
    kept = {step["with"]["name"]: step for step in steps(workflow) if "upload-artifact" in step.get("uses", "")}
    assert kept["failed-chapters"]["if"] == "failure()"
    assert "_build/work/*.ipynb" in kept["failed-chapters"]["with"]["path"]
    assert "_build/html/" in kept["book"]["with"]["path"]


def test_links_are_checked_weekly_and_newest_versions_monthly() -> None:
    assert re.fullmatch(r"\d+ \d+ \* \* \d", read("links")["on"]["schedule"][0]["cron"])
    assert re.fullmatch(r"\d+ \d+ 1 \* \*", read("newest")["on"]["schedule"][0]["cron"])


def test_newest_moves_pins_but_those_of_the_gpu() -> None:
    moved = runpy.run_path(str(ROOT / ".ci" / "newest.py"))["moved"]
    before = 'book = ["a_b==1", "c[x]==1.2", "kept==3"]\ngpu = ["a_b==1"]\nother = ["a-b>=1"]\n'
    after = 'book = ["a_b==2", "c[x]==4", "kept==3"]\ngpu = ["a_b==1"]\nother = ["a-b>=1"]\n'
    assert moved(before, {"a-b": "2", "c": "4"}) == after
