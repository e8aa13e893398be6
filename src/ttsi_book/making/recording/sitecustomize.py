"""Python runs this when it starts with this folder on its path: from then on, imports of the project are noted."""

import os
import sys

PACKAGES = ("ttsi", "ttsi_book")


class Recorder:
    """The first finder of modules: it finds none, and notes what was asked for, even if the process is killed later."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        """Note the name of a module."""
        if name.partition(".")[0] in PACKAGES:
            note(name)


def note(line: str) -> None:
    """Add a line to the file that the environment names."""
    with open(os.environ["TTSI_BOOK_MODULES"], "a", encoding="utf-8") as file:  # noqa: PTH123 - imports nothing
        file.write(f"{line}\n")


if "TTSI_BOOK_MODULES" in os.environ:
    sys.meta_path.insert(0, Recorder)
    for argument in sys.orig_argv:
        if argument.endswith(".py"):
            note(os.path.abspath(argument))  # noqa: PTH100
