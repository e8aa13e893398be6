"""The embedded agent: a tiny model that is trained from nothing, and its model card."""
