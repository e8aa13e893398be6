"""The book is built anew when a source is saved, and the page in the browser reloads by itself."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright
from watchfiles import Change

from served_pages import QUIET
from small_book import edit, write_small_book
from ttsi_book.making.serving import Sources

SOURCE = str(Path(__file__).parents[2] / "src")
SECONDS = 240
"""A busy machine is no failure."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_small_book(tmp_path)


@pytest.fixture
def address(root: Path) -> Iterator[str]:
    """The address of a small book that is served and built anew on save."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {"PYTHONPATH": SOURCE}
    command = [sys.executable, "-m", "ttsi_book.making.serving", "--port", str(port)]
    with subprocess.Popen(command, cwd=root, env=environment, stderr=subprocess.DEVNULL) as server:
        end = time.monotonic() + SECONDS
        while not (root / "_build/work/pages.json").is_file() and time.monotonic() < end:
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
        server.terminate()


def test_a_saved_page_is_in_the_browser_without_a_key_pressed(root: Path, address: str, chromium: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=QUIET)
        page = browser.new_page()
        page.goto(f"{address}/intro.html")
        page.get_by_role("heading", name="Small").wait_for()
        edit(root / "book/intro.md", "# Small", "# Saved meanwhile")
        page.get_by_role("heading", name="Saved meanwhile").wait_for(timeout=SECONDS * 1000)
        browser.close()


@pytest.mark.parametrize(
    ("name", "is_source"),
    [
        ("notebooks/01_first.py", True),
        ("notebooks/01_first.ipynb", True),
        ("src/ttsi/direct.py", True),
        ("data/words.txt", True),
        ("book/notebooks/01_first.ipynb", False),
        ("src/ttsi/__pycache__/direct.cpython-311.pyc", False),
        ("notebooks/.ipynb_checkpoints/01_first-checkpoint.ipynb", False),
    ],
)
def test_what_a_build_leaves_behind_starts_no_other(root: Path, name: str, is_source: bool) -> None:
    assert Sources(root)(Change.modified, str(root / name)) == is_source
