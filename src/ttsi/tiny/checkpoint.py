"""The state of an interrupted training."""

import json
from functools import partial
from pathlib import Path

import torch

from ttsi.data import write_whole
from ttsi.records import InputError, Record


class Checkpoint:
    """Model, optimizer and log of a training of one configuration, in `checkpoint.pt` of its output folder."""

    def __init__(self, folder: Path, config: Record) -> None:
        self.path, self.config = folder / "checkpoint.pt", config

    def save(self, model: torch.nn.Module, optimizer: torch.optim.Optimizer, log: list[dict]) -> None:
        """Write the state, whole or not at all."""
        state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "log": log}
        state["config"] = self.config.model_dump_json()
        write_whole(self.path, partial(torch.save, state))

    def restore(self, model: torch.nn.Module, optimizer: torch.optim.Optimizer) -> list[dict]:
        """Load the state if there is one; return the log of the steps that it holds.

        Raises:
            InputError: the checkpoint was made with another configuration.
        """
        if not self.path.exists():
            return []
        state = torch.load(self.path, weights_only=True)
        found, expected = json.loads(state["config"]), self.config.model_dump(mode="json")
        changed = [key for key, value in expected.items() if found.get(key) != value]
        differing = [f"{key} is {found.get(key)}, expected {expected[key]}" for key in changed]
        if differing:
            raise InputError(f"{self.path} belongs to another configuration: {'; '.join(differing)}")
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        return state["log"]
