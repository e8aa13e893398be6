"""The benchmark of speed: the same adaptations by each way to compute them (`ttsi bench`)."""
