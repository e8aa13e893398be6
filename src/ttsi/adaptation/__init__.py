"""T, self-improvement: train a LoRA adapter on practice examples, answer with it, forget it."""

from ttsi.adaptation.sequential import Lesson, LoraSettings, SequentialAdapter

__all__ = ["Lesson", "LoraSettings", "SequentialAdapter"]
