"""The ways to compute an adaptation, and the seconds and memory of one.

| way | how |
|---|---|
| `naive` | PEFT and `generate` of transformers, a sample at a time; the model is wrapped anew for each |
| `sequential` | the same, the adapter wrapped once and reset in place |
| `unsloth` | the same, with Unsloth's model and kernels; in a process of its own |
| `batched` | a batch of samples at once; H and G share each sample's prefix |
| `activated` | a batch at once, one prefill: the adapter acts after the prefix alone |

Candidates of a sample are scored in one batch, and its practice examples are written in one, by every way.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch

from ttsi.adaptation import Ids
from ttsi.agent import Agent
from ttsi.backends import BACKENDS, Backend, adapter_for
from ttsi.models.rows import Row
from ttsi.settings import LoraSettings
from ttsi.speed.workload import Work

WAYS: dict[str, Backend] = {
    "naive": BACKENDS["peft"],
    "sequential": BACKENDS["peft"],
    "unsloth": BACKENDS["unsloth"],
    "batched": BACKENDS["batched"],
    "activated": BACKENDS["batched"],
}
TIMED_STAGES = ("base", "uncertainty", "augmentation", "adaptation", "answer")


@dataclass
class Spent:
    """What a stage took of a batch."""

    seconds: float = 0.0
    tokens: int = 0
    """Of its prompts and of what it wrote, scored or trained on, those that are computed once for several included."""


class Adapting:
    """One of `WAYS`, with an agent of its kind, ready to adapt to any work.

    An answer and a practice example have so many tokens at most; `endless`: exactly as many, whatever is written.
    """

    def __init__(self, way: str, agent: Agent, *, answer_tokens: int, practice_tokens: int, endless: bool) -> None:
        self.way, self.agent = way, agent
        self.answer_tokens, self.practice_tokens = answer_tokens, practice_tokens
        if endless:
            agent.ends = frozenset()
            agent.model.generation_config.eos_token_id = None
        self.settings = LoraSettings(prefix="activated" if way == "activated" else "adapted")
        self._adapter: Any = None if way == "naive" else adapter_for(agent, self.settings)

    def __call__(self, batch: Sequence[Work]) -> dict[str, Spent]:
        """Adapt to a batch, of one unless the way is batched; return what each stage took."""
        agent, spent = self.agent, defaultdict[str, Spent](Spent)
        synchronize = torch.cuda.synchronize if agent.model.device.type == "cuda" else lambda: None

        def timed(stage: str, compute: Callable[[], int]) -> None:
            started = time.perf_counter()
            tokens = compute()
            synchronize()
            spent[stage].seconds += time.perf_counter() - started
            spent[stage].tokens += tokens

        prompts = [Row(one.prompt, index=n) for n, one in enumerate(batch)]
        drawn = [Row(one.practice, (n, k), index=n) for n, one in enumerate(batch) for k in range(len(one.lessons))]
        known: Any = agent
        prefixes = [one.prefix for one in batch]
        shares = known.sharing_prefixes(prefixes) if WAYS[self.way].at_once else nullcontext()
        started = time.perf_counter()
        with shares:
            synchronize()
            spent["base"].seconds = time.perf_counter() - started
            timed("base", lambda: self._write(prompts, self.answer_tokens))
            timed("uncertainty", lambda: self._score(prompts, [one.candidates for one in batch]))
            timed("augmentation", lambda: self._write(drawn, self.practice_tokens, temperature=0.7))
            timed("adaptation", lambda: self._learn([one.lessons for one in batch]))
            with self._adapter.enabled({n: n for n in range(len(batch))}):
                timed("answer", lambda: self._write(prompts, self.answer_tokens))
            if self.way == "naive":
                timed("adaptation", self._forget)
        return dict(spent)

    def _write(self, rows: Sequence[Row], limit: int, **sampling: float) -> int:
        self.agent.max_new_tokens = self.agent.model.generation_config.max_new_tokens = limit
        written = self.agent.continued(rows, **sampling)
        return sum(len(row.prompt) + len(ids) for row, ids in zip(rows, written, strict=True))

    def _score(self, rows: Sequence[Row], candidates: Sequence[Sequence[list[int]]]) -> int:
        self.agent.scored(rows, candidates)
        return sum(len(row.prompt) + sum(map(len, of_row)) for row, of_row in zip(rows, candidates, strict=True))

    def _learn(self, lessons: Sequence[Sequence[Ids]]) -> int:
        if self._adapter is None:
            self._adapter = adapter_for(self.agent, self.settings)
        self._adapter.fit_ids(lessons, seeds=range(len(lessons)), indices=range(len(lessons)))
        return self.settings.epochs * sum(len(prompt) + len(answer) for one in lessons for prompt, answer in one)

    def _forget(self) -> int:
        self._adapter.close()
        self._adapter = None
        return 0
