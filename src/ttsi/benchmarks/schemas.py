"""Tools with JSON schemas, from the type names that the benchmarks use."""

import re
from collections.abc import Collection, Mapping
from typing import Any

from ttsi.records import Tool

_TYPES = {
    "string": ("str", "string"),
    "integer": ("int", "integer", "int32", "int64"),
    "number": ("float", "number", "double"),
    "boolean": ("bool", "boolean"),
    "array": ("list", "array", "tuple"),
    "object": ("dict", "object", "json"),
}
_JSON_TYPE = {name: json_type for json_type, names in _TYPES.items() for name in names}
_TYPE = re.compile(r"(\w+)(?:[\[(](.*)[\])])?", re.DOTALL)

Schema = dict[str, Any]


def type_schema(name: str) -> Schema:
    """Return the schema of a type such as `str`, `Array[string]` or `list(str)`; of an unknown type, an open one."""
    found = _TYPE.match(name.strip())
    json_type = _JSON_TYPE.get(found[1].lower()) if found else None
    if found is None or json_type is None:
        return {}
    items = type_schema(found[2]) if json_type == "array" and found[2] else {}
    return {"type": json_type} | ({"items": items} if items else {})


def parameter(type_name: str = "", description: str = "", **more: Any) -> Schema:
    """Return the schema of one parameter; what is empty is left out."""
    return type_schema(type_name) | ({"description": description} if description else {}) | more


def make_tool(name: str, description: str, parameters: Mapping[str, Schema], required: Collection[str]) -> Tool:
    """Return a tool whose parameters are those given; only names among them can be required."""
    schema = {"type": "object", "properties": dict(parameters), "required": [n for n in parameters if n in required]}
    return Tool(name=name, description=description, parameters=schema)
