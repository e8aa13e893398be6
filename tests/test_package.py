"""The library as a package of its own: a wheel with its types and without weights."""

import shutil
import subprocess
import sys
import zipfile
from importlib import import_module
from pathlib import Path, PurePosixPath

import pytest

import ttsi

ROOT = Path(__file__).parents[1]
WEIGHTS = {".safetensors", ".bin", ".pt", ".pth", ".parquet"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Names of the files in a wheel, built from a copy: what lies in `build/` of the checkout has no part in it."""
    source = tmp_path_factory.mktemp("source")
    shutil.copytree(ROOT / "src", source / "src", ignore=shutil.ignore_patterns("*.egg-info", "__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", "wheels"]
    built = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    (path,) = (source / "wheels").iterdir()
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()


def test_wheel_holds_every_module_and_the_types_marker(wheel: list[str]) -> None:
    modules = {path.relative_to(ROOT / "src").as_posix() for path in (ROOT / "src").rglob("*.py")}
    assert modules | {"ttsi/py.typed", "ttsi_book/py.typed"} <= set(wheel)


def test_wheel_holds_nothing_else(wheel: list[str]) -> None:
    assert {name.split("/")[0].partition("-")[0] for name in wheel} == {"ttsi", "ttsi_book"}
    assert not [name for name in wheel if PurePosixPath(name).suffix in WEIGHTS]


def test_the_face_gives_each_name_from_the_module_that_has_it() -> None:
    assert set(ttsi.__all__) == set(ttsi._MODULES)
    for name, module in ttsi._MODULES.items():
        own = import_module(module)
        found = getattr(ttsi, name)
        assert found is getattr(own, "load" if name == "load_benchmark" else name)
        assert getattr(found, "__module__", module) in (module, "builtins"), f"{name} is imported there, not defined"
