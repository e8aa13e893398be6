"""The arithmetic of many workers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttsi_book.analysis.fleet import fleet


def test_a_fleet_by_hand():
    found = fleet(1000, seconds=3.6, hours=0.5, start_seconds=36, price_an_hour=2.0)
    assert found.workers == 3
    assert found.hours == pytest.approx((36 + 334 * 3.6) / 3600)
    assert found.cost == pytest.approx(2 * 3 * found.hours)


@given(st.integers(1, 10**6), st.floats(0.01, 60), st.floats(0.1, 48), st.floats(0, 300))
def test_it_is_in_time_and_one_worker_fewer_is_not(samples, seconds, hours, start):
    found = fleet(samples, seconds=seconds, hours=hours, start_seconds=start, price_an_hour=1.0)
    assert found.hours <= hours * (1 + 1e-9)
    if found.workers > 1:
        fewer = samples / (found.workers - 1)
        assert start + seconds * fewer > 3600 * hours - seconds


def test_a_start_that_takes_all_the_time_is_refused():
    with pytest.raises(ValueError, match="too short"):
        fleet(1, seconds=1, hours=0.01, start_seconds=36, price_an_hour=1)
