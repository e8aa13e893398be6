"""Many samples at once: an agent that shares what prompts begin with, and a stack of adapters."""
