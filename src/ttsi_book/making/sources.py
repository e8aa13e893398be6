"""Where a figure or a table comes from: the chapter that draws it, and the published rows that it rests on.

A chapter names published files as `data_root() / "results"`, or calls a reader of one. Every name that is assigned from
such an expression, or from a name that is, rests on these files; so does what a cell shows with it.
"""

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import yaml
from IPython.core.inputtransformer2 import TransformerManager

READERS = {
    "read_paper": "paper.toml",
    "read_survey": "benchmarks/survey.json",
    "load_manifest": "benchmarks.toml",
    "model_folder": "agents",
}
"""Functions that know by themselves where what they read is published."""


def rests_on(cells: Sequence[str]) -> list[set[str]]:
    """Return, of each code cell in order, the published files and folders below `data/` that it rests on."""
    known: defaultdict[str, set[str]] = defaultdict(set)
    found = []
    for cell in cells:
        used: set[str] = set()
        for statement in ast.parse(TransformerManager().transform_cell(cell)).body:
            names = [node.id for node in ast.walk(statement) if isinstance(node, ast.Name)]
            files = set(_named(statement)).union(*(known[name] for name in names))
            for name in _changed(statement):
                known[name] |= files
            used |= files
        found.append(used)
    return found


def source_line(chapter: str, files: set[str], root: Path) -> str:
    """Return a line of HTML that links to a chapter's source and to the published files, with what made their rows.

    The chapter is named as `NN_name`, the files as they are below `data/`: none where it computes what it shows. The
    configuration of the repository says where that is published.
    """
    repository = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8")).get("repository")
    if not repository:
        return ""
    links = [_link(repository, f"notebooks/{chapter}.py", root)]
    links += [_link(repository, f"data/{file}", root) for file in sorted(files) if (root / "data" / file).exists()]
    rows = f"; rows, and what made them: {', '.join(links[1:])}" if links[1:] else "; computed there"
    return f'<p class="source">Source: {links[0]}{rows}</p>'


def _link(repository: Mapping[str, Any], name: str, root: Path) -> str:
    kind = "tree" if (root / name).is_dir() else "blob"
    address = f"{repository['url']}/{kind}/{repository['branch']}/{name}"
    return f'<a href="{escape(address)}">{escape(name)}</a>'


def _named(statement: ast.AST) -> Iterator[str]:
    """Yield what a statement names below the data folder, the longest path of each expression."""
    for node in ast.walk(statement):
        if isinstance(node, ast.BinOp) and isinstance(node.left, ast.Call) and ast.unparse(node.left) == "data_root()":
            if isinstance(node.right, ast.Constant):
                yield str(node.right.value)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in READERS:
            yield READERS[node.func.id]


def _changed(statement: ast.AST) -> Iterator[str]:
    """Yield the names that a statement assigns or defines, and those of lists and tables that it adds to."""
    for node in ast.walk(statement):
        match node:
            case (
                ast.FunctionDef(name=name)
                | ast.Name(id=name, ctx=ast.Store())
                | ast.Attribute(attr="append" | "extend" | "update", value=ast.Name(id=name))
                | ast.Subscript(ctx=ast.Store(), value=ast.Name(id=name))
            ):
                yield name
