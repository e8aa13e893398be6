"""What every test shares."""

import subprocess
import sysconfig
from pathlib import Path

import pytest
from hypothesis import settings

from chromium import NO_CHROMIUM, find
from ttsi.agent import Agent
from ttsi.runs.config import RunConfig, configure
from ttsi.runs.run import load_agent

ROOT = Path(__file__).parents[1]

# A busy machine is no failure, and the same examples everywhere make a failure repeatable.
settings.register_profile("book", deadline=None, derandomize=True)
settings.load_profile("book")


@pytest.fixture(scope="session")
def chromium() -> str:
    """The Chromium that browser tests open pages with."""
    path = find()
    if path is None:
        pytest.skip(NO_CHROMIUM)
    return path


@pytest.fixture(scope="session")
def smoke_book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A side build of the whole book at the smoke profile, warnings as errors. Its tests share one process."""
    out = tmp_path_factory.mktemp("book") / "smoke"
    command = [str(Path(sysconfig.get_path("scripts")) / "ttsi"), "book", "--profile", "smoke", "--out", str(out)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return out


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say at the end, in one plain line, that no browser was at hand."""
    if any(NO_CHROMIUM in str(report.longrepr) for report in terminalreporter.stats.get("skipped", [])):
        terminalreporter.write_line(NO_CHROMIUM)


@pytest.fixture(scope="session")
def tiny_config() -> RunConfig:
    """The embedded agent's profile, cut to a few samples."""
    return configure("smoke", split="single/unseen", subset="validation", seed=11)


@pytest.fixture(scope="session")
def tiny(tiny_config: RunConfig) -> Agent:
    """The embedded agent; PEFT wraps its layers for good, so a test that adapts loads its own."""
    return load_agent(tiny_config)
