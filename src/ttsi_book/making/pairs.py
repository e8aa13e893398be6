"""The clean pair of each chapter: `python -m ttsi_book.making.pairs` writes every `notebooks/NN_name.ipynb` anew."""

from pathlib import Path

import click
import nbformat

from ttsi_book.making.chapters import Chapter, find_chapters


def pair_path(chapter: Chapter) -> Path:
    """Return where the clean pair of a chapter stands: what Colab and Binder open."""
    return chapter.path.with_suffix(".ipynb")


def pair_text(chapter: Chapter) -> str:
    """Return the text of the clean pair; it follows from the chapter's source alone."""
    return nbformat.writes(chapter.notebook()) + "\n"


def write_pairs(root: Path) -> list[Path]:
    """Write the pairs that differ from their sources and return them."""
    stale = [
        chapter
        for chapter in find_chapters(root)
        if not pair_path(chapter).is_file() or pair_path(chapter).read_text(encoding="utf-8") != pair_text(chapter)
    ]
    for chapter in stale:
        pair_path(chapter).write_text(pair_text(chapter), encoding="utf-8")
    return [pair_path(chapter) for chapter in stale]


if __name__ == "__main__":
    for written in write_pairs(Path.cwd()):
        click.echo(f"wrote {written.relative_to(Path.cwd())}")
