"""The benchmark of whole runs: each way in turn, kept, and not measured again."""

from pathlib import Path

import pandas as pd
import pytest

from ttsi.speed import default


def test_whole_runs_are_measured_in_turn_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(default, "source_state", lambda: ("a" * 40, False))
    out, said = tmp_path / "default.parquet", []
    found = default.measure_default(out, repeats=1, samples=2, announce=said.append)
    assert found["way"].tolist() == ["peft", "default"]
    assert set(found["samples"]) == {2}
    assert (found["seconds"] > found["seconds_rows"]).all()
    assert (found["seconds_rows"] > 0).all()
    pd.testing.assert_frame_equal(default.measure_default(out, repeats=1, samples=2, announce=said.append), found)
    assert len(said) == 2
