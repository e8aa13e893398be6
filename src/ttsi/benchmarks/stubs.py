"""Tools from Python stubs, read through `ast`: a signature, and a docstring that describes the arguments line by line.

The lines that describe an argument of the signature (`- id: text`, `- ip, text`, `name (str): text`) move to its
schema; the rest of the docstring is the tool's description. A default, which upstream's score fills in, stands in the
schema as `default`; an argument without one is required.
"""

import ast
import re
from collections.abc import Collection
from typing import Any

from ttsi.benchmarks.expressions import literal, parse_python
from ttsi.benchmarks.schemas import Schema, make_tool, parameter
from ttsi.calls import plain
from ttsi.records import Tool

_ARGUMENT = re.compile(r"\s*(?:- )?([\w-]+)(?: \(([^)]*)\))?(?: required)?[:,](.*)")
_HEADING = re.compile(r"\n\s*(?:Args|Parameters):?\s*$")
_STUB = re.compile(r"<func_start>(.*?)<func_end>\s*<docstring_start>\s*\"\"\"(.*?)\"\"\"\s*<docstring_end>", re.DOTALL)


def function_tools(text: str) -> list[Tool]:
    """Return a tool for each function that a text defines; raises `ValueError` where it is no such text."""
    functions = [node for node in parse_python(text).body if isinstance(node, ast.FunctionDef)]
    return [_tool(function, ast.get_docstring(function) or "") for function in functions]


def marked_tools(text: str) -> list[Tool]:
    """Return the tools of `<func_start>def f(a: str)<func_end> <docstring_start>…<docstring_end>` blocks."""
    tools = []
    for signature, docstring in _STUB.findall(text):
        node = parse_python(f"{signature.strip()}: ...").body[0]
        if not isinstance(node, ast.FunctionDef):
            raise ValueError("no function")
        tools.append(_tool(node, docstring))
    return tools


def assigned_tools(text: str, names: Collection[str]) -> list[Tool]:
    """Return the tools of dict literals that are assigned to these names, anywhere in a text."""
    assigned = [
        node.value
        for node in ast.walk(parse_python(text))
        if isinstance(node, ast.Assign) and isinstance(target := node.targets[0], ast.Name) and target.id in names
    ]
    return [_tool_of_dict(literal(value)) for value in assigned]


def _tool(node: ast.FunctionDef, docstring: str) -> Tool:
    docstring = plain(docstring)
    arguments, defaults = node.args.args, [literal(value) for value in node.args.defaults]
    required = [argument.arg for argument in arguments[: len(arguments) - len(defaults)]]
    with_default = dict(zip((argument.arg for argument in arguments[len(required) :]), defaults, strict=True))
    description, said = _split(docstring, {argument.arg for argument in arguments})
    parameters: dict[str, Schema] = {}
    for argument in arguments:
        noted, text = said.get(argument.arg, ("", ""))
        type_name = ast.unparse(argument.annotation) if argument.annotation else noted
        default = {"default": with_default[argument.arg]} if argument.arg in with_default else {}
        parameters[argument.arg] = parameter(type_name, text, **default)
    return make_tool(node.name, description, parameters, required)


def _split(docstring: str, names: Collection[str]) -> tuple[str, dict[str, tuple[str, str]]]:
    """Return a docstring without the lines on its arguments, and the type and text of each argument."""
    kept, said = [], {}
    for line in docstring.split("\n"):
        found = _ARGUMENT.fullmatch(line)
        name = found[1].replace("-", "_") if found else ""
        if found and name in names and name not in said:
            said[name] = (found[2] or "", found[3].strip())
        else:
            kept.append(line)
    return _HEADING.sub("", "\n" + "\n".join(kept).strip()).strip(), said


def _tool_of_dict(value: Any) -> Tool:
    try:
        listed = {one["name"]: parameter(one["type"], one["description"]) for one in value["args_dicts"]}
        required = [one["name"] for one in value["args_dicts"] if one["required"]]
        description, _ = _split(value["description"], listed)
        return make_tool(value["name"], description, listed, required)
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError("a dict of a tool has not the fields name, description and args_dicts") from error
