"""Wall-clock seconds of a sample, by stage of the loop."""

import time

STAGES: tuple[str, ...] = ("uncertainty", "augmentation", "adaptation", "answer", "base", "draws")


class Clock:
    """Adds up wall-clock seconds by stage; each lap runs from the one before."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = dict.fromkeys(STAGES, 0.0)
        self._last = time.perf_counter()

    def lap(self, stage: str) -> None:
        """Add the seconds since the last lap to a stage; the base answer counts as an answer, too."""
        now = time.perf_counter()
        for name in ("base", "answer") if stage == "base" else (stage,):
            self.seconds[name] += now - self._last
        self._last = now
