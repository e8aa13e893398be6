"""Finds a Chromium for the browser tests; run as a program, it installs one where this machine allows that."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator

from playwright.sync_api import sync_playwright

NO_CHROMIUM = "The browser tests did not run: no Chromium was found and none could be installed."
COMMANDS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
INSTALL_SECONDS = 300


def find() -> str | None:
    """Return the path of a Chromium that starts, if there is one."""
    return next((path for path in _candidates() if _starts(path)), None)


def install() -> None:
    """Try the system's packages, then Playwright's own download."""
    if os.geteuid() == 0 and shutil.which("apt-get"):
        _try("apt-get", "update", "-qq")
        _try("apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium")
    if find() is None:
        _try(sys.executable, "-m", "playwright", "install", "chromium")


def _candidates() -> Iterator[str]:
    yield from filter(None, map(shutil.which, COMMANDS))
    with sync_playwright() as playwright:
        yield playwright.chromium.executable_path


def _starts(path: str) -> bool:
    """A path may lead nowhere, to a stub that wants to install something, or to a program that lacks its libraries."""
    try:
        return subprocess.run([path, "--version"], capture_output=True, timeout=60, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _try(*command: str) -> None:
    try:
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, timeout=INSTALL_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        print(f"{command[0]}: {error}", file=sys.stderr)


if __name__ == "__main__":
    if find() is None:
        install()
    print(find() or NO_CHROMIUM)
