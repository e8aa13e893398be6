"""Seeds of a sample's draws: never of its position, its neighbours or the time."""

import hashlib


def seed_for(seed: int, sample_id: str, purpose: str = "") -> int:
    """Return the seed of one sample in a run of seed `seed`, the same whatever else the run does."""
    name = f"{seed}/{sample_id}/{purpose}" if purpose else f"{seed}/{sample_id}"
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4])
