"""The model card: its numbers are measured and computed, and the shipped one belongs to the shipped agent."""

import json
import re
import shutil

import pandas as pd

from ttsi.benchmarks.toolworld import SPLITS
from ttsi.models.loading import model_folder
from ttsi.tiny.card import write_card


def test_a_card_holds_a_score_with_interval_for_every_split(tiny_config, tmp_path):
    folder = tmp_path / "agent"
    shutil.copytree(model_folder(tiny_config.model), folder)
    (folder / "README.md").unlink()
    text = write_card(folder, limit=4).read_text()
    rows = [line for line in text.splitlines() if line.startswith(tuple(f"| {split} |" for split in SPLITS))]
    assert len(rows) == len(SPLITS)
    assert all(re.search(r"% \([\d.]+–[\d.]+\)", row) for row in rows)
    assert "4 test samples a split" in text


def test_the_shipped_card_tells_of_the_shipped_training(tiny_config):
    folder = model_folder(tiny_config.model)
    text = (folder / "README.md").read_text()
    log = pd.read_parquet(folder / "training.parquet")
    config = json.loads((folder / "training.json").read_text())["config"]
    assert f"{len(log):,} steps" in text
    assert json.dumps(config, indent=2) in text
    assert len(log) == config["schedule"][-1][0]
