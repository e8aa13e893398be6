"""A small book for tests of how books are made: two chapters, four modules, one file of data."""

from pathlib import Path

FILES = {
    "_config.yml": 'title: Small\nonly_build_toc_files: true\nexecute: {execute_notebooks: "off"}\n',
    "requirements.txt": "torch==1\n",
    "data/words.txt": "one two\n",
    "src/ttsi/__init__.py": (
        "from importlib import import_module\n\n"
        '_MODULES = {"answer": "ttsi.direct", "VALUE": "ttsi.unused"}\n\n\n'
        "def __getattr__(name):\n"
        "    if name not in _MODULES:\n        raise AttributeError(name)\n"
        "    return getattr(import_module(_MODULES[name]), name)\n"
    ),
    "src/ttsi/direct.py": "def answer():\n    from ttsi import indirect\n\n    return indirect.VALUE\n",
    "src/ttsi/indirect.py": 'VALUE = 42\nTABLE = {"answer": ("ttsi.named:ANSWER", "ttsi.absent")}\n',
    "src/ttsi/named.py": "ANSWER = 42\n",
    "src/ttsi/unused.py": "VALUE = 0\n",
    "book/_toc.yml": (
        "format: jb-book\nroot: intro\nparts:\n"
        "- {caption: Chapters, chapters: [{file: notebooks/01_first}]}\n"
        "- {caption: More, chapters: [{file: notebooks/02_second}, {file: status}]}\n"
    ),
    "book/intro.md": "# Small\n\nSee [](notebooks/01_first) and [](notebooks/02_second).\n",
    "book/status.md": "# Status\n\n```{include} machine.md\n```\n",
    "notebooks/01_first.py": (
        "# %% [markdown]\n# # First\n#\n# Plain prose.\n\n"
        '# %% tags=["parameters"]\nprofile = "tiny"\ntau = 0.95\n\n'
        '# %%\nfrom ttsi import answer\n\nprint("answer", answer(), profile, tau)\n'
    ),
    "notebooks/02_second.py": (
        "# %% [markdown]\n# # Second\n\n"
        '# %% tags=["parameters"]\nprofile = "tiny"\n\n'
        "# %%\n# a first line\nvalue = 3\nprint(6 / value)\n"
    ),
}


def write_small_book(root: Path) -> Path:
    """Write the small book under `root` and return it."""
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def edit(path: Path, before: str, after: str) -> None:
    """Replace a part of a file, which must be there."""
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")
