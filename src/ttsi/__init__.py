"""Test-time self-improvement of language-model agents (TT-SI, arXiv 2510.07841)."""

import os

# Threads that wait spin, unless told otherwise, and where anything else computes, they take its core: a small operation
# on two threads then takes 10 ms instead of 0.1. OpenMP reads this once, when torch is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
