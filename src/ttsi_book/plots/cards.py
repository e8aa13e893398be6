"""Cards: one request with what was written for it, or its answers before and after with what changed marked."""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from html import escape

_PIECES = re.compile(r"\w+|\s+|[^\w\s]")


def change_card(
    title: str, request: str, *, before: str, after: str, gold: str = "", practice: Sequence[tuple[str, str]] = ()
) -> str:
    """Return a card as HTML; words that only one of the two answers has are marked as deleted or inserted.

    `before` and `after` are the answers without practice and with it, `gold` is the right one, where it may be shown,
    and `practice` holds the text and the verdict of each practice example.
    """
    removed, added = marked(before, after)
    parts = [("request", escape(request)), ("before", removed), ("after", added)]
    parts += [("right", escape(gold))] if gold and gold not in (before, after) else []
    examples = [(escape(verdict), escape(text)) for text, verdict in practice]
    folded = f"<details><summary>practice in between</summary>{_list(examples)}</details>" if examples else ""
    return f'<div class="change-card"><p>{escape(title)}</p>{_list(parts)}{folded}</div>'


def card(title: str, parts: Sequence[tuple[str, str]]) -> str:
    """Return texts, each with its name, as a card of HTML; a `request` is set as prose, all else as code."""
    rows = [(escape(name), escape(text)) for name, text in parts]
    return f'<div class="change-card"><p>{escape(title)}</p>{_list(rows)}</div>'


def _list(parts: Sequence[tuple[str, str]]) -> str:
    said = {"request": ' class="said"'}
    rows = (f"<dt>{name}</dt><dd{said.get(name, '')}>{text.strip()}</dd>" for name, text in parts)
    return f"<dl>{''.join(rows)}</dl>"


def marked(before: str, after: str) -> tuple[str, str]:
    """Return two texts as HTML in which what the other one lacks stands in `del`, or in `ins`."""
    first, second = _PIECES.findall(before), _PIECES.findall(after)
    removed, added = "", ""
    for tag, a, b, c, d in SequenceMatcher(None, first, second, autojunk=False).get_opcodes():
        left, right = escape("".join(first[a:b])), escape("".join(second[c:d]))
        removed += left if tag == "equal" or not left else f"<del>{left}</del>"
        added += right if tag == "equal" or not right else f"<ins>{right}</ins>"
    return removed, added
