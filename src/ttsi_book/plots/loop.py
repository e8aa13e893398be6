"""The loop as a figure: one request on its way through it, as HTML that follows the page's colours and its width."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from ttsi.calls import CLOSE, MalformedCall, parse_calls
from ttsi_book.plots.cards import marked

WIDTH, HEIGHT = 150, 36


@dataclass(frozen=True)
class Story:
    """One request with what the loop made of it."""

    request: str
    tools: int
    """How many tools are on offer."""
    before: str
    after: str
    """The outputs without practice and with it."""
    right_before: bool
    right_after: bool
    margin: float
    tau: float
    practice: Sequence[str]
    """The examples trained on: calls, then the request that they answer."""
    losses: Sequence[float]
    """Nats a token, one for each step."""


def loop_figure(story: Story) -> str:
    """Return the figure: six steps in a ring or, on a phone, below each other."""
    before, after = marked(compact(story.before), compact(story.after))
    written = "".join(_example(text) for text in story.practice)
    first, last = story.losses[0], story.losses[-1]
    steps = (
        ("Request", f"<q>{escape(story.request)}</q>", f"{story.tools} tools are on offer."),
        ("Answer, and H: am I sure?", _call(before, right=story.right_before), _margin(story)),
        ("G: write practice", written, "The agent's own, checked for form alone."),
        ("T: train a LoRA", _curve(story.losses), f"{len(story.losses)} steps: loss {first:.2f} to {last:.2f}."),
        ("Answer again", _call(after, right=story.right_after), "The same request, with the adapter on."),
        ("Forget", "<p>The adapter goes.</p>", "The next request meets the weights of the start, bit by bit."),
    )
    items = "".join(f"<li><b>{title}</b>{body}<small>{note}</small></li>" for title, body, note in steps)
    return f'<ol class="loop">{items}</ol>'


def compact(output: str) -> str:
    """Return an output's calls as one writes a call of a function; an output that holds none as it is."""
    try:
        calls = parse_calls(output)
    except MalformedCall:
        return output
    texts = (
        f"{call.name}({', '.join(f'{name}={json.dumps(value)}' for name, value in call.arguments.items())})"
        for call in calls
    )
    return "\n".join(texts) or output


def _call(text: str, *, right: bool) -> str:
    verdict = "right" if right else "wrong"
    return f'<code class="{verdict}">{_breaking(text)}</code><em>{verdict}</em>'


def _margin(story: Story) -> str:
    below = "below" if story.margin < story.tau else "not below"
    return f"Margin {story.margin:.2f}, {below} tau = {story.tau:g}."


def _example(text: str) -> str:
    calls, _, request = text.rpartition(CLOSE)
    return f"<q>{escape(request.strip())}</q><code>{_breaking(escape(compact(calls + CLOSE)))}</code>"


def _breaking(call: str) -> str:
    """Let a narrow box break a call before its arguments rather than in a word."""
    return call.replace("(", "(<wbr>")


def _curve(losses: Sequence[float]) -> str:
    """Return the losses as a line, zero at the bottom."""
    top, step = max(*losses, 1e-9), WIDTH / max(len(losses) - 1, 1)
    points = " ".join(f"{step * index:.1f},{HEIGHT * (1 - loss / top):.1f}" for index, loss in enumerate(losses))
    label = f"loss of {len(losses)} steps, from {losses[0]:.2f} to {losses[-1]:.2f}"
    box = f'viewBox="-3 -3 {WIDTH + 6} {HEIGHT + 6}"'
    return f'<svg {box} role="img" aria-label="{label}"><polyline points="{points}"/></svg>'
