"""Runs: one configuration over one benchmark split, resumable, with what made it."""
