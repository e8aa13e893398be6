"""Numbers in prose: each comes from a cell, is a setting or a name, or is written in code."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ttsi_book.making.chapters import find_chapters

ROOT = Path(__file__).parents[2]

NO_PROSE = (
    r"\A---\n.*?\n---\n",  # what a page says of itself
    r"(`{3,}|~{3,}).*?\1",  # blocks of code
    r"`[^`]*`",  # code, and the values that cells glued
    r"\{\{.*?\}\}",  # values of the front page
    r"\$\$.*?\$\$|\$[^$]*\$",
    r"\]\([^)]*\)|<[^>]*>|https?://\S+",  # addresses
    r":{3,}\{grid\}[\d ]+|:gutter: \d",  # where cards stand
    r"@\w+\{.*",  # how to cite the book
)
SETTINGS_AND_NAMES = (
    r"95%|95 percent",  # how wide every interval is
    r"\[0, 1\]|between 0 and 1|from [01](?= to| on the)|to [01](?=,| on the)|\*tau\* = [01]",  # where a margin lies
    r"0\.5\s+is\s+chance,\s+1\s+is\s+perfect",
    r"(below|tau) 0\.95",  # the paper's gate
    r"pass@5",
    r"below 0\.05",  # what is called a gain
    r"rank \$?8|5\s+epochs|16, all\s+linear",  # the paper's training
    r"seed 0",
    r"135 million parameters|4 bits",  # a model's name and its file's format
    # sizes and bounds that tests and measurements are set to
    r"1e-12|63 others|(600|120) tokens|answers of 60|batches of 64|mean over 25 steps",
    r"probability 0\.8(?=, eight in ten)",  # what calibration means, by an example
    r"(?:One|one) half(?= is chance|, \*uncertain\*)",
    r"double(?= precision)",
    r"answered twice|counts twice",  # before and after
    r"five times one answer",  # of five answers
    r"[Aa] quarter of an hour|about half an hour",
    r"(Section|Chapter|Chapters|steps) \d+(\.\d+)*( to \d+)?",
)
NUMBER = re.compile(r"(?<![\w.-])[-+−]?\d[\d.,]*%?(?![\w-])")
FACTOR = re.compile(
    r"\b(?:twice|doubles?d?|half|halves|halved|thirds?|quarters?|fifths?|tenths?"
    r"|(?:two|three|four|five|six|seven|eight|nine|ten|hundred|thousand)\s+times)\b",
    re.IGNORECASE,
)
"""Sizes that are compared in words."""


def unexplained(text: str) -> list[str]:
    """Return the numbers of a text that nothing explains, each with the words around it."""
    for pattern in (*NO_PROSE, *SETTINGS_AND_NAMES):
        text = re.sub(pattern, " ", text, flags=re.DOTALL)
    found = sorted([*NUMBER.finditer(text), *FACTOR.finditer(text)], key=re.Match.start)
    return [" ".join(text[max(0, one.start() - 40) : one.end() + 30].split()) for one in found]


def chapter_texts() -> Iterator[tuple[str, str]]:
    """Yield the prose of each chapter, the captions of its figures included."""
    for chapter in find_chapters(ROOT):
        for cell in chapter.notebook().cells:
            if cell.cell_type == "markdown":
                yield chapter.name, cell.source
            options = cell.metadata.get("mystnb", {})
            yield chapter.name, options.get("figure", {}).get("caption", "")
            yield chapter.name, options.get("image", {}).get("alt", "")


@pytest.mark.parametrize("page", sorted((ROOT / "book").glob("*.md")), ids=lambda page: page.stem)
def test_pages_hold_no_number_of_their_own(page: Path) -> None:
    assert unexplained(page.read_text(encoding="utf-8")) == []


def test_chapters_hold_no_number_that_no_cell_produced() -> None:
    assert [(name, one) for name, text in chapter_texts() for one in unexplained(text)] == []


@pytest.mark.parametrize(
    "text",
    [
        "It gains 6.6 points.",
        "Right in 73.4% of them",
        "in **1,294** requests",
        "+3 more",
        "It took 0.62.",
        "Twice as fast",
        "a third of them",
    ],
)
def test_a_number_that_was_typed_is_found(text: str) -> None:
    assert unexplained(text)


@pytest.mark.parametrize("text", ["{glue:text}`gain`, `tau=0.8`", "{{ n }} samples", "SmolLM2-135M", "behind tau 0.95"])
def test_what_a_cell_produced_or_a_setting_is_none(text: str) -> None:
    assert not unexplained(text)
