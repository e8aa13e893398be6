"""What a user gets who chooses nothing: `ttsi run` from start to end, and the same by the reference, in turns."""

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from ttsi.runs.config import configure
from ttsi.runs.planning import threads_of
from ttsi.runs.results import read_outcomes
from ttsi.speed.table import Measured, made_here

CHOICES: dict[str, tuple[str, ...]] = {"peft": ("--backend", "peft"), "default": ()}
"""What is said on the command line, by the name of the way."""

REQUESTS = 64
_COMMAND = (sys.executable, "-c", "from ttsi.cli import main; main()", "run", "--profile", "tiny")


def measure_default(
    out: Path,
    *,
    repeats: int,
    samples: int = REQUESTS,
    minutes: float | None = None,
    announce: Callable[[str], None] = print,
) -> pd.DataFrame:
    """Measure whole runs of the profile `tiny`, each way in turn, and write `out` (Parquet) and what made it (JSON).

    Columns are `way`, `repeat`, `samples`, `seconds` of the whole command, and `seconds_rows`, those of the samples.
    Each run is written at once; what an earlier call has measured with the same commit is not measured again, and none
    begins after so many `minutes`.

    Raises:
        subprocess.CalledProcessError: a run failed.
    """
    until = float("inf") if minutes is None else time.monotonic() + 60 * minutes
    config = {"repeats": repeats, "samples": samples, "choices": {way: list(said) for way, said in CHOICES.items()}}
    table = Measured(out, made_here(config, device="cpu", threads=threads_of(configure("tiny"))))
    for repeat in range(repeats):
        for way, chosen in CHOICES.items():
            if (0, repeat, way) not in table and time.monotonic() < until:
                announce(f"{way}, repetition {repeat + 1} of {repeats}")
                table.append({"case": 0, "repeat": repeat, "way": way, **_timed(chosen, samples)})
    return table.read()


def _timed(chosen: Sequence[str], samples: int) -> dict[str, float]:
    with TemporaryDirectory() as folder:
        out, started = Path(folder) / "run", time.perf_counter()
        command = [*_COMMAND, "--limit", str(samples), "--out", str(out), *chosen]
        subprocess.run(command, check=True, capture_output=True)
        seconds = time.perf_counter() - started
        spent = read_outcomes(out).filter(like="seconds_").drop(columns="seconds_base")
    return {"samples": len(spent), "seconds": seconds, "seconds_rows": float(spent.to_numpy().sum())}
