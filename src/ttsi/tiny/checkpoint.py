"""The state of an interrupted training."""

import json
from functools import partial
from pathlib import Path

import torch

from ttsi.calls import first_line
from ttsi.data import PART, make_folder, write_whole
from ttsi.records import InputError, Record


class Checkpoint:
    """Model, optimizer and log of a training of one configuration, in `checkpoint.pt` of its output folder.

    Raises:
        InputError: the folder cannot be written, or holds something else than a training that was cut off.
    """

    def __init__(self, folder: Path, config: Record) -> None:
        make_folder(folder)
        self.path, self.config = folder / "checkpoint.pt", config
        present = sorted(path.name for path in folder.iterdir() if path.suffix != PART)
        if present and not self.path.exists():
            raise InputError(f"{folder} holds {present[0]}; expected an empty folder, or a training that was cut off")

    def save(self, model: torch.nn.Module, optimizer: torch.optim.Optimizer, log: list[dict]) -> None:
        """Write the state, whole or not at all."""
        states = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
        write_whole(self.path, partial(torch.save, {**states, "log": log, "config": self.config.model_dump_json()}))

    def restore(self, model: torch.nn.Module, optimizer: torch.optim.Optimizer) -> list[dict]:
        """Load the state if there is one, and return its log; one of another configuration is an `InputError`."""
        if not self.path.exists():
            return []
        try:
            state = torch.load(self.path, weights_only=True)
        except Exception as error:  # torch raises anything of a damaged file
            raise InputError(f"{self.path} cannot be read: {first_line(error)}; take it away to begin anew") from error
        found, expected = json.loads(state["config"]), self.config.model_dump(mode="json")
        pairs = [(key, found.get(key), value) for key, value in expected.items()]
        if differing := [f"{key} is {one}, expected {other}" for key, one, other in pairs if one != other]:
            raise InputError(f"{self.path} belongs to another configuration: {'; '.join(differing)}")
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        return state["log"]
