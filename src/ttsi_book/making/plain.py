"""Chapters as plain notebooks: for readers of Markdown that do not know MyST, such as Jupyter's, Colab's and GitHub's.

Citations and links between pages lead to the published book, a value that a cell glues is written out or named, and
what MyST puts in a box is a quotation.
"""

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import jupytext
import yaml
from nbformat import NotebookNode
from pybtex.database import parse_file

from ttsi.records import InputError
from ttsi_book.making.bibliography import author_and_year

ROLE = re.compile(r"\{(?P<role>[\w:-]+)\}`(?P<text>[^`]+)`")
LINK = re.compile(r"\[(?P<text>[^]]*)\]\((?P<target>(?!\w+:|#)[^)\s]+)\)")
BOX = re.compile(
    r"^(?P<fence>:{3,}|`{3,})\{(?P<kind>[\w-]+)\} *(?P<title>.*)\n(?P<body>(?s:.*?))^(?P=fence)[ \t]*$", re.M
)
OPTION = re.compile(r"\A(?::[\w-]+:.*\n)+")
LABEL = re.compile(r"^\([\w-]+\)=\n", re.M)
CODE = re.compile(r"(^```(?!\{).*?^```)", re.M | re.S)


@dataclass(frozen=True)
class Plain:
    """The way from MyST to plain Markdown in one repository; `values` holds what cells glued, where they were run."""

    root: Path
    values: Mapping[str, str] = field(default_factory=dict)

    def notebook(self, notebook: NotebookNode) -> NotebookNode:
        """Make the prose of a chapter plain, in place, and return the chapter."""
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                cell.source = self.text(cell.source)
        return notebook

    def text(self, myst: str) -> str:
        """Return the prose of a chapter as plain Markdown; listings stay as they are."""
        parts = enumerate(CODE.split(myst))  # prose and listings in turn
        return "".join(part if number % 2 else self._prose(part) for number, part in parts)

    def page(self, docname: str) -> str:
        """Return where a page of the published book is."""
        return f"{self._config.get('sphinx', {}).get('config', {}).get('html_baseurl', '')}{docname}.html"

    @property
    def repository(self) -> str:
        """Where the repository of the book is, as `_config.yml` says."""
        return self._config.get("repository", {}).get("url", "")

    def _prose(self, myst: str) -> str:
        boxes = BOX.sub(_quotation, LABEL.sub("", myst))
        return LINK.sub(self._link, ROLE.sub(self._role, boxes))

    @cached_property
    def _config(self) -> dict[str, Any]:
        return yaml.safe_load((self.root / "_config.yml").read_text(encoding="utf-8"))

    @cached_property
    def _entries(self) -> Mapping[str, Any]:
        return parse_file(self.root / "book" / "references.bib").entries

    def _role(self, found: re.Match[str]) -> str:
        role, text = found["role"], found["text"]
        if role == "glue:text":
            name = text.rpartition("::")[2].partition(":")[0]
            return self.values.get(name, f"`{name}`")
        if role.startswith("cite"):
            return self._citation([key.strip() for key in text.split(",")], in_text=role == "cite:t")
        shown, _, target = text.rstrip(">").partition(" <")
        if role == "doc":
            return f"[{shown if target else ''}]({target or shown})"
        return f"`{shown.lstrip('~')}`" if role.startswith("py:") else shown

    def _citation(self, keys: list[str], *, in_text: bool) -> str:
        cited = []
        for key in keys:
            if key not in self._entries:
                raise InputError(f"{key} is cited; expected one of the entries of book/references.bib")
            entry = self._entries[key]
            who, year = author_and_year(entry)
            shown = f"{who} ({year})" if in_text else f"{who}, {year}"
            cited.append(f"[{shown}]({_address(entry) or self.page('references')})")
        return ", ".join(cited) if in_text else f"({'; '.join(cited)})"

    def _link(self, found: re.Match[str]) -> str:
        path, _, anchor = found["target"].partition("#")
        docname = posixpath.normpath(posixpath.join("notebooks", re.sub(r"\.(ipynb|md|html)$", "", path)))
        where = self.page(docname) + (f"#{anchor}" if anchor else "")
        return f"[{found['text'] or self._title(docname)}]({where})"

    def _title(self, docname: str) -> str:
        chapter, page = self.root / f"{docname}.py", self.root / "book" / f"{docname}.md"
        if chapter.is_file():
            text = jupytext.read(chapter, fmt="py:percent").cells[0].source
        elif page.is_file():
            text = page.read_text(encoding="utf-8")
        else:
            raise InputError(f"a link leads to {docname}; expected a chapter or a page of book/")
        heading = re.search(r"^# (.+)$", text, re.M)
        return heading[1] if heading else docname


def _quotation(found: re.Match[str]) -> str:
    """Return a box of MyST as a quotation under its title, a formula between dollars, and nothing of a glued figure."""
    if found["kind"] == "glue":
        return ""
    body = OPTION.sub("", found["body"]).strip()
    if found["kind"] == "math":
        return f"$$\n{body}\n$$"
    lines = [f"**{found['title'] or found['kind'].capitalize()}**", "", *body.splitlines()]
    return "\n".join(f"> {line}".rstrip() for line in lines)


def _address(entry: Any) -> str | None:
    fields = entry.fields
    if "url" in fields:
        return fields["url"]
    if "eprint" in fields:
        return f"https://arxiv.org/abs/{fields['eprint']}"
    named = re.search(r"\\url\{(.+?)\}", fields.get("howpublished", ""))
    return named[1] if named else None
