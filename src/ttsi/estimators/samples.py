"""The estimator that looks at other answers."""

from typing import TYPE_CHECKING

from ttsi.scoring import agreement

if TYPE_CHECKING:
    from ttsi.uncertainty import Evidence


def self_consistency(seen: "Evidence") -> float:
    """Return the share of sampled answers that agree with the greedy one."""
    return agreement(seen.agent.decode(seen.answer), seen.samples)
