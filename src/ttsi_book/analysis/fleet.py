"""How many machines a number of samples takes: samples are independent, so the work divides by the workers."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Fleet:
    """Workers that serve a number of samples. Times in hours, prices in the currency of `price_an_hour`."""

    workers: int
    hours: float
    worker_hours: float
    cost: float


def fleet(samples: int, *, seconds: float, hours: float, start_seconds: float, price_an_hour: float) -> Fleet:
    """Return the smallest fleet that serves the samples in time.

    Args:
        samples: to serve.
        seconds: of one sample on one worker.
        hours: in which all are to be served.
        start_seconds: until a worker serves its first sample.
        price_an_hour: of one worker.

    Raises:
        ValueError: a worker does not even start in that time.
    """
    usable = 3600 * hours - start_seconds
    if usable < seconds:
        raise ValueError(f"{hours} h are too short: a worker starts in {start_seconds} s and serves one in {seconds} s")
    workers = math.ceil(samples / math.floor(usable / seconds))
    taken = start_seconds + seconds * math.ceil(samples / workers)
    total = workers * taken / 3600
    return Fleet(workers, taken / 3600, total, total * price_an_hour)
