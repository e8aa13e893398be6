"""The folder of made models under two writers."""

from pathlib import Path

import pytest

from ttsi.models import cache
from ttsi.models.cache import is_whole, made


def test_an_interrupted_wait_leaves_the_work_of_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TTSI_MODELS", str(tmp_path))

    def interrupted(_: Path) -> None:
        raise KeyboardInterrupt

    def make(folder: Path) -> None:
        (folder / "first").write_text("1")
        with monkeypatch.context() as second:
            second.setattr(cache, "_alone", interrupted)
            with pytest.raises(KeyboardInterrupt):
                made("model", {}, make)
        (folder / "second").write_text("2")

    folder = made("model", {}, make)
    assert is_whole(folder)
    assert {"first", "second"} <= {path.name for path in folder.iterdir()}
