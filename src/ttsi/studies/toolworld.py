"""The studies of the embedded agent on toolworld: what is published, sweeps, and what its settings came from."""

from ttsi.benchmarks.toolworld import SPLITS
from ttsi.studies import families
from ttsi.studies.families import HEADLINE, SEEDS
from ttsi.studies.study import Samples, Study

ON_ONE_THREAD = {"backend": "peft", "threads": 1, "batch": 64}
"""All but one family are computed by the reference."""


def _samples(split: str, limit: int, **changes: str) -> Samples:
    return Samples("toolworld", split, {"limit": limit, **changes})


def _of_results(split: str) -> Samples:
    return _samples(split, families.HEADLINE_LIMIT if split == HEADLINE else families.LIMITS[split.split("/")[1]])


_SWEPT = _samples(HEADLINE, families.SWEEP_LIMIT)
_VALIDATION = [_samples(split, families.SELECTION_LIMIT, subset="validation") for split in (HEADLINE, "typed/unseen")]
_EVERY_SPLIT = [_of_results(split) for split in (HEADLINE, *(split for split in SPLITS if split != HEADLINE))]

SELECTION = Study("tiny", families.CANDIDATES, _VALIDATION, changes=ON_ONE_THREAD)
RESULTS = Study("tiny", families.FAMILIES | families.ACTIVATED, _EVERY_SPLIT, SEEDS, ON_ONE_THREAD)
SWEEPS = Study("tiny", families.SWEEPS, [_SWEPT], SEEDS, ON_ONE_THREAD)
TIMING = Study("tiny", families.FAMILIES, [_SWEPT], SEEDS, ON_ONE_THREAD)
"""What seconds are taken from, the families in turns; run them alone, unsharded."""
