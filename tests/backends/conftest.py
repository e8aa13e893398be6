"""What the tests of the backends share."""

import pytest

from ttsi.benchmarks import load


@pytest.fixture(scope="module")
def samples():
    kinds = ("single/unseen", "dialogue/seen", "typed/unseen", "parallel/seen")
    return [sample for kind in kinds for sample in load("toolworld", kind, subset="validation", seed=8, limit=16)]
