"""Wall-clock seconds of each sample of a batch, by stage of the loop."""

import time
from collections.abc import Sequence

STAGES: tuple[str, ...] = ("uncertainty", "augmentation", "adaptation", "answer", "base", "draws")


class Clock:
    """Adds up wall-clock seconds by sample and stage; each lap runs from the one before."""

    def __init__(self, samples: int = 1) -> None:
        self.seconds: list[dict[str, float]] = [dict.fromkeys(STAGES, 0.0) for _ in range(samples)]
        self._last = time.perf_counter()

    def lap(self, stage: str, samples: Sequence[int] = (0,)) -> None:
        """Share the seconds since the last lap among samples; the base answer counts as an answer, too."""
        now = time.perf_counter()
        for sample in samples:
            for name in ("base", "answer") if stage == "base" else (stage,):
                self.seconds[sample][name] += (now - self._last) / len(samples)
        self._last = now
