"""The reference of names: types without what validates them, and attributes' docstrings whole."""

import subprocess
import sys

import pytest
from bs4 import BeautifulSoup

CONFIGURATION = """
extensions = ["sphinx.ext.autodoc", "sphinx.ext.napoleon", "ttsi_book.making.reference"]
autodoc_typehints_format = "short"
autodoc_class_signature = "separated"
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> BeautifulSoup:
    """A page that documents a class of settings; built in another process, since annotations change."""
    folder = tmp_path_factory.mktemp("reference")
    (folder / "conf.py").write_text(CONFIGURATION)
    names = ("ttsi.runs.config.RunConfig", "ttsi.settings.LoopSettings")
    listed = "".join(f".. autoclass:: {name}\n   :members:\n   :undoc-members:\n\n" for name in names)
    (folder / "index.rst").write_text(f"Names\n=====\n\n{listed}")
    command = [sys.executable, "-m", "sphinx", "-q", "-b", "html", str(folder), str(folder / "html")]
    subprocess.run(command, check=True, capture_output=True)
    return BeautifulSoup((folder / "html/index.html").read_text(encoding="utf-8"), "html.parser")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("runs.config.RunConfig.benchmark", "benchmark: str"),
        ("runs.config.RunConfig.method", "method: str"),
        ("runs.config.RunConfig.limit", "limit: int | None"),
        ("settings.LoopSettings.also_estimate", "also_estimate: tuple[str, ...]"),
    ],
)
def test_a_type_is_shown_without_what_validates_it(page: BeautifulSoup, name: str, shown: str) -> None:
    entry = page.find(id=f"ttsi.{name}")
    assert entry is not None
    assert entry.get_text().strip().rstrip("¶#").startswith(shown)


def test_a_docstring_with_a_colon_stays_whole(page: BeautifulSoup) -> None:
    assert "Number of samples; none: all that the benchmark has." in page.get_text()
    assert "0x" not in page.get_text()
