"""The benchmark of whole runs: each way in turn, kept, and not measured again."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ttsi.speed import default


def test_whole_runs_are_measured_in_turn_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ttsi.speed.table.source_state", lambda: ("a" * 40, False))
    out, said = tmp_path / "default.parquet", []
    found = default.measure_default(out, repeats=1, samples=2, announce=said.append)
    assert found["way"].tolist() == ["peft", "default"]
    assert set(found["samples"]) == {2}
    assert np.all(found["seconds"] > found["seconds_rows"])
    assert np.all(found["seconds_rows"] > 0)
    pd.testing.assert_frame_equal(default.measure_default(out, repeats=1, samples=2, announce=said.append), found)
    default.measure_default(out, repeats=2, samples=2, minutes=0, announce=said.append)
    assert len(said) == 2
