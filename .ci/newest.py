"""Move every pin of pyproject.toml to the newest version that `.ci/allowed.txt` allows; the extra `gpu` stays."""

import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
PROJECT = ROOT / "pyproject.toml"
PIN = re.compile(r'"(?P<name>[\w.-]+)(?P<extras>\[[\w,]+\])?==(?P<version>[^"]+)"')
RESOLVED = re.compile(r"^([\w.-]+)==([^\s;]+)(?: *;.*)?$", re.M)


def moved(text: str, versions: dict[str, str]) -> str:
    """Return the text of a pyproject.toml with the pins of these versions; a name that has none keeps its pin."""

    def pin(found: re.Match[str]) -> str:
        name, version = found["name"], versions.get(_canonical(found["name"]), found["version"])
        return f'"{name}{found["extras"] or ""}=={version}"'

    return "".join(line if line.startswith("gpu =") else PIN.sub(pin, line) for line in text.splitlines(keepends=True))


def newest(text: str) -> dict[str, str]:
    """Resolve the requirements without their pins, for this Python; returns name to version."""
    wanted = [found for line in text.splitlines() if not line.startswith("gpu =") for found in PIN.finditer(line)]
    with TemporaryDirectory() as folder:
        names = Path(folder) / "names.in"
        names.write_text("\n".join(found["name"] + (found["extras"] or "") for found in wanted), encoding="utf-8")
        command = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--no-annotate", "--no-header"]
        command += ["--python", sys.executable, "--constraint", str(ROOT / ".ci" / "allowed.txt"), str(names)]
        out = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return {_canonical(name): version.partition("+")[0] for name, version in RESOLVED.findall(out)}


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    before = PROJECT.read_text(encoding="utf-8")
    PROJECT.write_text(moved(before, newest(before)), encoding="utf-8")
