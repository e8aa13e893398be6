"""Tuning a pretrained model to an agent that calls tools: lessons, the run, its card, and what it may not have seen."""
