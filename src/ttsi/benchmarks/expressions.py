"""Values, calls and stubs written as Python text: read through `ast`, never executed. Other text is a `ValueError`."""

import ast
import re
import warnings
from dataclasses import dataclass
from typing import Any

from ttsi.calls import plain

_ONE_STRING = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)
_ARGUMENT = re.compile(r"(?:^|,)\s*([A-Za-z_]\w*)\s*=(?!=)")
_CALL = re.compile(r"\s*([A-Za-z_]\w*)\((.*)\)\s*", re.DOTALL)
_NEXT_CALL = re.compile(r"\)\s*,\s*[A-Za-z_]\w*\(")


@dataclass(frozen=True)
class WrittenCall:
    """A call as it is written: its last name (`search` of `client.search`), and its arguments."""

    name: str
    keywords: dict[str, Any]
    positional: tuple[Any, ...] = ()


def parse_python(text: str) -> ast.Module:
    """Return the syntax tree of Python text."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an unknown escape such as "\d" is the text's own matter
            return ast.parse(text)
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise ValueError("not Python") from error


def literal(node: ast.expr) -> Any:
    """Return the JSON value of a literal; one that JSON does not have, such as bytes, is refused."""
    try:
        return plain(ast.literal_eval(node))
    except (TypeError, RecursionError, MemoryError) as error:
        raise ValueError("no literal") from error


def read_literal(text: str) -> Any:
    """Return the JSON value of a literal's text."""
    return literal(_only_expression(parse_python(text.strip())))


def read_calls(text: str) -> list[WrittenCall]:
    """Return the calls of `f(x=1)`, `r = f(x=1)` or `[f(x=1), g(y=2)]`: arguments are literals, texts of one piece."""
    value = _only_expression(parse_python(text.strip()))
    return [_written_call(node, text.strip()) for node in (value.elts if isinstance(value, ast.List) else [value])]


def repair_call(text: str) -> WrittenCall:
    """Return the call of `f(x=…, y=…)` whose values are not quoted, or hold quotes of their own.

    A value ends where the next name begins; several calls are refused.
    """
    found = _CALL.fullmatch(text)
    if found is None or _NEXT_CALL.search(text):
        raise ValueError("no call")
    name, inside = found.groups()
    return WrittenCall(name, {argument: _bare(value) for argument, value in _named_values(inside)})


def _named_values(text: str) -> list[tuple[str, str]]:
    """Return the names and values of `x=…, y=…`; a name within a text that is still open begins no value."""
    found: list[tuple[str, int, int]] = []
    for one in _ARGUMENT.finditer(text):
        if not found or _is_closed(text[found[-1][2] : one.start()].strip()):
            found.append((one[1], one.start(), one.end()))
    if text[: found[0][1] if found else None].strip():
        raise ValueError("arguments without names")
    ends = [start for _, start, _ in found[1:]] + [len(text)]
    return [(name, text[begin:end].strip()) for (name, _, begin), end in zip(found, ends, strict=False)]


def _is_closed(value: str) -> bool:
    """Whether a value that begins with a quote ends with it."""
    return value[:1] not in ("'", '"') or (len(value) > 1 and value[-1] == value[0])


def _bare(text: str) -> Any:
    try:
        return read_literal(text)
    except ValueError:
        return plain(text[1:-1] if text[:1] in ("'", '"') and _is_closed(text) else text)


def _only_expression(tree: ast.Module) -> ast.expr:
    if len(tree.body) != 1 or not isinstance(tree.body[0], ast.Expr | ast.Assign):
        raise ValueError("not one expression")
    return tree.body[0].value


def _written_call(node: ast.expr, source: str) -> WrittenCall:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name | ast.Attribute):
        raise ValueError("no call")
    name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
    keywords = {}
    for keyword in node.keywords:
        if keyword.arg is None or not _is_one_piece(keyword.value, source):
            raise ValueError("an argument that is no literal")
        keywords[keyword.arg] = literal(keyword.value)
    return WrittenCall(name, keywords, tuple(literal(value) for value in node.args))


def _is_one_piece(node: ast.expr, source: str) -> bool:
    """Whether a text is one string; Python joins `'['a']'` written as `'[' 'a' ']'` without a word."""
    if not (isinstance(node, ast.Constant) and isinstance(node.value, str)):
        return True
    return _ONE_STRING.fullmatch(ast.get_source_segment(source, node) or "") is not None
