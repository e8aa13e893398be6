"""The book in a browser: `python -m ttsi_book.making.serving` rebuilds it on save and reloads the page."""

import subprocess
import sys
from pathlib import Path
from threading import Thread

import click
from livereload import Server
from watchfiles import DefaultFilter, watch

WATCHED = ("_config.yml", "requirements.txt", "notebooks", "book", "src", "data")
BUILD = (sys.executable, "-c", "from ttsi.cli import main; main()", "book")
"""A process of its own, which imports what was saved."""


class Sources(DefaultFilter):
    """Lets through what a person saves: not what Python and Jupyter leave behind, nor the executed chapters."""

    ignore_dirs = (*DefaultFilter.ignore_dirs, ".ipynb_checkpoints")

    def __init__(self, root: Path) -> None:
        super().__init__(ignore_paths=[root / "book" / "notebooks"])


def keep_built(root: Path) -> None:
    """Build the book, and again whenever sources are saved; what is saved during a build is in the next."""
    paths = [root / name for name in WATCHED]
    saved = watch(*paths, watch_filter=Sources(root), rust_timeout=500, yield_on_timeout=True)
    for number, changes in enumerate(saved):
        if changes or not number:
            subprocess.run(BUILD, cwd=root, check=False)  # it says itself what failed


def serve(root: Path, port: int) -> None:
    """Serve the book on loopback, keep it built, and reload its page in the browser when pages are put in place."""
    html = root / "_build" / "html"
    Thread(target=keep_built, args=[root], daemon=True).start()
    server = Server()
    server.watch(str(root / "_build" / "work" / "pages.json"))  # written when pages are in place
    server.serve(port=port, host="127.0.0.1", root=str(html), restart_delay=0)


@click.command()
@click.option("--port", default=8000, show_default=True)
def main(port: int) -> None:
    """Show the book, and keep it up to date while its sources are edited."""
    serve(Path.cwd(), port)


if __name__ == "__main__":
    main()
