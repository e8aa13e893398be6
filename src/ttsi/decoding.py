"""Decoding modes: how several sampled answers to one request count.

| mode | the run's answer | a sample is right if |
|---|---|---|
| `direct` | the greedy answer | it is |
| `majority-vote` | of 5 sampled answers, one of those that most of them agree with | it is |
| `pass@5` | the first of 5 sampled answers | any of the 5 is: a bound, since choosing it takes the label |

The paper does not define its majority vote. Here answers agree if they hold the same calls after normalisation
(`ttsi.scoring.answer_form`), one that is malformed has no vote, and the answer drawn first wins a tie.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Literal

from ttsi.scoring import answer_form

Decoding = Literal["direct", "majority-vote", "pass@5"]

DRAWS = 5
"""Sampled answers of the modes other than `direct`."""


def majority(answers: Sequence[str]) -> str:
    """Return the answer that most answers agree with; the first one where all are malformed."""
    forms = [answer_form(answer) for answer in answers]
    votes = Counter(form for form in forms if form is not None)
    if not votes:
        return answers[0]
    return answers[forms.index(votes.most_common(1)[0][0])]


def agreement(answer: str, answers: Sequence[str]) -> float:
    """Return the share of `answers` that hold the same calls as `answer`; 0 where it is malformed."""
    form = answer_form(answer)
    return 0.0 if form is None else sum(answer_form(other) == form for other in answers) / len(answers)
