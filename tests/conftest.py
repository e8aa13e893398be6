"""What every test shares."""

from hypothesis import settings

# A busy machine is no failure, and the same examples everywhere make a failure repeatable.
settings.register_profile("book", deadline=None, derandomize=True)
settings.load_profile("book")
