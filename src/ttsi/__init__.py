"""Test-time self-improvement of language-model agents (TT-SI, arXiv 2510.07841)."""
