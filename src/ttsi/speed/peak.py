"""Peak memory of a block of work: of a GPU's allocator, or of this process as Linux counts it."""

import ctypes
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

PROCESS = Path("/proc/self")
COUNTED = (PROCESS / "clear_refs").exists()
"""Whether the system counts the peak of a process."""


@dataclass
class Peak:
    """Of the block that it was opened for."""

    taken: int | None = None
    """Bytes at the peak beyond what was held before (the model); none where the system does not count them."""


@contextmanager
def peak_memory(device: torch.device) -> Iterator[Peak]:
    """Inside the block memory is watched; afterwards the peak is known."""
    peak, held = Peak(), _forget(device)
    yield peak
    if device.type == "cuda":
        peak.taken = torch.cuda.max_memory_allocated(device) - held
    elif COUNTED:
        peak.taken = max(0, _status("VmHWM") - held)


def _forget(device: torch.device) -> int:
    """Free what nothing refers to, start a new peak, and return the bytes that are held."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        return torch.cuda.memory_allocated(device)
    if not COUNTED:
        return 0
    ctypes.CDLL(None).malloc_trim(0)  # else the process keeps what it once took
    (PROCESS / "clear_refs").write_text("5", encoding="ascii")  # proc_pid_clear_refs(5): the peak is reset
    return _status("VmRSS")


def _status(field: str) -> int:
    lines = (PROCESS / "status").read_text(encoding="ascii").splitlines()
    kilobytes = next(line.split()[1] for line in lines if line.startswith(f"{field}:"))
    return 1024 * int(kilobytes)
