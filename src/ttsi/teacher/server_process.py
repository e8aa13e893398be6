"""The process of a local server: `transformers serve` with one model, until the parent ends.

The parent holds the other end of standard input, which closes however the parent ends. This is a program of its own,
run by path, so that nothing of the library has to be imported before the server.
"""

import os
import sys
import threading


def _end_with_parent() -> None:
    os.read(0, 1)  # not `sys.stdin`, whose lock an ordinary end of the program would wait for
    os._exit(0)


def serve(model: str) -> None:
    """Serve a model folder on a free loopback port; the log names it."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    from transformers.cli.serve import Serve

    Serve(model, device="cpu", dtype="float32", host="127.0.0.1", port=0)


if __name__ == "__main__":
    serve(sys.argv[1])
