"""Python runs this when it starts with this folder on its path: from then on it notes what is used of the project.

Of modules, the names that are imported; of data, the folders of which Python opens a file or that it lists. What a
library of another language opens by itself is not seen: weights count since their configuration stands beside them.
"""

import os
import sys

OURS = ("ttsi", "ttsi_book")


class Recorder:
    """The first finder of modules: it finds none, and notes what was asked for, even if the process is killed later."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        """Note the name of a module."""
        if name.partition(".")[0] in OURS:
            note(name)


def read(event: str, arguments: tuple, seen: set[str] = set()) -> None:  # noqa: B006 - one for the whole process
    """Note the folder of data that an operation of the file system reads, with a slash at its end."""
    if event not in ("open", "os.listdir", "os.scandir") or not isinstance(arguments[0], (str, os.PathLike)):
        return
    path = os.path.abspath(arguments[0])  # noqa: PTH100
    folder = (os.path.dirname(path) if event == "open" else path) + "/"  # noqa: PTH120
    if folder.startswith(os.environ["TTSI_BOOK_DATA"] + "/") and folder not in seen:
        seen.add(folder)
        note(folder)


def note(line: str) -> None:
    """Add a line to the file that the environment names."""
    with open(os.environ["TTSI_BOOK_MODULES"], "a", encoding="utf-8") as file:  # noqa: PTH123 - imports nothing
        file.write(f"{line}\n")


if "TTSI_BOOK_MODULES" in os.environ:
    sys.meta_path.insert(0, Recorder)
    sys.addaudithook(read)
    for argument in sys.orig_argv:
        if argument.endswith(".py"):
            note(os.path.abspath(argument))  # noqa: PTH100
