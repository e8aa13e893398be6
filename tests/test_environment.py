"""The three places that name versions agree: pyproject.toml, requirements.txt and environment.yml."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]


def locked() -> dict[str, set[str]]:
    lines = (line.partition("#")[0].strip() for line in (ROOT / "requirements.txt").read_text().splitlines())
    pins: dict[str, set[str]] = {}
    for requirement in map(Requirement, filter(None, lines)):
        pins.setdefault(canonicalize_name(requirement.name), set()).add(str(requirement.specifier))
    return pins


def is_pin(specifier: str) -> bool:
    return re.fullmatch(r"==[^*+]+", specifier) is not None


@pytest.mark.parametrize("text", [*PROJECT["dependencies"], *EXTRAS["chapters"], *EXTRAS["book"], *EXTRAS["dev"]])
def test_direct_pins_are_the_locked_ones(text: str) -> None:
    requirement = Requirement(text)
    assert locked()[canonicalize_name(requirement.name)] == {str(requirement.specifier)}


def test_every_version_is_pinned_and_none_is_local() -> None:
    assert not [name for name, pins in locked().items() if not all(map(is_pin, pins))]


def test_gpu_extra_is_pinned_and_not_locked() -> None:
    names = {canonicalize_name(Requirement(text).name) for text in EXTRAS["gpu"]}
    assert all(is_pin(str(Requirement(text).specifier)) for text in EXTRAS["gpu"])
    assert not names & set(locked())


def test_conda_installs_the_same() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    python, pip, from_pip = environment["dependencies"]
    assert SpecifierSet(PROJECT["requires-python"]).contains(python.removeprefix("python="))
    assert pip == "pip"
    assert from_pip == {"pip": ["-r requirements.txt", "-e ."]}
